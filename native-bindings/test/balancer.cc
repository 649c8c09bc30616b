// The balancer's policy, over tables made by hand.
#include "core/balancer.h"

#include "check.h"

using millrace::pick_worker;
using millrace::Placement;
using millrace::Policy;
using millrace::WorkerLoad;

namespace {

constexpr uint64_t kNow = 10'000'000'000;
constexpr uint64_t kStuck = 250'000'000;

int pick(const WorkerLoad* loads, int count, int last = 0) {
  return pick_worker(Policy::kLeastConnections, loads, count, {last, 0, kNow, kStuck});
}

int pick_by(Policy policy, const WorkerLoad* loads, int count, int last, uint64_t address = 0) {
  return pick_worker(policy, loads, count, {last, address, kNow, kStuck});
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

void least_busy_looks_at_the_loop_first() {
  WorkerLoad loads[] = {{true, 1, 900, 0}, {true, 50, 310, 0}, {true, 40, 390, 0}};
  for (int last = 0; last < 3; last++) CHECK(pick_by(Policy::kLeastBusy, loads, 3, last) == 2);
  loads[1].utilisation = 290;
  for (int last = 0; last < 3; last++) CHECK(pick_by(Policy::kLeastBusy, loads, 3, last) == 1);
}

void round_robin_looks_at_nothing_but_who_is_open() {
  WorkerLoad loads[] = {{true, 9, 900, 0}, {false, 0, 0, 0}, {true, 0, 0, 0}, {true, 5, 10, 0}};
  int last = 0;
  int order[] = {2, 3, 0, 2, 3, 0};
  for (int expected : order) {
    last = pick_by(Policy::kRoundRobin, loads, 4, last);
    CHECK(last == expected);
  }
}

constexpr int kAddresses = 6000;

void an_address_keeps_its_worker_whatever_the_load() {
  WorkerLoad loads[4];
  for (uint32_t i = 0; i < 4; i++) loads[i] = {true, 0, 0, 0, i};
  int counts[4] = {};
  for (uint64_t address = 1; address <= kAddresses; address++) {
    int first = pick_by(Policy::kAddress, loads, 4, 0, address);
    counts[first]++;
    loads[first].connections++;
    for (int last = 1; last < 4; last++) {
      CHECK(pick_by(Policy::kAddress, loads, 4, last, address) == first);
    }
  }
  constexpr int kShare = kAddresses / 4;
  for (int count : counts) CHECK(count > kShare * 9 / 10 && count < kShare * 11 / 10);
}

// Who goes takes along its own addresses only; who takes over its seat has them all, wherever in
// the table it stands; a further one draws its share from all others and moves nobody else.
void addresses_move_only_with_their_worker() {
  WorkerLoad loads[5];
  for (uint32_t i = 0; i < 3; i++) loads[i] = {true, 0, 0, 0, i};
  WorkerLoad less[5] = {loads[0], {}, loads[2]};
  WorkerLoad replaced[5] = {loads[0], {}, loads[2], {}, {true, 0, 0, 0, 1}};
  WorkerLoad more[5] = {loads[0], loads[1], loads[2], {true, 0, 0, 0, 3}};
  int moved = 0;
  for (uint64_t address = 1; address <= kAddresses; address++) {
    int before = pick_by(Policy::kAddress, loads, 5, 0, address);
    int after = pick_by(Policy::kAddress, less, 5, 0, address);
    CHECK(before == 1 ? after != 1 : after == before);
    after = pick_by(Policy::kAddress, replaced, 5, 0, address);
    CHECK(after == (before == 1 ? 4 : before));
    after = pick_by(Policy::kAddress, more, 5, 0, address);
    CHECK(after == before || after == 3);
    if (after == 3) moved++;
  }
  CHECK(moved > kAddresses / 5 && moved < kAddresses / 3);
}

void without_an_address_the_fewest_connections_win() {
  WorkerLoad loads[] = {{true, 5, 0, 0, 0}, {true, 2, 0, 0, 1}, {true, 3, 0, 0, 2}};
  for (int last = 0; last < 3; last++) CHECK(pick_by(Policy::kAddress, loads, 3, last) == 1);
}

void every_policy_spares_the_stuck() {
  for (int policy = 0; policy < millrace::BALANCE_COUNT; policy++) {
    WorkerLoad loads[] = {{true, 9, 999, 0, 0}, {true, 0, 0, 1, 1}, {false, 0, 0, 0, 2}};
    for (int last = 0; last < 3; last++) {
      for (uint64_t address = 0; address < 20; address++) {
        CHECK(pick_by(static_cast<Policy>(policy), loads, 3, last, address) == 0);
      }
    }
    loads[0].open = loads[1].open = false;
    CHECK(pick_by(static_cast<Policy>(policy), loads, 3, 0, 1) == -1);
  }
}

}  // namespace

int main() {
  least_busy_looks_at_the_loop_first();
  round_robin_looks_at_nothing_but_who_is_open();
  an_address_keeps_its_worker_whatever_the_load();
  addresses_move_only_with_their_worker();
  without_an_address_the_fewest_connections_win();
  every_policy_spares_the_stuck();
  nobody_open_is_minus_one();
  fewest_connections_win();
  a_closed_mailbox_gets_nothing();
  ties_go_to_the_least_busy();
  full_ties_go_round();
  a_stuck_worker_gets_nothing_while_another_is_well();
  asleep_is_never_stuck();
}
