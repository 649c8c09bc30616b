// Connections that are turned away because there are too many: each is told so at once, and its
// descriptor is kept for a moment, because closing with unread input sends a reset that can
// destroy the answer on its way (RFC 9112 9.6). Their number is bounded: in a flood the oldest
// goes when another one comes, and a refusal costs a few system calls and no memory.
//
// Thread: the primary's, but for the static functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

class Refusals {
 public:
  static constexpr size_t kMax = 32;          // within the tenth of the descriptors that is left
  static constexpr uint64_t kAgeMs = 1000;

  ~Refusals();
  // Answers 503 and sends FIN. It takes the descriptor over.
  void add(int fd, uint64_t now_ms);
  // Closes those whose peer has gone, and those that have been here for kAgeMs.
  void expire(uint64_t now_ms);
  void clear();
  size_t size() const { return count_; }

  // The answer and FIN; the caller closes. Any thread.
  static void answer(int fd);

 private:
  struct Refused {
    int fd;
    uint64_t since_ms;
  };

  void drop_oldest();

  Refused refused_[kMax];  // a ring: the oldest is at first_
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace millrace
