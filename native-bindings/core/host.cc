#include "host.h"

#include <cstring>

#include "ascii.h"

namespace millrace {

namespace {

// RFC 3986 unreserved, sub-delims and "%" of a reg-name. IPv4 is a subset.
struct HostChars {
  bool allowed[256] = {};
  constexpr HostChars() {
    for (char c : "-._~!$&'()*+,;=%") allowed[static_cast<unsigned char>(c)] = c != 0;
    for (int c = '0'; c <= '9'; c++) allowed[c] = true;
    for (int c = 'a'; c <= 'z'; c++) allowed[c] = allowed[c - 32] = true;
  }
};

constexpr HostChars kHostChars;

bool is_host_char(char c) { return kHostChars.allowed[static_cast<unsigned char>(c)]; }

bool is_address_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

// Where the host ends; null if it is none.
const char* skip_host(const char* at, const char* end) {
  const char* first = at;
  if (at < end && *at == '[') {
    at++;
    while (at < end && is_address_char(*at)) at++;
    return at < end && *at == ']' && at > first + 1 ? at + 1 : nullptr;
  }
  while (at < end && is_host_char(*at)) at++;
  return at > first ? at : nullptr;
}

// A port, which may be empty; -1 if it is none.
int32_t port_of(const char* at, const char* end) {
  if (end - at > 5) return -1;
  int32_t port = 0;
  for (; at < end; at++) {
    if (!is_digit(*at)) return -1;
    port = port * 10 + (*at - '0');
  }
  return port <= 65535 ? port : -1;
}

}  // namespace

bool is_valid_host(const char* host, uint32_t length) {
  const char* end = host + length;
  const char* at = skip_host(host, end);
  if (at == nullptr || at == end) return at != nullptr;
  return *at == ':' && port_of(at + 1, end) >= 0;
}

bool is_valid_destination(const char* host, uint32_t length) {
  const char* end = host + length;
  const char* at = skip_host(host, end);
  return at != nullptr && at != end && *at == ':' && port_of(at + 1, end) > 0;
}

}  // namespace millrace
