// Which addresses a list of ranges has, at every length of prefix.
#include "core/address-ranges.h"

#include <cstdio>

#include "addresses.h"
#include "check.h"

using millrace::AddressRanges;
using millrace::PeerAddress;
using millrace::test::address;

namespace {

bool has(std::string_view range, std::string_view text) {
  AddressRanges ranges;
  CHECK(ranges.is_empty());
  CHECK(ranges.add(range));
  CHECK(!ranges.is_empty());
  return ranges.has(address(text));
}

void networks() {
  CHECK(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.0"));
  CHECK(has("10.9.8.7/8", "10.0.0.0"));  // what lies behind the prefix does not count
  CHECK(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.0"));
  CHECK(has("172.16.0.0/12", "172.31.255.255") && !has("172.16.0.0/12", "172.32.0.0"));
  CHECK(has("2001:db8::/33", "2001:db8:7fff::") && !has("2001:db8::/33", "2001:db8:8000::"));
  CHECK(has("::1", "::1") && !has("::1", "::2"));
  CHECK(has("0.0.0.0/0", "255.1.2.3") && !has("0.0.0.0/0", "2001:db8::1"));
  CHECK(has("::/0", "::1") && has("::/0", "10.0.0.1"));
}

void mapped_addresses_are_the_same() {
  CHECK(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("10.0.0.0/8", "::ffff:11.1.2.3"));
  CHECK(has("::ffff:10.0.0.0/104", "10.1.2.3") && !has("::ffff:10.0.0.0/104", "11.1.2.3"));
}

void every_prefix() {
  for (int bits = 0; bits <= 128; bits++) {
    AddressRanges ranges;
    char text[64];
    std::snprintf(text, sizeof text, "a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5/%d", bits);
    CHECK(ranges.add(text));
    for (int flipped = 0; flipped < 128; flipped++) {
      PeerAddress near = address("a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5:a5a5");
      near.bytes[flipped / 8] ^= static_cast<uint8_t>(0x80 >> (flipped % 8));
      CHECK(ranges.has(near) == (flipped >= bits));
    }
  }
}

void others() {
  AddressRanges ranges;
  PeerAddress unix_peer;
  unix_peer.family = PeerAddress::kUnix;
  CHECK(!ranges.has(unix_peer) && !ranges.has(PeerAddress{}));
  CHECK(ranges.add("::/0"));
  CHECK(!ranges.has(unix_peer) && !ranges.has(PeerAddress{}));
  CHECK(ranges.add("unix"));
  CHECK(ranges.has(unix_peer) && !ranges.has(PeerAddress{}));
  for (std::string_view text : {"", "/", "/8", "10.0.0.1/", "10.0.0.1/33", "::1/129", "10.0.0.1/08",
                                "10.0.0.1/1234", "10.0.0.1/-1", "10.0.0.1/8/8", "UNIX", "host"}) {
    millrace::test::Guarded input(text);
    CHECK(!ranges.add(input.view()));
  }
}

}  // namespace

int main() {
  networks();
  mapped_addresses_are_the_same();
  every_prefix();
  others();
}
