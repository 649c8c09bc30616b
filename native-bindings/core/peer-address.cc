#include "peer-address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace millrace {

void PeerAddress::set(Family of, const void* from, uint16_t at_port) {
  family = of;
  port = at_port;
  std::memset(bytes, 0, sizeof bytes);
  std::memcpy(bytes, from, of == kIPv4 ? 4 : 16);
  ::inet_ntop(of == kIPv4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
  text_length = static_cast<uint8_t>(std::strlen(text));
}

void PeerAddress::set(const sockaddr_storage& from) {
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  if (from.ss_family == AF_INET) {
    set(kIPv4, &v4.sin_addr, ntohs(v4.sin_port));
  } else if (from.ss_family == AF_INET6) {
    set(kIPv6, &v6.sin6_addr, ntohs(v6.sin6_port));
    unmap();
  } else {
    *this = PeerAddress{};
    family = kUnix;
    std::memcpy(text, "unix:", 6);
    text_length = 5;
  }
}

void PeerAddress::unmap() {
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (family != kIPv6 || std::memcmp(bytes, kMapped, sizeof kMapped) != 0) return;
  uint8_t v4[4];
  std::memcpy(v4, bytes + sizeof kMapped, sizeof v4);
  set(kIPv4, v4, port);
}

bool parse_address(std::string_view text, PeerAddress& into) {
  char copy[sizeof into.text];
  if (text.empty() || text.size() >= sizeof copy) return false;
  if (text.find('\0') != std::string_view::npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  uint8_t bytes[16];
  if (::inet_pton(AF_INET, copy, bytes) == 1) {
    into.set(PeerAddress::kIPv4, bytes, 0);
  } else if (::inet_pton(AF_INET6, copy, bytes) == 1) {
    into.set(PeerAddress::kIPv6, bytes, 0);
  } else {
    return false;
  }
  return true;
}

}  // namespace millrace
