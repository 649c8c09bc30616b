// Comparing bytes of the protocol, whose letters are ASCII whatever the locale. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// `lower` is in lower case already.
inline bool equals_lower(const char* text, const char* lower, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c != lower[i]) return false;
  }
  return true;
}

template <size_t N>
bool is(const char* text, uint32_t length, const char (&lower)[N]) {
  return length == N - 1 && equals_lower(text, lower, N - 1);
}

template <size_t N>
bool begins(const char* text, uint32_t length, const char (&lower)[N]) {
  return length >= N - 1 && equals_lower(text, lower, N - 1);
}

}  // namespace millrace
