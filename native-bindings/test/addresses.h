// Addresses from text that is one.
#pragma once

#include <string_view>

#include "check.h"
#include "core/peer-address.h"

namespace millrace::test {

inline PeerAddress address(std::string_view text, uint16_t port = 0) {
  PeerAddress parsed;
  CHECK(parse_address(text, parsed));
  parsed.port = port;
  return parsed;
}

}  // namespace millrace::test
