// W3C Trace Context for the access log: the `traceparent` of a request as its handlers see it, with
// the same verdict and the same made-up ids as src/worker/trace-context.ts. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

inline constexpr size_t kTraceparentLength = 55;

// What a request that begins a trace is told apart by: a random number of its engine, and which of
// its requests it is.
struct TraceSeed {
  uint64_t engine;
  uint32_t slot;
  uint32_t generation;
  uint32_t sequence;
};

// Writes the value, if it is valid, as version 00. False: it is not, a trace begins.
bool read_traceparent(std::string_view value, char out[kTraceparentLength]);

// The traceparent of a request that brings none.
void make_traceparent(const TraceSeed& seed, char out[kTraceparentLength]);

}  // namespace millrace
