// How many connections each peer address has open, for the limit per address. Only used when that
// limit is on.
//
// Thread: the acceptor enters, whoever ends a connection leaves; a lock guards the table.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

struct sockaddr_storage;

namespace millrace {

class AddressTable {
 public:
  // What counts as one address; 0: none, it is not limited (a Unix socket). Of IPv6 it is the /64
  // that a host is given: it has 2^64 addresses to come from. IPv4 in IPv6 is the IPv4 address.
  static uint64_t key_of(const sockaddr_storage& peer);

  // Counts one more. False: there are `max` already, nothing has been counted.
  bool enter(uint64_t key, uint32_t max);
  void leave(uint64_t key);
  size_t size();

 private:
  std::mutex lock_;  // guards counts_; no other lock is taken within it
  std::unordered_map<uint64_t, uint32_t> counts_;  // addresses with at least one connection
};

}  // namespace millrace
