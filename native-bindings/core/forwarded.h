// Who the client of a request is where proxies stand before this server: what X-Forwarded-For, or
// Forwarded (RFC 7239), says, as far as it can be believed. Each proxy adds whom it has got the
// request from, so the list is read from its end: the peer is trusted, then the last address is
// true; if that is a trusted proxy, the one before it is, and so on. The first that is not trusted
// is the client, and what stands before it may be anybody's invention. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "address-ranges.h"

namespace millrace {

enum class ForwardedKind : uint8_t { kXForwarded, kForwarded };

// Whom a listener believes: ranges of addresses, or so many proxies, the peer being the first.
struct ForwardedTrust {
  AddressRanges ranges;
  uint32_t hops = 0;
  ForwardedKind kind = ForwardedKind::kXForwarded;
  bool is_on() const { return hops > 0 || !ranges.is_empty(); }
};

// The values of the fields; of several of one name, all of them with commas between.
struct ForwardedFields {
  std::string_view list;   // X-Forwarded-For or Forwarded
  std::string_view proto;  // X-Forwarded-Proto
  std::string_view host;   // X-Forwarded-Host
};

struct ForwardedClient {
  PeerAddress address;
  // What the proxy that has seen the client has been asked for; empty: it does not say.
  std::string_view proto;
  std::string_view host;
};

// Whether the peer of a connection is one of those that are believed.
bool is_believed(const ForwardedTrust& trust, const PeerAddress& peer);

// An address that is none (unknown, _hidden) ends what is known: the client is then the proxy that
// has said so.
ForwardedClient find_client(const ForwardedTrust& trust, const PeerAddress& peer,
                            const ForwardedFields& fields);

}  // namespace millrace
