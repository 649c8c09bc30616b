#include "slab.h"

#include <cstring>

namespace millrace {

void Slab::use(char* data, uint32_t size) {
  data_ = data;
  bottom_ = kept_bottom_ = 0;
  top_ = kept_top_ = size & ~7u;
  is_starved_ = false;
}

uint32_t Slab::room_to_read(uint32_t tail) const {
  uint32_t third = (top_ - bottom_) / 3;
  if (tail + kReadMin > third) return 0;
  uint32_t room = third - tail;
  return room < kReadMax ? room : kReadMax;
}

uint32_t Slab::put_table(const HeaderEntry* entries, uint32_t count) {
  uint32_t bytes = count * static_cast<uint32_t>(sizeof(HeaderEntry));
  top_ -= bytes;
  std::memcpy(data_ + top_, entries, bytes);
  return top_;
}

void Slab::put_bytes(const char* from, uint32_t length) {
  std::memcpy(data_ + bottom_, from, length);
  bottom_ += length;
}

void Slab::end_turn(bool held) {
  if (held) {
    kept_bottom_ = bottom_;
    kept_top_ = top_;
  } else {
    bottom_ = kept_bottom_;
    top_ = kept_top_;
  }
}

}  // namespace millrace
