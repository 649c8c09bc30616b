#include "balancer.h"

namespace millrace {

bool is_stuck(const WorkerLoad& load, uint64_t now_ns, uint64_t stuck_ns) {
  return load.awake_since_ns != 0 && now_ns > load.awake_since_ns + stuck_ns;
}

namespace {

bool is_better(const WorkerLoad& a, const WorkerLoad& b, uint64_t now_ns, uint64_t stuck_ns) {
  bool a_stuck = is_stuck(a, now_ns, stuck_ns);
  bool b_stuck = is_stuck(b, now_ns, stuck_ns);
  if (a_stuck != b_stuck) return b_stuck;
  if (a.connections != b.connections) return a.connections < b.connections;
  // Below a tenth of a second's work the difference is noise: let the turn decide.
  return a.utilisation / 100 < b.utilisation / 100;
}

}  // namespace

int pick_worker(const WorkerLoad* loads, int count, int last, uint64_t now_ns, uint64_t stuck_ns) {
  int best = -1;
  for (int step = 1; step <= count; step++) {
    int i = (last + step) % count;
    if (!loads[i].open) continue;
    if (best < 0 || is_better(loads[i], loads[best], now_ns, stuck_ns)) best = i;
  }
  return best;
}

}  // namespace millrace
