// The lines of one worker on their way to the log's writer thread: a ring of bytes in process
// memory, so what a worker has put there outlives it.
//
// Invariant: 0 <= cursor - tail <= kBytes; what lies between tail and head is whole lines. One
// producer (the worker's thread; its successor in the slot once it has gone) and one consumer (the
// writer thread). Nobody waits: a line that does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace {

class LogRing {
 public:
  // 10,000 lines of 100 bytes: 60 ms of the most that a worker can answer.
  static constexpr uint64_t kBytes = 1 << 20;

  LogRing();
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;
  bool is_open() const { return data_ != nullptr; }  // false: out of memory

  // Producer. A line is reserved as a whole and put in parts; `publish` shows all of them.
  bool reserve(size_t length);
  void put(const char* from, size_t length);
  bool has_unpublished() const { return cursor_ != published_; }
  void publish();
  bool is_half_full();

  // Consumer. Copies whole lines, at most `capacity` bytes; 0 when the first one is longer.
  size_t peek(char* into, size_t capacity) const;
  void consume(size_t length);
  bool is_empty() const;

  // Counts, relaxed: they order nothing. Written by the producer, read by the primary.
  std::atomic<uint64_t> lines{0};
  std::atomic<uint64_t> dropped{0};

 private:
  char* data_;
  uint64_t cursor_ = 0;     // the producer's: what it has put
  uint64_t published_ = 0;  // the producer's copy of head_
  uint64_t tail_seen_ = 0;  // the producer's last look at tail_
  // Stored by `publish`, read by the consumer; sequentially consistent, see LogSignal.
  alignas(64) std::atomic<uint64_t> head_{0};
  // Stored by `consume` (release), read by `reserve` (acquire) before the bytes are used again.
  alignas(64) std::atomic<uint64_t> tail_{0};
};

// When the writer must be woken: once when it sleeps and there is something, once more when a ring
// is half full while it waits for more to write at once.
//
// No wake-up is lost: the producer stores head, then loads the state; the writer stores kAsleep,
// then loads every head. All four are sequentially consistent, so one of the two sees the other.
class LogSignal {
 public:
  enum State : uint32_t { kBusy, kGathering, kAsleep };

  bool open();
  ~LogSignal();

  // Producer, after `publish`.
  void published(LogRing& ring);
  // Any thread: the writer looks at what it has been asked.
  void wake();

  // Writer. Until it is woken, the time has passed (-1: never) or `writable_fd` takes bytes.
  void wait(State state, int milliseconds, int writable_fd = -1);
  void set(State state) { state_.store(state, std::memory_order_seq_cst); }

 private:
  std::atomic<uint32_t> state_{kBusy};
  int fd_ = -1;
};

}  // namespace millrace
