// Which worker gets a connection. A pure function over the load table, so that a policy can be
// tested without a socket.
#pragma once

#include <cstdint>

namespace millrace {

struct WorkerLoad {
  bool open = false;            // its mailbox takes connections
  int32_t connections = 0;      // live ones, those in its mailbox included
  uint32_t utilisation = 0;     // share of the last second its loop was busy, in 1/1000
  uint64_t awake_since_ns = 0;  // 0: asleep in its poll
};

// Fewest connections; ties go to the least busy, then to the one after `last`. A worker that has
// been awake for `stuck_ns` without turning its loop gets nothing while another one is well.
// Returns an index, or -1 when no worker is open.
int pick_worker(const WorkerLoad* loads, int count, int last, uint64_t now_ns, uint64_t stuck_ns);

bool is_stuck(const WorkerLoad& load, uint64_t now_ns, uint64_t stuck_ns);

}  // namespace millrace
