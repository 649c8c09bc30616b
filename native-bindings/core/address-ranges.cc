#include "address-ranges.h"

#include <cstring>

namespace millrace {

namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void to_ipv6(const PeerAddress& address, uint8_t* into) {
  if (address.family == PeerAddress::kIPv6) {
    std::memcpy(into, address.bytes, 16);
    return;
  }
  std::memcpy(into, kMapped, sizeof kMapped);
  std::memcpy(into + sizeof kMapped, address.bytes, 4);
}

// One to three digits without a leading zero, at most `max`; below 0: it is not.
int bits_of(std::string_view text, int max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return -1;
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value <= max ? value : -1;
}

}  // namespace

bool AddressRanges::add(std::string_view text) {
  if (text == "unix") {
    has_unix_ = true;
    return true;
  }
  size_t slash = text.find('/');
  PeerAddress address;
  if (!parse_address(text.substr(0, slash), address)) return false;
  int width = address.family == PeerAddress::kIPv4 ? 32 : 128;
  int bits = slash == std::string_view::npos ? width : bits_of(text.substr(slash + 1), width);
  if (bits < 0) return false;
  Range range;
  to_ipv6(address, range.bytes);
  range.bits = static_cast<uint8_t>(bits + 128 - width);
  ranges_.push_back(range);
  return true;
}

bool AddressRanges::has(const PeerAddress& address) const {
  if (address.family == PeerAddress::kUnix) return has_unix_;
  if (address.family == PeerAddress::kUnknown) return false;
  uint8_t bytes[16];
  to_ipv6(address, bytes);
  for (const Range& range : ranges_) {
    size_t whole = range.bits / 8;
    if (std::memcmp(bytes, range.bytes, whole) != 0) continue;
    int rest = range.bits % 8;
    if (rest == 0 || (bytes[whole] ^ range.bytes[whole]) >> (8 - rest) == 0) return true;
  }
  return false;
}

}  // namespace millrace
