// The rules for hosts, each input with its last byte before a guard page.
#include "core/host.h"

#include <string>

#include "check.h"

using millrace::is_valid_destination;
using millrace::is_valid_host;
using millrace::test::Guarded;

namespace {

bool is_host(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  return is_valid_host(bytes.data(), static_cast<uint32_t>(text.size()));
}

bool is_destination(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  return is_valid_destination(bytes.data(), static_cast<uint32_t>(text.size()));
}

void hosts() {
  for (const char* host : {"a", "a.test", "A.TEST", "a-b_c.test", "127.0.0.1", "a%41", "a.", "*",
                           "[::1]", "[::ffff:1.2.3.4]", "[ABCD::]"}) {
    CHECK(is_host(host));
    CHECK(is_host(host + std::string(":")));
    CHECK(is_host(host + std::string(":0")));
    CHECK(is_host(host + std::string(":80")));
    CHECK(is_host(host + std::string(":65535")));
    CHECK(!is_host(host + std::string(":65536")));
    CHECK(!is_host(host + std::string(":000080")));
    CHECK(!is_host(host + std::string(":-1")));
    CHECK(!is_host(host + std::string(":80 ")));
    CHECK(!is_host(host + std::string("/")));
    CHECK(!is_host(host + std::string(" b")));
  }
  for (const char* none : {"", ":", ":80", "u@a", "u:p@a", "a b", "a\tb", "a/b", "a?b", "a#b",
                           "a,b c", "[", "]", "[]", "[::1", "[x]", "[::1]80",
                           "[::1%251]", "[v1.a]", "a[b]",
                           "a\"b", "<a>", "a\\b", "a\x7f", "caf\xc3\xa9"}) {
    CHECK(!is_host(none));
  }
  CHECK(!is_host(std::string("a\0b", 3)));
}

void destinations() {
  for (const char* good : {"a:1", "a.test:443", "[::1]:443", "1.2.3.4:65535"}) {
    CHECK(is_destination(good));
  }
  for (const char* bad : {"", "a", "a:", "a:0", "a:65536", "a:443/", "u@a:443", ":443", "[::1]",
                          "http://a:443", "/a:443"}) {
    CHECK(!is_destination(bad));
  }
}

}  // namespace

int main() {
  hosts();
  destinations();
  return 0;
}
