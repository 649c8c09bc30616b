#include "address-table.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace millrace {

namespace {

// No source address of IPv6 begins like this: ff00::/8 is multicast.
constexpr uint64_t kIpv4 = 0xffffffff00000000ull;

uint64_t ipv4_key(const uint8_t* bytes) {
  uint32_t address;
  std::memcpy(&address, bytes, sizeof address);
  return kIpv4 | address;
}

}  // namespace

uint64_t AddressTable::key_of(const sockaddr_storage& peer) {
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    return ipv4_key(reinterpret_cast<const uint8_t*>(&v4.sin_addr));
  }
  if (peer.ss_family != AF_INET6) return 0;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return ipv4_key(address.s6_addr + 12);
  // On a link all hosts share fe80::/64; what tells them apart is the other half.
  uint64_t half;
  std::memcpy(&half, address.s6_addr + (IN6_IS_ADDR_LINKLOCAL(&address) ? 8 : 0), sizeof half);
  return half == 0 ? 1 : half;  // ::1
}

bool AddressTable::enter(uint64_t key, uint32_t max) {
  std::lock_guard<std::mutex> guard(lock_);
  uint32_t& count = counts_[key];
  if (count >= max) return false;
  count++;
  return true;
}

void AddressTable::leave(uint64_t key) {
  std::lock_guard<std::mutex> guard(lock_);
  auto found = counts_.find(key);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

size_t AddressTable::size() {
  std::lock_guard<std::mutex> guard(lock_);
  return counts_.size();
}

}  // namespace millrace
