// The forms of a request target, RFC 9112 3.2. Which one is right depends on the method alone.
// Thread: any.
#pragma once

#include <cstdint>

namespace millrace {

enum class TargetForm : uint8_t {
  kMalformed,
  kOrigin,     // "/path?query"
  kAbsolute,   // "http://host/path?query", as proxies get it; its host wins over Host
  kAuthority,  // "host:port", of CONNECT alone
  kAsterisk,   // "*", of OPTIONS alone
};

// `method` is llhttp's number. No form has control bytes, spaces, bytes above 126 or a fragment.
TargetForm target_form(int method, const char* target, uint32_t length);

// Whether a target in one of those forms is that of a resource which only TLS may serve.
bool is_https(const char* target, uint32_t length);

}  // namespace millrace
