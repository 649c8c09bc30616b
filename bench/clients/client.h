/*
 * What the clients of the benchmark have in common. Included by each: they are single files of one
 * thread.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

/* Says what the system's call has failed with, and ends the process. */
static inline void fail(const char *what) {
  perror(what);
  exit(1);
}
