// Numbers as decimal digits, for heads and log lines.
#pragma once

#include <cstdint>

namespace millrace {

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

}  // namespace millrace
