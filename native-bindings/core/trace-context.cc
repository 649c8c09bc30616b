#include "trace-context.h"

#include <cstring>

#include "digits.h"

namespace millrace {

namespace {

constexpr unsigned kKnownFlags = 3;  // sampled, random

// The finalizer of splitmix64: a bijection whose results look random.
uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void put_hex(char* out, uint64_t value) {
  for (int i = 15; i >= 0; i--, value >>= 4) out[i] = kHexDigits[value & 15];
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Lower case hexadecimal digits, and not zeros alone.
bool is_id(std::string_view text) {
  bool is_zero = true;
  for (char c : text) {
    if (digit(c) < 0) return false;
    is_zero = is_zero && c == '0';
  }
  return !is_zero;
}

}  // namespace

bool read_traceparent(std::string_view value, char out[kTraceparentLength]) {
  if (value.size() < kTraceparentLength) return false;
  if (value[2] != '-' || value[35] != '-' || value[52] != '-') return false;
  if (!is_id(value.substr(3, 32)) || !is_id(value.substr(36, 16))) return false;
  int high = digit(value[53]);
  int low = digit(value[54]);
  if (digit(value[0]) < 0 || digit(value[1]) < 0 || high < 0 || low < 0) return false;
  std::string_view version = value.substr(0, 2);
  if (version == "ff") return false;
  bool has_more = value.size() > kTraceparentLength;
  if (has_more && (version == "00" || value[kTraceparentLength] != '-')) return false;
  std::memcpy(out, value.data(), kTraceparentLength);
  if (version == "00") return true;
  out[0] = out[1] = out[53] = '0';
  out[54] = kHexDigits[static_cast<unsigned>(low) & kKnownFlags];
  return true;
}

// Two lanes, so that requests of different connections differ in 128 bits; those of one connection
// differ in each. The parent is of both.
void make_traceparent(const TraceSeed& seed, char out[kTraceparentLength]) {
  uint64_t connection = static_cast<uint64_t>(seed.generation) << 32 | seed.slot;
  uint64_t high = mix(mix(seed.engine ^ connection) ^ seed.sequence);
  uint64_t low = mix(mix(mix(seed.engine) ^ connection) ^ seed.sequence);
  uint64_t parent = mix(high + low);
  std::memcpy(out, "00-", 3);
  put_hex(out + 3, high);
  put_hex(out + 19, low);
  out[35] = '-';
  put_hex(out + 36, parent == 0 ? 1 : parent);
  std::memcpy(out + 52, "-02", 3);
}

}  // namespace millrace
