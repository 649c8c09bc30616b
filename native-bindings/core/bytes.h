// A growable byte buffer of plain memory: what a connection keeps between turns. It owns its
// memory; `release` frees it. Thread: whoever owns the connection.
//
// It may count itself in a total, that of the engine which holds it: whoever copies the struct, to
// give the memory away, takes it out of the total first.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace millrace {

struct Bytes {
  char* data = nullptr;
  uint32_t length = 0;
  uint32_t capacity = 0;
  uint64_t* total = nullptr;

  // From now on its capacity is part of `to`; null: of nothing.
  void count_in(uint64_t* to) {
    if (total != nullptr) *total -= capacity;
    total = to;
    if (total != nullptr) *total += capacity;
  }

  void append(const char* from, size_t count) {
    if (count == 0) return;
    if (length + count > capacity) {
      size_t wanted = capacity == 0 ? 512 : capacity * size_t{2};
      while (wanted < length + count) wanted *= 2;
      data = static_cast<char*>(std::realloc(data, wanted));
      if (total != nullptr) *total += wanted - capacity;
      capacity = static_cast<uint32_t>(wanted);
    }
    std::memcpy(data + length, from, count);
    length += static_cast<uint32_t>(count);
  }

  void drop_front(size_t count) {
    length -= static_cast<uint32_t>(count);
    std::memmove(data, data + count, length);
  }

  void release() {
    if (data == nullptr) return;
    if (total != nullptr) *total -= capacity;
    std::free(data);
    data = nullptr;
    length = capacity = 0;
  }
};

}  // namespace millrace
