// The slab that a turn's input is received into. Its memory belongs to JavaScript's garbage
// collector: a part in which Request objects were made is never written again, and the slab is
// left to them when it is used up; a part nobody holds is used again by the next turn.
//
// Received bytes grow upwards from the bottom, header tables downwards from the top. A read takes
// at most a third of what is free, so the tables (at most twice the bytes of their heads) and the
// copies of chunked bodies always find room.
//
// Thread: the worker's.
#pragma once

#include <cstdint>

#include "parser.h"

namespace millrace {

class Slab {
 public:
  // Never read less than this at once: below it the slab counts as used up.
  static constexpr uint32_t kReadMin = 4096;
  static constexpr uint32_t kReadMax = 32768;

  void use(char* data, uint32_t size);
  char* data() const { return data_; }
  char* bottom() const { return data_ + bottom_; }
  uint32_t offset_of(const char* at) const { return static_cast<uint32_t>(at - data_); }

  // How many bytes a read behind `tail` bytes may take; 0: the slab is too full for it.
  uint32_t room_to_read(uint32_t tail) const;
  bool has_room_for(uint32_t tail) const { return tail <= (top_ - bottom_) / 3; }
  bool is_used_up() const { return is_starved_ || top_ - bottom_ < 3 * (kReadMin + need_); }
  // Held input is too long for what is free: nothing goes on before there is a fresh slab.
  void demand_fresh() { is_starved_ = true; }
  bool is_starved() const { return is_starved_; }
  bool has_free(uint32_t length) const { return top_ - bottom_ >= length; }
  void take(uint32_t length) { bottom_ += length; }
  // The longest unfinished head that has to fit in front of a read.
  void set_need(uint32_t head_bytes_max) { need_ = head_bytes_max; }

  // Copies a header table in and returns its offset.
  uint32_t put_table(const HeaderEntry* entries, uint32_t count);
  // Copies bytes to the bottom (a chunked body being joined).
  void put_bytes(const char* from, uint32_t length);

  // The end of a turn: what was written since the last one is kept or written over.
  void end_turn(bool held);

 private:
  char* data_ = nullptr;
  uint32_t bottom_ = 0;
  uint32_t top_ = 0;
  uint32_t kept_bottom_ = 0;
  uint32_t kept_top_ = 0;
  uint32_t need_ = 0;
  bool is_starved_ = false;
};

}  // namespace millrace
