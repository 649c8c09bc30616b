// Numbers as digits, for heads, chunks, identifiers and log lines.
#pragma once

#include <cstdint>

namespace millrace {

inline constexpr char kHexDigits[] = "0123456789abcdef";

// At most 20 bytes. Returns the end.
inline char* put_number(char* out, uint64_t number) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) *out++ = digits[--count];
  return out;
}

// At most 16 bytes, lower case. Returns the end.
inline char* put_hex_number(char* out, uint64_t number) {
  int shift = 0;
  while (number >> shift > 15) shift += 4;
  for (; shift >= 0; shift -= 4) *out++ = kHexDigits[(number >> shift) & 15];
  return out;
}

}  // namespace millrace
