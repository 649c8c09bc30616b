#include "balancer.h"

namespace millrace {

bool is_stuck(const WorkerLoad& load, uint64_t now_ns, uint64_t stuck_ns) {
  return load.awake_since_ns != 0 && now_ns > load.awake_since_ns + stuck_ns;
}

namespace {

// Below a tenth of a second's work the difference is noise: let the turn decide.
uint32_t tenths(const WorkerLoad& load) { return load.utilisation / 100; }

bool has_fewer_connections(const WorkerLoad& a, const WorkerLoad& b, const Placement&) {
  if (a.connections != b.connections) return a.connections < b.connections;
  return tenths(a) < tenths(b);
}

bool is_less_busy(const WorkerLoad& a, const WorkerLoad& b, const Placement&) {
  if (tenths(a) != tenths(b)) return tenths(a) < tenths(b);
  return a.connections < b.connections;
}

bool is_never_better(const WorkerLoad&, const WorkerLoad&, const Placement&) { return false; }

// Rendezvous hashing: each worker draws a number for the address, the highest wins. So one that
// goes takes only its own addresses along, and one that comes takes its share from all.
// The mixing steps are those of splitmix64.
uint64_t draw(uint64_t address, uint32_t seat) {
  uint64_t mixed = address + (seat + 1) * 0x9e3779b97f4a7c15ull;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
  return mixed ^ (mixed >> 31);
}

bool draws_higher(const WorkerLoad& a, const WorkerLoad& b, const Placement& placement) {
  if (placement.address == 0) return has_fewer_connections(a, b, placement);
  return draw(placement.address, a.seat) > draw(placement.address, b.seat);
}

// One row per policy, in the order of BALANCE_… of layout.h.
using IsBetter = bool (*)(const WorkerLoad& a, const WorkerLoad& b, const Placement& placement);
constexpr IsBetter kPolicies[BALANCE_COUNT] = {
    has_fewer_connections,
    is_less_busy,
    is_never_better,
    draws_higher,
};

}  // namespace

int pick_worker(Policy policy, const WorkerLoad* loads, int count, const Placement& placement) {
  IsBetter is_better = kPolicies[static_cast<int>(policy)];
  int best = -1;
  bool best_is_stuck = false;
  for (int step = 1; step <= count; step++) {
    int i = (placement.last + step) % count;
    if (!loads[i].open) continue;
    bool stuck = is_stuck(loads[i], placement.now_ns, placement.stuck_ns);
    bool wins = best < 0 || (stuck != best_is_stuck
                                 ? best_is_stuck
                                 : is_better(loads[i], loads[best], placement));
    if (!wins) continue;
    best = i;
    best_is_stuck = stuck;
  }
  return best;
}

}  // namespace millrace
