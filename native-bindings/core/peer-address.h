// The address of one end of a connection, as the kernel, a PROXY header or a field of a request
// has it, and its text. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

struct sockaddr_storage;

namespace millrace {

struct PeerAddress {
  enum Family : uint8_t { kUnknown, kIPv4, kIPv6, kUnix };
  Family family = kUnknown;
  uint8_t text_length = 0;
  uint16_t port = 0;
  uint8_t bytes[16] = {};
  char text[46] = {};  // INET6_ADDRSTRLEN

  std::string_view view() const { return {text, text_length}; }
  // The family is kIPv4 or kIPv6, and 4 or 16 bytes are read.
  void set(Family of, const void* from, uint16_t at_port);
  // That of a Unix socket has no text but nginx's word for it. Unmapped.
  void set(const sockaddr_storage& from);
  // IPv4 mapped into IPv6, as a socket for both has it, becomes IPv4.
  void unmap();
};

// A numeric address and nothing else, without a port. False: it is none, `into` is as it was.
bool parse_address(std::string_view text, PeerAddress& into);

}  // namespace millrace
