// The slab: input from below, tables from above, never into one another, never past the end; what
// nobody holds is written over, what is held is not.
#include "core/slab.h"

#include "check.h"

using millrace::HeaderEntry;
using millrace::Slab;
using millrace::test::Guarded;

namespace {

constexpr uint32_t kSize = 131072;
constexpr uint32_t kHeadMax = 16384;

// The most that one head may ask for: a table of twice its bytes, and its body copied once.
void fill_turn(Slab& slab, uint32_t room) {
  std::memset(slab.bottom(), 'i', room);
  slab.take(room);
  HeaderEntry entries[64] = {};
  uint32_t table_bytes = room / 2;
  while (table_bytes >= sizeof entries) {
    slab.put_table(entries, 64);
    table_bytes -= sizeof entries;
  }
  Guarded copy(size_t{room});
  slab.put_bytes(copy.data(), room);
}

void reads_tables_and_copies_find_room_until_it_is_used_up() {
  Guarded memory(size_t{kSize});
  Slab slab;
  slab.set_need(kHeadMax);
  slab.use(memory.data(), kSize);
  int turns = 0;
  while (!slab.is_used_up()) {
    uint32_t room = slab.room_to_read(0);
    CHECK(room >= Slab::kReadMin && room <= Slab::kReadMax);
    // The largest unfinished head still fits in front of a read.
    CHECK(slab.room_to_read(kHeadMax) > 0);
    fill_turn(slab, room);
    slab.end_turn(true);
    turns++;
  }
  CHECK(turns > 0);
}

void what_is_held_is_kept_and_what_is_not_is_used_again() {
  Guarded memory(size_t{kSize});
  Slab slab;
  slab.use(memory.data(), kSize);
  HeaderEntry entry{1, 2, 3, 4};
  slab.take(100);
  uint32_t table = slab.put_table(&entry, 1);
  CHECK(table % sizeof(HeaderEntry) == 0 && table + sizeof entry <= kSize);
  slab.end_turn(false);
  CHECK(slab.bottom() == slab.data());
  CHECK(slab.put_table(&entry, 1) == table);
  slab.take(100);
  slab.end_turn(true);
  CHECK(slab.offset_of(slab.bottom()) == 100);
  CHECK(slab.put_table(&entry, 1) == table - sizeof entry);
  slab.take(50);
  slab.end_turn(false);
  CHECK(slab.offset_of(slab.bottom()) == 100);
}

void a_fresh_slab_ends_starvation() {
  Guarded memory(size_t{kSize});
  Slab slab;
  slab.use(memory.data(), kSize);
  CHECK(!slab.is_starved() && !slab.is_used_up());
  slab.demand_fresh();
  CHECK(slab.is_starved() && slab.is_used_up());
  slab.use(memory.data(), kSize);
  CHECK(!slab.is_starved() && !slab.is_used_up());
}

void too_long_a_tail_has_no_room() {
  Guarded memory(size_t{kSize});
  Slab slab;
  slab.use(memory.data(), kSize);
  CHECK(slab.room_to_read(kSize / 3) == 0);
  CHECK(slab.has_room_for(kSize / 3 - 8) && !slab.has_room_for(kSize / 3 + 8));
}

}  // namespace

int main() {
  reads_tables_and_copies_find_room_until_it_is_used_up();
  what_is_held_is_kept_and_what_is_not_is_used_again();
  a_fresh_slab_ends_starvation();
  too_long_a_tail_has_no_room();
}
