// What an engine is told: once when it is made, and of each listener. The TypeScript side is
// `EngineOptions` in src/native.ts; napi/option-values.cc reads one into the other. Thread: the
// engine's.
#pragma once

#include <cstdint>
#include <string>

#include "address-ranges.h"
#include "encoder.h"
#include "forwarded.h"
#include "parser.h"
#include "probes.h"

namespace millrace {

// The limits and clocks of one listener. 0 of a clock: it does not run.
struct ListenerOptions {
  Limits limits{16384, 100, 8192, kHttpMethods};
  uint32_t routes = 0;  // the number of the table of routes that its paths resolve in
  uint32_t pipeline_max = 64;
  uint32_t output_bytes_max = 65536;
  uint32_t output_hard_bytes_max = 16777216;  // beyond it the connection ends
  uint64_t body_bytes_max = 0;  // a declared length above it is 413; 0: no such bound
  uint32_t head_timeout_ms = 10000;
  uint32_t body_timeout_ms = 30000;
  uint32_t idle_timeout_ms = 75000;
  uint32_t handler_timeout_ms = 0;
  uint32_t write_timeout_ms = 30000;
  KeepAliveLine keep_alive;  // empty: not announced
  std::string default_lines;  // of every answer, as bytes; mostly empty
  // Peers that may announce an address, where each connection must.
  AddressRanges trusted_proxies;
  bool proxy_required = false;
  ForwardedTrust forwarded;  // whose word for the client of a request is taken

  // The engine's own bookkeeping: connections that point here, and whether others came instead.
  uint32_t holders = 0;
  bool is_replaced = false;
  ProbePaths probes;
  bool has_probes = false;  // one of them is not empty
};

struct EngineOptions {
  uint32_t drain_quiet_ms = 500;
  bool tells_done = false;  // JavaScript is told of refusals and of answers that have left
  bool reports_refusals = false;  // the app wants to hear of malformed requests
  uint64_t memory_bytes_max = 0;  // held for connections; 0: no limit
  uint32_t in_flight_max = 0;     // requests that handlers work on; 0: no limit
};

}  // namespace millrace
