#include "proxy-protocol.h"

#include <cstring>
#include <string_view>

namespace millrace {

namespace {

constexpr ProxyHeader kNeedsMore{ProxyResult::kMore, 0};
constexpr ProxyHeader kIsMalformed{ProxyResult::kMalformed, 0};

constexpr std::string_view kV1 = "PROXY ";
constexpr size_t kV1Max = 107;  // with CR and LF
constexpr std::string_view kV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kV2Head = 16;  // signature, version and command, family, length

uint16_t big_endian(const char* at) {
  auto byte = [at](int i) { return static_cast<unsigned>(static_cast<unsigned char>(at[i])); };
  return static_cast<uint16_t>(byte(0) << 8 | byte(1));
}

// Of what lies up to the next space or the end; what was read is taken off.
std::string_view take_word(std::string_view& rest) {
  size_t space = rest.find(' ');
  std::string_view word = rest.substr(0, space);
  rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  return word;
}

bool take_address(std::string_view& rest, PeerAddress::Family family, uint8_t* into) {
  PeerAddress address;
  if (!parse_address(take_word(rest), address) || address.family != family) return false;
  std::memcpy(into, address.bytes, sizeof address.bytes);
  return true;
}

bool to_port(std::string_view word, uint16_t& into) {
  if (word.empty() || word.size() > 5 || (word.size() > 1 && word[0] == '0')) return false;
  uint32_t value = 0;
  for (char c : word) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  into = static_cast<uint16_t>(value);
  return value <= 65535;
}

// The line behind "PROXY ", without its end.
bool read_line(std::string_view line, AnnouncedAddresses& into) {
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
  std::string_view protocol = take_word(line);
  AnnouncedAddresses read;
  if (protocol == "TCP4") {
    read.family = PeerAddress::kIPv4;
  } else if (protocol == "TCP6") {
    read.family = PeerAddress::kIPv6;
  } else {
    return false;
  }
  if (!take_address(line, read.family, read.remote)) return false;
  if (!take_address(line, read.family, read.local)) return false;
  if (!to_port(take_word(line), read.remote_port)) return false;
  // What is left is one word: a space behind it would be part of it, and no port.
  if (!to_port(line, read.local_port)) return false;
  into = read;
  return true;
}

ProxyHeader parse_v1(std::string_view input, AnnouncedAddresses& into) {
  std::string_view seen = input.substr(0, kV1Max);
  size_t end = seen.find_first_of("\r\n");
  if (end == std::string_view::npos || end + 1 == seen.size()) {
    bool is_line_feed = end != std::string_view::npos && seen[end] == '\n';
    return seen.size() < kV1Max && !is_line_feed ? kNeedsMore : kIsMalformed;
  }
  if (seen[end] != '\r' || seen[end + 1] != '\n') return kIsMalformed;
  std::string_view line = seen.substr(kV1.size(), end - kV1.size());
  if (!read_line(line, into)) return kIsMalformed;
  return {ProxyResult::kDone, end + 2};
}

// Bytes of addresses by the family's number: none, IPv4, IPv6, Unix paths.
constexpr size_t kAddressBytes[] = {0, 12, 36, 216};

// The addresses of a command PROXY. Their bytes are all here.
void read_addresses(const char* at, uint8_t family, AnnouncedAddresses& into) {
  into.family = static_cast<PeerAddress::Family>(family);  // the protocol counts them alike
  if (into.family != PeerAddress::kIPv4 && into.family != PeerAddress::kIPv6) return;
  size_t width = into.family == PeerAddress::kIPv4 ? 4 : 16;
  std::memcpy(into.remote, at, width);
  std::memcpy(into.local, at + width, width);
  into.remote_port = big_endian(at + 2 * width);
  into.local_port = big_endian(at + 2 * width + 2);
}

static_assert(PeerAddress::kUnknown == 0 && PeerAddress::kIPv4 == 1 && PeerAddress::kIPv6 == 2 &&
              PeerAddress::kUnix == 3);

ProxyHeader parse_v2(std::string_view input, AnnouncedAddresses& into) {
  constexpr uint8_t kLocal = 0x20;
  constexpr uint8_t kProxy = 0x21;
  if (input.size() <= kV2.size()) return kNeedsMore;
  uint8_t command = static_cast<uint8_t>(input[12]);
  if (command != kLocal && command != kProxy) return kIsMalformed;
  if (input.size() < kV2Head) return kNeedsMore;
  uint8_t family = static_cast<uint8_t>(input[13]) >> 4;
  uint8_t transport = static_cast<uint8_t>(input[13]) & 15;
  size_t length = big_endian(input.data() + 14);
  if (kV2Head + length > kProxyHeaderMax) return kIsMalformed;
  if (command == kProxy) {
    // Datagrams (2) do not come through a stream; more than that is not assigned.
    if (family > 3 || transport > 1 || (family > 0 && transport == 0)) return kIsMalformed;
    if (length < kAddressBytes[family]) return kIsMalformed;
  }
  if (input.size() < kV2Head + length) return kNeedsMore;
  if (command == kProxy) read_addresses(input.data() + kV2Head, family, into);
  return {ProxyResult::kDone, kV2Head + length};
}

}  // namespace

ProxyHeader parse_proxy_header(const char* data, size_t length, AnnouncedAddresses& into) {
  std::string_view input(data, length);
  if (input.empty()) return kNeedsMore;
  std::string_view expected = input[0] == kV2[0] ? kV2 : kV1;
  size_t common = length < expected.size() ? length : expected.size();
  if (std::memcmp(data, expected.data(), common) != 0) return kIsMalformed;
  if (length < expected.size()) return kNeedsMore;
  return expected == kV1 ? parse_v1(input, into) : parse_v2(input, into);
}

}  // namespace millrace
