// The value of a Host field and the authority of a target: uri-host [ ":" port ] of RFC 9110 7.2.
// Userinfo is refused, and so is an empty host, which no server of ours can be. Thread: any.
#pragma once

#include <cstdint>

namespace millrace {

bool is_valid_host(const char* host, uint32_t length);

// As CONNECT names its destination: the port is there and not 0 (RFC 9110 9.3.6).
bool is_valid_destination(const char* host, uint32_t length);

}  // namespace millrace
