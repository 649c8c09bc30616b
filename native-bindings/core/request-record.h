// One request as the recorder keeps it, and all of those of a connection. Thread: the
// engine's; a record belongs to its connection's list until the recorder takes it back.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "peer-address.h"

namespace millrace {

inline constexpr uint64_t kNotYet = ~0ull;

struct RequestRecord {
  RequestRecord* next = nullptr;
  uint64_t started_ns = 0;
  uint64_t body_at = kNotYet;  // where the answer's body begins in the output
  uint64_t end_at = kNotYet;   // where the answer ends
  uint32_t sequence = 0;
  uint32_t split = 0;   // where the result goes in the line
  uint16_t status = 0;  // 0: no answer yet
  bool is_logged = false;
  bool is_given = false;    // JavaScript has the request
  bool is_told = true;      // JavaScript is to hear of its end, where it hears of any
  bool is_refused = false;  // …or has been told that it was refused
  Bytes line;               // of the access log, without the result
};

// What is recorded of a connection: a list in the order of its requests, which is that of its
// answers.
struct Recording {
  PeerAddress peer;  // read when the connection comes: later it may be gone
  RequestRecord* first = nullptr;    // the oldest that has not left
  RequestRecord* current = nullptr;  // whose answer is next, or being made
  RequestRecord* last = nullptr;     // the newest
};

}  // namespace millrace
