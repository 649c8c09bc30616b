// The header of the PROXY protocol: every valid and malformed form, each cut everywhere in front of
// a guard page, and random bytes.
#include "core/proxy-protocol.h"

#include <string>

#include "check.h"

using millrace::AnnouncedAddresses;
using millrace::kProxyHeaderMax;
using millrace::parse_proxy_header;
using millrace::PeerAddress;
using millrace::ProxyHeader;
using millrace::ProxyResult;

namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// Each prefix is looked at with nothing readable behind it. The verdict comes once, at `decided_at`
// or before, and holds for whatever follows.
ProxyHeader parse(const std::string& input, AnnouncedAddresses& into) {
  ProxyHeader decided{ProxyResult::kMore, 0};
  for (size_t length = 0; length <= input.size(); length++) {
    millrace::test::Guarded cut(std::string_view(input).substr(0, length));
    AnnouncedAddresses announced;
    ProxyHeader header = parse_proxy_header(cut.data(), cut.size(), announced);
    if (decided.result == ProxyResult::kMore) {
      decided = header;
      into = announced;
    } else {
      CHECK(header.result == decided.result && header.length == decided.length);
      CHECK(announced.family == into.family && announced.remote_port == into.remote_port);
    }
    if (header.result == ProxyResult::kDone) CHECK(header.length <= length && header.length > 0);
    if (header.result != ProxyResult::kDone) {
      CHECK(header.length == 0 && announced.family == PeerAddress::kUnknown);
    }
  }
  return decided;
}

ProxyResult verdict(const std::string& input) {
  AnnouncedAddresses announced;
  return parse(input, announced).result;
}

// Without the cuts, where there are many inputs.
ProxyResult whole_verdict(const std::string& input) {
  millrace::test::Guarded whole{std::string_view(input)};
  AnnouncedAddresses announced;
  return parse_proxy_header(whole.data(), whole.size(), announced).result;
}

bool is_done(const std::string& header, AnnouncedAddresses& into) {
  // What follows is the request's, whatever it is.
  for (const char* rest : {"", "GET / HTTP/1.1\r\n", "\r\n", "PROXY "}) {
    ProxyHeader parsed = parse(header + rest, into);
    if (parsed.result != ProxyResult::kDone || parsed.length != header.size()) return false;
  }
  return true;
}

bool announces_nothing(const std::string& header) {
  AnnouncedAddresses into;
  return is_done(header, into) && into.family == PeerAddress::kUnknown;
}

void lines() {
  AnnouncedAddresses into;
  CHECK(is_done("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", into));
  CHECK(into.family == PeerAddress::kIPv4 && into.remote[0] == 192 && into.local[3] == 2);
  CHECK(into.remote_port == 56324 && into.local_port == 443);
  CHECK(is_done("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", into));
  CHECK(into.family == PeerAddress::kIPv6 && into.remote[1] == 1 && into.local[15] == 1);
  CHECK(into.remote_port == 0 && into.local_port == 65535);
  CHECK(announces_nothing("PROXY UNKNOWN\r\n"));
  CHECK(announces_nothing("PROXY UNKNOWN whatever 1 2 3\r\n"));
  // The longest line of the specification has 107 bytes.
  std::string longest =
      "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
  CHECK(longest.size() == 107 && announces_nothing(longest));
  CHECK(verdict("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") == ProxyResult::kMalformed);
  CHECK(verdict("PROXY UNKNOWN " + std::string(1000, 'x')) == ProxyResult::kMalformed);
}

void malformed_lines() {
  for (const char* line : {
           "GET / HTTP/1.1\r\n", "proxy TCP4", "PROXY\r\n", "PROXY \r\n", "PROXY TCP5 1 2 3 4\r\n",
           "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
           "PROXY TCP4 1.2.3.4 1.2.3.4 1  2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
           "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
           "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
           "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
           "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n", "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
           "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n", "PROXY UNKNOWNX\r\n", "PROXY UNKNOWN \n",
           "PROXY UNKNOWN a\rb\r\n", "\r\n\r\nX", "\r\n\r\n\r\n", "\n"}) {
    CHECK(verdict(line) == ProxyResult::kMalformed);
  }
  for (const char* part : {"", "P", "PROXY", "PROXY TCP4 1.2.3.4", "PROXY UNKNOWN\r", "\r\n"}) {
    CHECK(verdict(part) == ProxyResult::kMore);
  }
}

std::string binary(int command, int family, const std::string& body) {
  std::string head = kSignature;
  head += static_cast<char>(command);
  head += static_cast<char>(family);
  head += static_cast<char>(body.size() >> 8);
  head += static_cast<char>(body.size() & 255);
  return head + body;
}

