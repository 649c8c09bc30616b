// Which worker gets a connection. Policies are pure functions over the load table, so that they
// can be tested without a socket.
#pragma once

#include <cstdint>

#include "layout.h"

namespace millrace {

struct WorkerLoad {
  bool open = false;            // its mailbox takes connections
  int32_t connections = 0;      // live ones, those in its mailbox included
  uint32_t utilisation = 0;     // share of the last second its loop was busy, in 1/1000
  uint64_t awake_since_ns = 0;  // 0: asleep in its poll
  uint32_t seat = 0;            // what addresses are bound to; a replacement takes it over
};

enum class Policy : uint8_t {
  kLeastConnections = BALANCE_LEAST_CONNECTIONS,
  kLeastBusy = BALANCE_LEAST_BUSY,
  kRoundRobin = BALANCE_ROUND_ROBIN,
  kAddress = BALANCE_ADDRESS,
};

// The connection to be placed, and when.
struct Placement {
  int last = 0;          // the worker that got the one before
  uint64_t address = 0;  // the peer's key (AddressTable); 0: it has none
  uint64_t now_ns = 0;
  uint64_t stuck_ns = 0;
};

// A worker that has been awake for `stuck_ns` without turning its loop gets nothing while another
// one is well; among the others the policy decides, and what it leaves open goes to the one after
// `last`. Returns an index, or -1 when no worker is open.
int pick_worker(Policy policy, const WorkerLoad* loads, int count, const Placement& placement);

bool is_stuck(const WorkerLoad& load, uint64_t now_ns, uint64_t stuck_ns);

}  // namespace millrace
