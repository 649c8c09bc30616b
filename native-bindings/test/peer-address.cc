// Addresses from bytes, from sockets and from text.
#include "core/peer-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "check.h"

using millrace::parse_address;
using millrace::PeerAddress;

namespace {

void sockets() {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(8080);
  v4.sin_addr.s_addr = htonl(0x7f000001);
  PeerAddress address;
  address.set(storage);
  CHECK(address.family == PeerAddress::kIPv4 && address.port == 8080);
  CHECK(address.view() == "127.0.0.1");
  storage = {};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(1);
  v6.sin6_addr = in6addr_loopback;
  address.set(storage);
  CHECK(address.family == PeerAddress::kIPv6 && address.port == 1 && address.view() == "::1");
  CHECK(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr) == 1);
  address.set(storage);
  CHECK(address.family == PeerAddress::kIPv4 && address.port == 1 && address.view() == "192.0.2.1");
  storage = {};
  storage.ss_family = AF_UNIX;
  address.set(storage);
  CHECK(address.family == PeerAddress::kUnix && address.port == 0 && address.view() == "unix:");
}

void texts() {
  PeerAddress address;
  CHECK(parse_address("192.0.2.1", address) && address.family == PeerAddress::kIPv4);
  CHECK(parse_address("2001:DB8::0:1", address) && address.view() == "2001:db8::1");
  CHECK(parse_address("::ffff:192.0.2.1", address) && address.family == PeerAddress::kIPv6);
  address.unmap();
  CHECK(address.family == PeerAddress::kIPv4 && address.view() == "192.0.2.1");
  address.unmap();
  CHECK(address.view() == "192.0.2.1");
  // The longest text of an address, and one that does not fit.
  CHECK(parse_address("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", address));
  CHECK(address.view() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (std::string_view text :
       {"", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1%lo",
        "::g", "fffff::",
        "1.2.3.4:80", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", "unix:"}) {
    millrace::test::Guarded input(text);
    CHECK(!parse_address(input.view(), address));
  }
  CHECK(!parse_address(std::string_view("::1\0", 4), address));
  CHECK(address.view() == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

}  // namespace

int main() {
  sockets();
  texts();
}
