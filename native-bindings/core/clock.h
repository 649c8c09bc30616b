// Time as the core uses it: a coarse millisecond count for deadlines, exact nanoseconds for load.
#pragma once

#include <ctime>

#include <cstdint>

namespace millrace {

inline uint64_t clock_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // 4 ms steps, a few nanoseconds to read
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

inline uint64_t clock_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

inline int64_t wall_seconds() {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

}  // namespace millrace
