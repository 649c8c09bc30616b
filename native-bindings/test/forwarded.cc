// Who is believed to be the client: chains of proxies, what clients make up, and malformed lists.
#include "core/forwarded.h"

#include <string>

#include "addresses.h"
#include "check.h"

using millrace::find_client;
using millrace::ForwardedClient;
using millrace::ForwardedFields;
using millrace::ForwardedKind;
using millrace::ForwardedTrust;
using millrace::test::address;

namespace {

ForwardedTrust trusting(std::initializer_list<std::string_view> ranges, ForwardedKind kind) {
  ForwardedTrust trust;
  trust.kind = kind;
  for (std::string_view range : ranges) CHECK(trust.ranges.add(range));
  return trust;
}

const ForwardedTrust kTen = trusting({"10.0.0.0/8"}, ForwardedKind::kXForwarded);
const ForwardedTrust kTenStandard = trusting({"10.0.0.0/8"}, ForwardedKind::kForwarded);

ForwardedClient ask(const ForwardedTrust& trust, std::string_view list, std::string_view proto = {},
                    std::string_view host = {}, std::string_view peer = "10.0.0.1") {
  millrace::test::Guarded guarded(list);
  // What is given back must not point into the list that is gone; addresses are copies.
  ForwardedClient client = find_client(trust, address(peer, 999), {guarded.view(), proto, host});
  if (trust.kind == ForwardedKind::kForwarded) {
    static std::string kept_proto;
    static std::string kept_host;
    kept_proto = client.proto;
    kept_host = client.host;
    client.proto = kept_proto;
    client.host = kept_host;
  }
  return client;
}

bool is(std::string_view list, std::string_view expected) {
  return ask(kTen, list).address.view() == expected;
}

void the_last_that_is_not_trusted_is_the_client() {
  CHECK(is("192.0.2.1", "192.0.2.1"));
  CHECK(is("6.6.6.6, 192.0.2.1", "192.0.2.1"));
  CHECK(is("6.6.6.6, 192.0.2.1, 10.1.1.1,10.2.2.2", "192.0.2.1"));
  CHECK(is("10.3.3.3, 10.1.1.1", "10.3.3.3"));  // all are trusted: the first one
  CHECK(is("", "10.0.0.1") && is(" , ,", "10.0.0.1"));
  CHECK(is("192.0.2.1,, ,", "192.0.2.1"));
  // The peer is not trusted: nothing is believed.
  CHECK(ask(kTen, "6.6.6.6", "https", "h", "11.0.0.1").address.view() == "11.0.0.1");
  CHECK(ask(kTen, "6.6.6.6", "https", "h", "11.0.0.1").proto.empty());
}

void what_is_no_address_ends_what_is_known() {
  CHECK(is("unknown", "10.0.0.1") && is("_hidden", "10.0.0.1") && is("a.example", "10.0.0.1"));
  CHECK(is("6.6.6.6, unknown, 10.1.1.1", "10.1.1.1"));
  CHECK(is("1.2.3.4.5", "10.0.0.1") && is("[::1", "10.0.0.1") && is("[1.2.3.4]", "10.0.0.1"));
  CHECK(is("1.2.3.4:", "10.0.0.1") && is("1.2.3.4:70000", "10.0.0.1"));
  CHECK(is("1.2.3.4:8a", "10.0.0.1") && is("[::1]x", "10.0.0.1") && is(":80", "10.0.0.1"));
}

void forms_of_addresses() {
  struct {
    std::string_view text;
    std::string_view address;
    int port;
  } forms[] = {{"192.0.2.1", "192.0.2.1", 0},
               {"192.0.2.1:443", "192.0.2.1", 443},
               {"2001:db8::1", "2001:db8::1", 0},
               {"[2001:DB8::1]", "2001:db8::1", 0},
               {"[2001:db8::1]:65535", "2001:db8::1", 65535},
               {"::ffff:192.0.2.1", "192.0.2.1", 0},
               {"[::ffff:192.0.2.1]:80", "192.0.2.1", 80}};
  for (const auto& form : forms) {
    ForwardedClient client = ask(kTen, form.text);
    CHECK(client.address.view() == form.address && client.address.port == form.port);
    std::string quoted = "for=\"" + std::string(form.text) + "\"";
    client = ask(kTenStandard, quoted);
    CHECK(client.address.view() == form.address && client.address.port == form.port);
  }
  CHECK(is("192.0.2.1, ::ffff:10.0.0.7", "192.0.2.1"));
}

void counted_hops() {
  ForwardedTrust one;
  one.hops = 1;
  ForwardedTrust two;
  two.hops = 2;
  CHECK(ask(one, "6.6.6.6, 192.0.2.1", "", "", "11.0.0.1").address.view() == "192.0.2.1");
  CHECK(ask(two, "6.6.6.6, 192.0.2.1, 10.1.1.1").address.view() == "192.0.2.1");
  CHECK(ask(two, "192.0.2.1").address.view() == "192.0.2.1");
  CHECK(!ForwardedTrust{}.is_on() && one.is_on() && kTen.is_on());
}

void schemes_and_hosts() {
  ForwardedClient client = ask(kTen, "192.0.2.1", "https", "a.example");
  CHECK(client.proto == "https" && client.host == "a.example");
  // Lists of the same length go with the address, others say no more than their end.
  client = ask(kTen, "6.6.6.6, 192.0.2.1, 10.1.1.1", "gopher, https, http", "x, a, b");
  CHECK(client.proto == "https" && client.host == "a");
  client = ask(kTen, "6.6.6.6, 192.0.2.1, 10.1.1.1", "gopher, https", "b");
  CHECK(client.proto == "https" && client.host == "b");
  client = ask(kTen, "", "https", "");
  CHECK(client.proto == "https" && client.host.empty());
}

void standard_fields() {
  ForwardedClient client =
      ask(kTenStandard,
          "for=6.6.6.6, For=192.0.2.1;PROTO=https;host=\"a.example:8080\", for=10.1.1.1");
  CHECK(client.address.view() == "192.0.2.1" && client.proto == "https");
  CHECK(client.host == "a.example:8080");
  client = ask(kTenStandard, "by=10.0.0.1 ; for=\"[2001:db8::17]:4711\" ;ext=\"a,b;c\"");
  CHECK(client.address.view() == "2001:db8::17" && client.address.port == 4711);
  client = ask(kTenStandard, "for=6.6.6.6, for=unknown;proto=https");
  CHECK(client.address.view() == "10.0.0.1" && client.proto == "https");
  client = ask(kTenStandard, "proto=https;host=\"a\\\"b\"");
  CHECK(client.address.view() == "10.0.0.1" && client.proto == "https" && client.host.empty());
}

// A client writes the beginning, the proxy adds its element: it always counts.
void nothing_swallows_the_element_of_the_proxy() {
  for (const char* begun :
       {"for=\"", "for=\"6.6.6.6", "for=\"\\", "for", "=", ";", "for=", "for=6.6.6.6;", "\"", "\\",
        "for=\"a\"b", "for=6.6.6.6;x=\"", "for=\"6.6.6.6\";;", "x y=z", "for=6.6.6.6,for=\"", ""}) {
    for (const char* added : {"for=192.0.2.1;proto=https", "for=\"192.0.2.1\";proto=\"https\"",
                              "proto=https;for=192.0.2.1;host=\"\"",
                              "for=\"192.0.2.1:80\";host=\"a:1\";proto=https"}) {
      ForwardedClient client = ask(kTenStandard, std::string(begun) + ", " + added);
      CHECK(client.address.view() == "192.0.2.1" && client.proto == "https");
    }
  }
}

// Any bytes: only what a guard page would show.
void random_lists() {
  uint32_t state = 88172645;
  auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  };
  const std::string_view kParts[] = {"for=", "\"",  "\\", ",", ";", "=",  "[",       "]",
                                     ":80",  "::1", " ",  "_", "x", "by", "10.0.0.2"};
  for (int round = 0; round < 20000; round++) {
    std::string list;
    for (uint32_t count = next() % 14; count > 0; count--) {
      list += kParts[next() % (sizeof kParts / sizeof kParts[0])];
    }
    ask(round % 2 == 0 ? kTen : kTenStandard, list);
  }
}

}  // namespace

int main() {
  the_last_that_is_not_trusted_is_the_client();
  what_is_no_address_ends_what_is_known();
  forms_of_addresses();
  counted_hops();
  schemes_and_hosts();
  standard_fields();
  nothing_swallows_the_element_of_the_proxy();
  random_lists();
}
