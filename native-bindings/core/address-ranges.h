// The addresses that an option trusts: single ones, networks as 10.0.0.0/8, and the peers of Unix
// sockets. IPv4 and the same address mapped into IPv6 are one. A list is short and asked once per
// connection or per logged request: a scan. Read only once it is made; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "peer-address.h"

namespace millrace {

class AddressRanges {
 public:
  // `unix`, an address, or address/bits. False: it is none of them, and nothing is added.
  bool add(std::string_view text);
  bool has(const PeerAddress& address) const;
  bool is_empty() const { return ranges_.empty() && !has_unix_; }

 private:
  struct Range {
    uint8_t bytes[16];
    uint8_t bits;
  };
  std::vector<Range> ranges_;
  bool has_unix_ = false;
};

}  // namespace millrace
