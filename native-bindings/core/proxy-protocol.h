// The header of the PROXY protocol, versions 1 and 2, with which a proxy announces whose connection
// it forwards (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). It comes before
// anything else on the connection and is never guessed: either a listener requires it, or it is
// malformed HTTP. Pure: bytes in, a verdict out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "peer-address.h"

namespace millrace {

// As much as nginx takes: addresses and 4 KB of extensions, which are skipped. A longer header is
// malformed here, whatever it says.
inline constexpr size_t kProxyHeaderMax = 4096;

// The ends of a connection as they were announced. One block per connection that has a header,
// made by the engine that has read it. It goes with the connection, in Connection or in Handover,
// and is deleted by whoever closes the descriptor.
struct AnnouncedAddresses {
  // kUnknown: nothing was announced (LOCAL, UNKNOWN), the socket's own ends hold. kUnix: its paths
  // are not kept.
  PeerAddress::Family family = PeerAddress::kUnknown;
  uint16_t remote_port = 0;
  uint16_t local_port = 0;
  uint8_t remote[16] = {};
  uint8_t local[16] = {};
};

enum class ProxyResult : uint8_t { kMore, kDone, kMalformed };

struct ProxyHeader {
  ProxyResult result;
  size_t length;  // of the header, where it is kDone
};

// Of what has come so far. The verdict does not depend on how that is cut: a longer prefix of the
// same input is kMore or has the same verdict.
ProxyHeader parse_proxy_header(const char* data, size_t length, AnnouncedAddresses& into);

}  // namespace millrace
