#include "access-log.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "clock.h"

namespace millrace {

namespace {

// How long lines wait for more: one wake-up and one write for a tenth of a second of them.
constexpr int kGatherMs = 100;
// How soon a write that failed is tried again.
constexpr int kRetryMs = 250;
// How long the last write may wait for a reader of a pipe.
constexpr uint64_t kLastWriteMs = 1000;
// What is copied and written at once, while the cache has it.
constexpr size_t kBatchBytes = 64 * 1024;
static_assert(kLogLineMax < LogRing::kBytes);

uint64_t lines_in(const char* from, size_t length) {
  return static_cast<uint64_t>(std::count(from, from + length, '\n'));
}

// As many whole lines as fit, which a pipe keeps together; of one that is longer, what fits.
size_t whole_lines(const char* from, size_t length) {
  const void* end = memrchr(from, '\n', length);
  return end == nullptr ? length : static_cast<size_t>(static_cast<const char*>(end) - from) + 1;
}

}  // namespace

AccessLog* AccessLog::start(const AccessLogOptions& options, int* error) {
  auto* log = new AccessLog;
  log->options_ = options;
  log->batch_ = static_cast<char*>(std::malloc(kLogLineMax));
  log->fd_ = options.path.empty() ? STDOUT_FILENO : open_file(options.path);
  *error = log->fd_ < 0 ? -log->fd_ : 0;
  if (*error == 0 && (log->batch_ == nullptr || !log->signal_.open())) *error = ENOMEM;
  if (*error == 0) {
    struct stat info;
    bool is_pipe = ::fstat(log->fd_, &info) == 0 && S_ISFIFO(info.st_mode);
    log->piece_max_ = is_pipe ? PIPE_BUF : SIZE_MAX;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // the thread inherits it
    pthread_t thread;
    *error = pthread_create(&thread, nullptr, run, log);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (*error == 0) {
      pthread_setname_np(thread, "millrace-log");
      pthread_detach(thread);
      return log;
    }
  }
  delete log;
  return nullptr;
}

// A path that is a pipe without a reader fails instead of waiting for one.
int AccessLog::open_file(const std::string& path) {
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
  int fd = ::open(path.c_str(), flags, 0644);
  return fd >= 0 ? fd : -errno;
}

AccessLog::~AccessLog() {
  if (has_ended_.load(std::memory_order_acquire)) write_all();  // what came after the end
  for (std::atomic<LogRing*>& ring : rings_) delete ring.load(std::memory_order_acquire);
  int next = next_fd_.exchange(-1, std::memory_order_acq_rel);
  if (next >= 0) ::close(next);
  if (fd_ >= 0 && !options_.path.empty()) ::close(fd_);
  std::free(batch_);
}

void AccessLog::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

LogRing* AccessLog::ring(int worker) {
  LogRing* ring = rings_[worker].load(std::memory_order_acquire);
  if (ring != nullptr) return ring;
  ring = new LogRing;
  if (!ring->is_open()) {
    delete ring;
    return nullptr;
  }
  rings_[worker].store(ring, std::memory_order_release);  // pairs with the writer's loads
  return ring;
}

int AccessLog::reopen() {
  if (options_.path.empty()) return 0;
  int fd = open_file(options_.path);
  if (fd < 0) return -fd;
  int before = next_fd_.exchange(fd, std::memory_order_acq_rel);
  if (before >= 0) ::close(before);
  signal_.wake();
  return 0;
}

void AccessLog::end() {
  is_ending_.store(true, std::memory_order_release);
  signal_.wake();
}

AccessLogStats AccessLog::stats() const {
  AccessLogStats stats{};
  stats.has_ended = has_ended_.load(std::memory_order_acquire);
  stats.dropped = lost_.load(std::memory_order_relaxed);
  for (const std::atomic<LogRing*>& slot : rings_) {
    const LogRing* ring = slot.load(std::memory_order_acquire);
    if (ring == nullptr) continue;
    stats.lines += ring->lines.load(std::memory_order_relaxed);
    stats.dropped += ring->dropped.load(std::memory_order_relaxed);
  }
  stats.failure = failure_.load(std::memory_order_relaxed);
  stats.generation = generation_.load(std::memory_order_acquire);
  return stats;
}

void* AccessLog::run(void* self) {
  // It never takes the processor from a worker when it is woken.
  sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
  auto* log = static_cast<AccessLog*>(self);
  log->write_until_end();
  log->release();
  return nullptr;
}

void AccessLog::write_until_end() {
  uint64_t ending_ms = 0;
  for (;;) {
    bool is_ending = is_ending_.load(std::memory_order_acquire);  // pairs with end
    if (is_ending && ending_ms == 0) ending_ms = clock_ms();
    bool went_well = write_all();
    bool is_late = is_ending && clock_ms() - ending_ms > kLastWriteMs;
    if (is_ending && (went_well || !is_blocked_ || is_late)) break;
    if (!went_well) {
      signal_.wait(LogSignal::kBusy, kRetryMs, is_blocked_ ? fd_ : -1);
      continue;
    }
    signal_.set(LogSignal::kAsleep);
    // After that: a line put before it is found here, one put after it wakes us (LogSignal).
    if (is_empty() && may_gather()) signal_.wait(LogSignal::kAsleep, -1);
    if (may_gather()) signal_.wait(LogSignal::kGathering, kGatherMs);
    signal_.set(LogSignal::kBusy);
  }
  drop_rest();
  has_ended_.store(true, std::memory_order_release);  // pairs with stats
}

bool AccessLog::may_gather() const {
  return !is_ending_.load(std::memory_order_acquire) &&
         next_fd_.load(std::memory_order_acquire) < 0;
}

bool AccessLog::is_empty() const {
  for (const std::atomic<LogRing*>& slot : rings_) {
    const LogRing* ring = slot.load(std::memory_order_acquire);
    if (ring != nullptr && !ring->is_empty()) return false;
  }
  return true;
}

// False when the file takes nothing for now.
bool AccessLog::write_all() {
  if (unfinished_ != nullptr && !write_ring(*unfinished_)) {
    if (next_fd_.load(std::memory_order_acquire) < 0) return false;
    skip_line(*unfinished_);  // its beginning is in the file that is left
  }
  swap_file();
  for (std::atomic<LogRing*>& slot : rings_) {
    LogRing* ring = slot.load(std::memory_order_acquire);
    if (ring != nullptr && !write_ring(*ring)) return false;
  }
  failure_.store(0, std::memory_order_relaxed);
  return true;
}

// At most what was there when it began, so that one busy worker does not keep the others waiting.
bool AccessLog::write_ring(LogRing& ring) {
  for (uint64_t done = 0; done < LogRing::kBytes;) {
    size_t length = ring.peek(batch_, kBatchBytes);
    if (length == 0 && !ring.is_empty()) length = ring.peek(batch_, kLogLineMax);
    if (length == 0) return true;
    if (!write_bytes(ring, batch_, length)) return false;
    done += length;
    swap_file();
  }
  return true;
}

bool AccessLog::write_bytes(LogRing& ring, const char* from, size_t length) {
  size_t done = 0;
  while (done < length) {
    size_t piece = length - done;
    if (piece > piece_max_) piece = whole_lines(from + done, piece_max_);
    ssize_t written = ::write(fd_, from + done, piece);
    if (written < 0) {
      if (errno == EINTR) continue;
      is_blocked_ = errno == EAGAIN;
      failure_.store(is_blocked_ ? 0 : errno, std::memory_order_relaxed);
      if (done > 0) unfinished_ = from[done - 1] == '\n' ? nullptr : &ring;
      return false;
    }
    ring.consume(static_cast<size_t>(written));
    done += static_cast<size_t>(written);
  }
  unfinished_ = nullptr;
  return true;
}

void AccessLog::skip_line(LogRing& ring) {
  unfinished_ = nullptr;
  size_t length = ring.peek(batch_, kLogLineMax);
  const void* end = std::memchr(batch_, '\n', length);
  if (end == nullptr) return;
  ring.consume(static_cast<size_t>(static_cast<const char*>(end) - batch_) + 1);
  lost_.fetch_add(1, std::memory_order_relaxed);
}

void AccessLog::swap_file() {
  if (next_fd_.load(std::memory_order_acquire) < 0) return;
  int next = next_fd_.exchange(-1, std::memory_order_acq_rel);  // pairs with reopen
  if (next < 0) return;
  ::close(fd_);
  fd_ = next;
  generation_.fetch_add(1, std::memory_order_release);  // pairs with stats
}

void AccessLog::drop_rest() {
  for (std::atomic<LogRing*>& slot : rings_) {
    LogRing* ring = slot.load(std::memory_order_acquire);
    if (ring == nullptr) continue;
    for (;;) {
      size_t length = ring->peek(batch_, kBatchBytes);
      if (length == 0 && !ring->is_empty()) length = ring->peek(batch_, kLogLineMax);
      if (length == 0) break;
      ring->consume(length);
      lost_.fetch_add(lines_in(batch_, length), std::memory_order_relaxed);
    }
  }
}

}  // namespace millrace
