#include "log-ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

// Pages that cost memory only once they are touched.
char* map_ring() {
  void* block = mmap(nullptr, LogRing::kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? nullptr : static_cast<char*>(block);
}

}  // namespace

LogRing::LogRing() : data_(map_ring()) {}

LogRing::~LogRing() {
  if (data_ != nullptr) munmap(data_, kBytes);
}

bool LogRing::reserve(size_t length) {
  if (cursor_ + length - tail_seen_ > kBytes) {
    tail_seen_ = tail_.load(std::memory_order_acquire);  // pairs with consume
    if (cursor_ + length - tail_seen_ > kBytes) {
      dropped.store(dropped.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
  }
  lines.store(lines.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return true;
}

void LogRing::put(const char* from, size_t length) {
  size_t at = cursor_ % kBytes;
  size_t first = std::min<size_t>(length, kBytes - at);
  std::memcpy(data_ + at, from, first);
  if (first < length) std::memcpy(data_, from + first, length - first);
  cursor_ += length;
}

void LogRing::publish() {
  published_ = cursor_;
  head_.store(cursor_, std::memory_order_seq_cst);  // pairs with peek and is_empty
}

bool LogRing::is_half_full() {
  if (cursor_ - tail_seen_ <= kBytes / 2) return false;
  tail_seen_ = tail_.load(std::memory_order_acquire);  // pairs with consume
  return cursor_ - tail_seen_ > kBytes / 2;
}

size_t LogRing::peek(char* into, size_t capacity) const {
  uint64_t head = head_.load(std::memory_order_seq_cst);  // pairs with publish
  uint64_t tail = tail_.load(std::memory_order_relaxed);  // the consumer's own
  size_t length = std::min<size_t>(head - tail, capacity);
  if (length == 0) return 0;
  size_t at = tail % kBytes;
  size_t first = std::min<size_t>(length, kBytes - at);
  std::memcpy(into, data_ + at, first);
  if (first < length) std::memcpy(into + first, data_, length - first);
  if (length == head - tail) return length;
  const void* end = memrchr(into, '\n', length);
  return end == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(end) - into) + 1;
}

void LogRing::consume(size_t length) {
  // Pairs with reserve: the bytes are the producer's again.
  tail_.store(tail_.load(std::memory_order_relaxed) + length, std::memory_order_release);
}

bool LogRing::is_empty() const {
  return head_.load(std::memory_order_seq_cst) == tail_.load(std::memory_order_relaxed);
}

bool LogSignal::open() {
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd_ >= 0;
}

LogSignal::~LogSignal() {
  if (fd_ >= 0) ::close(fd_);
}

void LogSignal::published(LogRing& ring) {
  uint32_t state = state_.load(std::memory_order_seq_cst);  // pairs with set
  if (state == kBusy || (state == kGathering && !ring.is_half_full())) return;
  if (state_.compare_exchange_strong(state, kBusy, std::memory_order_seq_cst)) wake();
}

void LogSignal::wake() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(fd_, &one, sizeof one);  // full: it is awake anyway
}

void LogSignal::wait(State state, int milliseconds, int writable_fd) {
  set(state);
  pollfd entries[2] = {{fd_, POLLIN, 0}, {writable_fd, POLLOUT, 0}};  // -1 is passed over
  ::poll(entries, 2, milliseconds);
  set(kBusy);
  uint64_t count;
  [[maybe_unused]] ssize_t taken = ::read(fd_, &count, sizeof count);
}

}  // namespace millrace
