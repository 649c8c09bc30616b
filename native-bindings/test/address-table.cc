// Connections per address: what counts as one address, and that counts go up, down and away.
#include "core/address-table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "check.h"

using millrace::AddressTable;

namespace {

uint64_t key_of(const char* text) {
  sockaddr_storage peer{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(peer);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(peer);
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
  } else {
    CHECK(inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
  }
  return AddressTable::key_of(peer);
}

void what_counts_as_one_address() {
  CHECK(key_of("10.0.0.1") == key_of("10.0.0.1") && key_of("10.0.0.1") != key_of("10.0.0.2"));
  CHECK(key_of("0.0.0.0") != 0);
  CHECK(key_of("::ffff:10.0.0.1") == key_of("10.0.0.1"));
  CHECK(key_of("2001:db8:1:2::1") == key_of("2001:db8:1:2:ffff::9"));
  CHECK(key_of("2001:db8:1:2::1") != key_of("2001:db8:1:3::1"));
  CHECK(key_of("fe80::1") != key_of("fe80::2"));
  CHECK(key_of("::1") != 0);
  sockaddr_storage local{};
  local.ss_family = AF_UNIX;
  CHECK(AddressTable::key_of(local) == 0);
}

void counts_are_bounded_and_forgotten() {
  AddressTable table;
  for (int i = 0; i < 3; i++) CHECK(table.enter(7, 3));
  CHECK(!table.enter(7, 3) && table.enter(8, 3) && table.size() == 2);
  table.leave(7);
  CHECK(table.enter(7, 3) && !table.enter(7, 3));
  for (int i = 0; i < 3; i++) table.leave(7);
  CHECK(table.size() == 1);
  table.leave(8);
  table.leave(8);  // nobody's: nothing happens
  CHECK(table.size() == 0);
}

}  // namespace

int main() {
  what_counts_as_one_address();
  counts_are_bounded_and_forgotten();
}
