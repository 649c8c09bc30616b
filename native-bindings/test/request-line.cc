// Request lines that llhttp refuses: each input with its last byte before a guard page, cut short
// at every place, where the verdict may only be what it is at the end, or that more is needed.
#include "core/request-line.h"

#include <string>

#include "check.h"

using millrace::find_target;
using millrace::judge_method;
using millrace::judge_version;
using millrace::MethodVerdict;
using millrace::TargetSpan;
using millrace::VersionVerdict;
using millrace::test::Guarded;

namespace {

MethodVerdict judged(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  return judge_method(bytes.data(), bytes.data() + text.size());
}

void expect_method(const std::string& text, MethodVerdict expected) {
  CHECK(judged(text) == expected);
  bool is_told = false;
  for (size_t length = 0; length < text.size(); length++) {
    MethodVerdict verdict = judged(text.substr(0, length));
    CHECK(verdict == (is_told ? expected : verdict));
    CHECK(verdict == expected || verdict == MethodVerdict::kMore);
    is_told = verdict == expected;
  }
}

void methods() {
  for (const char* text : {"FOO / HTTP/1.1", "get /", "GETS x", "X ", "!#$%&'*+-.^_`|~09 ",
                           "PRI / x", "PRI * HTTP/1.1", "PRIX * HTTP/2.0"}) {
    expect_method(text, MethodVerdict::kUnknown);
  }
  expect_method(std::string(33, 'A'), MethodVerdict::kUnknown);
  expect_method(std::string(40, 'A') + "\x01", MethodVerdict::kUnknown);
  expect_method(std::string(32, 'A') + "\x01", MethodVerdict::kMalformed);
  expect_method("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MethodVerdict::kHttp2);
  for (const char* text : {" GET", "\x16\x03\x01", "FOO\r\n", "FOO\n", "F(O ", "\"GET\" ", "FO\t/",
                           "GE\x80T ", "HTTP/1.1 200 OK"}) {
    expect_method(text, MethodVerdict::kMalformed);
  }
  expect_method(std::string("F\0O ", 4), MethodVerdict::kMalformed);
  for (const char* text : {"", "F", "FOO", "PRI ", "PRI * HTTP/2.0"}) {
    CHECK(judged(text) == MethodVerdict::kMore);
  }
}

VersionVerdict version(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  return judge_version(bytes.data(), bytes.data() + text.size());
}

void versions() {
  for (const char* text : {" HTTP/1.1", " HTTP/1.0", " HTTP/1.1\r\n", " HTTP/1.10"}) {
    CHECK(version(text) == VersionVerdict::kServed);
  }
  for (const char* text : {" HTTP/2.0", " HTTP/0.9", " HTTP/1.2", " HTTP/9.9\r\n"}) {
    CHECK(version(text) == VersionVerdict::kOther);
  }
  for (const char* text : {"\r\n", "\n", "\r\nHost: h"}) {
    CHECK(version(text) == VersionVerdict::kAbsent);
  }
  for (const char* text : {"", " ", " HTTP/1", " HTTP/1.", " http/1.1", "  HTTP/1.1", "\r", "\rH",
                           " HTTP/1,1", " HTTP/11 ", " HTTP/a.1", " HTTP/1.x", " RTSP/1.0"}) {
    CHECK(version(text) == VersionVerdict::kMalformed);
  }
}

std::string target(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  TargetSpan span = find_target(bytes.data(), bytes.data() + text.size());
  return std::string(span.begin, span.end);
}

void targets() {
  CHECK(target("GET /a?b HTTP/1.1") == "/a?b");
  CHECK(target("GET   /a  HTTP/1.1") == "/a");
  CHECK(target("GET /a\r\nHost: h") == "/a");
  CHECK(target("GET /a\nHost: h") == "/a");
  CHECK(target("GET /ab") == "/ab");
  for (const char* text : {"", "GET", "GET ", "GET\r\nHost: h"}) CHECK(target(text).empty());
}

}  // namespace

int main() {
  methods();
  versions();
  targets();
  return 0;
}
