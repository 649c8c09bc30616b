// Bodies of tests: a piece that is lost, doubled or in another place makes another text.
#pragma once

#include <cstddef>
#include <string>

namespace millrace::test {

inline std::string bytes_of(size_t length) {
  std::string bytes(length, ' ');
  for (size_t i = 0; i < length; i++) bytes[i] = static_cast<char>('a' + (i * 31 + (i >> 9)) % 26);
  return bytes;
}

}  // namespace millrace::test
