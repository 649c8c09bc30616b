// The connection table: stable addresses, slots used again under a new generation, a bound.
#include "core/connection.h"
#include "core/layout.h"

#include <vector>

#include "check.h"

using millrace::Connection;
using millrace::ConnectionTable;
using millrace::Stage;

namespace {

void addresses_are_stable_and_slots_distinct() {
  ConnectionTable table;
  std::vector<Connection*> all;
  for (int i = 0; i < 2000; i++) all.push_back(table.add(i));
  for (uint32_t i = 0; i < 2000; i++) {
    CHECK(table.at(i) == all[i]);
    CHECK(all[i]->fd == static_cast<int>(i) && all[i]->slot == i);
    CHECK(all[i]->stage == Stage::kOpen);
  }
  CHECK(table.size() == 2000 && table.deadlines.size() >= 2000);
  CHECK(table.at(2000) == nullptr && table.at(~0u) == nullptr);
}

void a_freed_slot_comes_back_clean_and_newer() {
  ConnectionTable table;
  Connection* first = table.add(3);
  uint32_t generation = first->generation;
  first->unanswered = 7;
  first->held = true;
  table.deadlines[first->slot] = 9;
  table.free(*first);
  CHECK(first->stage == Stage::kFree && table.deadlines[first->slot] == 0);
  Connection* second = table.add(4);
  CHECK(second == first && second->generation == generation + 1);
  CHECK(second->fd == 4 && second->unanswered == 0 && !second->held);
  CHECK(table.size() == 1);
}

void a_generation_is_never_zero() {
  ConnectionTable table;
  CHECK(table.add(1)->generation != 0);  // 0 in shared memory means: closed
}

void it_is_bounded() {
  ConnectionTable table;
  for (int i = 0; i < millrace::SLOT_MAX; i++) CHECK(table.add(i) != nullptr);
  CHECK(table.add(1) == nullptr);
  table.free(*table.at(17));
  Connection* again = table.add(1);
  CHECK(again != nullptr && again->slot == 17);
}

}  // namespace

int main() {
  addresses_are_stable_and_slots_distinct();
  a_freed_slot_comes_back_clean_and_newer();
  a_generation_is_never_zero();
  it_is_bounded();
}