void headers() {
  AnnouncedAddresses into;
  std::string v4("\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb", 12);
  CHECK(is_done(binary(0x21, 0x11, v4), into));
  CHECK(into.family == PeerAddress::kIPv4 && into.remote[0] == 192 && into.local[3] == 2);
  CHECK(into.remote_port == 0x1234 && into.local_port == 443);
  std::string ends = std::string(15, 'a') + "\x01" + std::string(15, 'b') + "\x02";
  std::string v6 = ends + "\xff\xff\x01\x02";
  CHECK(is_done(binary(0x21, 0x21, v6), into));
  CHECK(into.family == PeerAddress::kIPv6 && into.remote[15] == 1 && into.local[15] == 2);
  CHECK(into.remote_port == 0xffff && into.local_port == 0x0102);
  CHECK(is_done(binary(0x21, 0x31, std::string(216, 'u')), into));
  CHECK(into.family == PeerAddress::kUnix && into.remote_port == 0);
  // Extensions are skipped, up to the limit.
  std::string extended = v4 + "\x04" + std::string("\x00\x03", 2) + "abc";
  CHECK(is_done(binary(0x21, 0x11, extended), into) && into.remote_port == 0x1234);
  std::string full = binary(0x21, 0x11, v4 + std::string(kProxyHeaderMax - 16 - 12, 't'));
  CHECK(full.size() == kProxyHeaderMax && is_done(full, into) && into.local_port == 443);
  CHECK(announces_nothing(binary(0x20, 0x00, "")));
  CHECK(announces_nothing(binary(0x20, 0x11, v4)));
  CHECK(announces_nothing(binary(0x20, 0xff, "junk")));
  CHECK(announces_nothing(binary(0x21, 0x00, "")));
  CHECK(announces_nothing(binary(0x21, 0x01, "ignored")));
}

void malformed_headers() {
  std::string v4(12, '\1');
  for (int command = 0; command < 256; command++) {
    bool is_known = command == 0x20 || command == 0x21;
    CHECK((whole_verdict(binary(command, 0x11, v4)) == ProxyResult::kDone) == is_known);
  }
  std::string body(216, '\1');
  for (int family = 0; family < 256; family++) {
    bool is_known = family == 0x00 || family == 0x01 || family == 0x11 || family == 0x21 ||
                    family == 0x31;
    CHECK((whole_verdict(binary(0x21, family, body)) == ProxyResult::kDone) == is_known);
  }
  CHECK(verdict(binary(0x21, 0x11, std::string(11, '\1'))) == ProxyResult::kMalformed);
  CHECK(verdict(binary(0x21, 0x21, std::string(35, '\1'))) == ProxyResult::kMalformed);
  CHECK(verdict(binary(0x21, 0x31, std::string(215, '\1'))) == ProxyResult::kMalformed);
  for (int command : {0x20, 0x21}) {
    std::string head = kSignature + static_cast<char>(command) + "\x11";
    CHECK(verdict(head + "\xff\xff") == ProxyResult::kMalformed);  // without waiting for it
    CHECK(verdict(head + std::string("\x00", 1)) == ProxyResult::kMore);
  }
}

// xorshift: the same bytes each time.
struct Chance {
  uint32_t state = 2463534242u;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  }
};

// Valid headers with a few bytes changed: whatever comes, no byte beyond is read, and the verdict
// does not depend on the cut.
void random_headers() {
  Chance chance;
  const std::string seeds[] = {
      "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n",
      "PROXY UNKNOWN\r\n", binary(0x21, 0x11, std::string(12, '\7')),
      binary(0x20, 0x00, "abc"), binary(0x21, 0x21, std::string(40, '\7'))};
  const char kLikely[] = {'\r', '\n', ' ', '0', '9', '.', ':', '\0', '\x20', '\x21', '\xff'};
  for (int round = 0; round < 1000; round++) {
    std::string input = seeds[chance.next() % 6] + "GET";
    for (uint32_t changes = chance.next() % 4; changes > 0; changes--) {
      char byte = chance.next() % 2 == 0 ? kLikely[chance.next() % sizeof kLikely]
                                         : static_cast<char>(chance.next());
      size_t at = chance.next() % input.size();
      switch (chance.next() % 3) {
        case 0: input[at] = byte; break;
        case 1: input.insert(at, 1, byte); break;
        default: input.erase(at, 1); break;
      }
      if (input.empty()) input = "P";
    }
    verdict(input);
  }
}

}  // namespace

int main() {
  lines();
  malformed_lines();
  headers();
  malformed_headers();
  random_headers();
}
