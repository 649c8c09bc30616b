// The balancer's policy, over tables made by hand.
#include "core/balancer.h"

#include "check.h"

using millrace::pick_worker;
using millrace::WorkerLoad;

namespace {

constexpr uint64_t kNow = 10'000'000'000;
constexpr uint64_t kStuck = 250'000'000;

int pick(const WorkerLoad* loads, int count, int last = 0) {
  return pick_worker(loads, count, last, kNow, kStuck);
}

void nobody_open_is_minus_one() {
  WorkerLoad loads[3];
  CHECK(pick(loads, 3) == -1);
  CHECK(pick(loads, 0) == -1);
}

void fewest_connections_win() {
  WorkerLoad loads[] = {{true, 5, 0, 0}, {true, 2, 900, 0}, {true, 3, 0, 0}};
  for (int last = 0; last < 3; last++) CHECK(pick(loads, 3, last) == 1);
}

void a_closed_mailbox_gets_nothing() {
  WorkerLoad loads[] = {{true, 5, 0, 0}, {false, 0, 0, 0}};
  CHECK(pick(loads, 2) == 0);
}

void ties_go_to_the_least_busy() {
  WorkerLoad loads[] = {{true, 2, 900, 0}, {true, 2, 100, 0}, {true, 2, 500, 0}};
  for (int last = 0; last < 3; last++) CHECK(pick(loads, 3, last) == 1);
}

void full_ties_go_round() {
  WorkerLoad loads[] = {{true, 2, 10, 0}, {true, 2, 20, 0}, {true, 2, 30, 0}};
  CHECK(pick(loads, 3, 0) == 1);
  CHECK(pick(loads, 3, 1) == 2);
  CHECK(pick(loads, 3, 2) == 0);
}

void a_stuck_worker_gets_nothing_while_another_is_well() {
  WorkerLoad loads[] = {{true, 0, 0, kNow - kStuck - 1}, {true, 100, 0, kNow - kStuck}};
  CHECK(pick(loads, 2) == 1);
  loads[1].awake_since_ns = 1;
  CHECK(pick(loads, 2) == 0);  // all are stuck: the usual order
}

void asleep_is_never_stuck() {
  WorkerLoad load{true, 0, 0, 0};
  CHECK(!millrace::is_stuck(load, kNow, kStuck));
}

}  // namespace

int main() {
  nobody_open_is_minus_one();
  fewest_connections_win();
  a_closed_mailbox_gets_nothing();
  ties_go_to_the_least_busy();
  full_ties_go_round();
  a_stuck_worker_gets_nothing_while_another_is_well();
  asleep_is_never_stuck();
}
