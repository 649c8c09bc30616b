// The parser with the llhttp of the Node.js that loads this: what each input comes to, whole, cut
// in two at every place, and byte by byte, each time with the last byte before a guard page. The
// answer must not depend on packets. Loading is running; the process ends with the verdict.
#include "core/parser.h"

#include <string>
#include <vector>

#include "../check.h"

using millrace::Failure;
using millrace::HeaderEntry;
using millrace::kHttpMethods;
using millrace::kMethodConnect;
using millrace::kMethodTrace;
using millrace::Limits;
using millrace::MessageSink;
using millrace::ParseResult;
using millrace::Parser;
using millrace::test::Guarded;

namespace {

constexpr Limits kLimits{256, 6, 64,
                         kHttpMethods & ~(1ull << kMethodTrace | 1ull << kMethodConnect)};

// Writes down what it is told, as one line of text.
class Transcript final : public MessageSink {
 public:
  std::string text;
  int held_from = 1 << 30;  // the message before which it says stop
  int begun = 0;

  bool on_begin(Parser&) override { return begun++ < held_from; }
  void on_target(const Parser& parser) override { expected_ = target_of(parser); }
  Failure on_head(Parser& parser) override {
    const char* message = parser.message();
    flush();
    if (expected_ != target_of(parser)) text += "expected " + expected_ + " ";
    text += llhttp_method_name(parser.method());
    text += " " + target_of(parser);
    for (uint32_t i = 0; i < parser.header_count(); i++) {
      const HeaderEntry& entry = parser.headers()[i];
      text += " " + std::string(message + entry.name_offset, entry.name_length) + "=<" +
              std::string(message + entry.value_offset, entry.value_length) + ">";
    }
    if (parser.is_http10()) text += " 1.0";
    if (!parser.keep_alive()) text += " close";
    if (parser.is_chunked()) text += " chunked";
    if (parser.expects_continue()) text += " expects";
    if (parser.wants_upgrade()) text += " upgrade";
    if (parser.content_length() > 0) text += " " + std::to_string(parser.content_length());
    text += "; ";
    return {};
  }
  void on_body(Parser&, const char* at, size_t length) override { body_.append(at, length); }
  void on_end(Parser& parser) override {
    flush();
    for (uint32_t i = 0; i < parser.trailers().length; i++) {
      char c = parser.trailers().data[i];
      text += c == '\n' ? '|' : c;
    }
    text += parser.trailers().length > 0 ? " end; " : "end; ";
  }
  // Pieces of a body are one: how it is cut up is no difference.
  void flush() {
    if (!body_.empty()) text += "'" + body_ + "'; ";
    body_.clear();
  }

 private:
  static std::string target_of(const Parser& parser) {
    return {parser.message() + parser.target_offset(), parser.target_length()};
  }

  std::string body_;
  std::string expected_;
};

// Feeds pieces as the engine does: an unfinished head goes in front of the next piece, and a new
// message begins with a parser started anew.
class Feeder {
 public:
  explicit Feeder(int held_from = 1 << 30) {
    sink_.held_from = held_from;
    parser_.start(&sink_, kLimits);
  }
  // False when nothing more is taken.
  bool feed(std::string_view piece) {
    Guarded region(kept_ + std::string(piece));
    const char* data = region.data() + kept_.size();
    ParseResult result = parser_.execute(region.data(), data, piece.size());
    switch (result) {
      case ParseResult::kMore: {
        bool keeps = parser_.in_message() && !parser_.head_done();
        kept_ = keeps ? std::string(parser_.message(), region_end(region)) : std::string();
        if (!parser_.in_message()) parser_.start(&sink_, kLimits);
        return true;
      }
      case ParseResult::kHeld:
        rest_ = std::string(parser_.message(), region_end(region));
        verdict_ = "held";
        return false;
      case ParseResult::kClosed:
        verdict_ = "closed";
        return false;
      case ParseResult::kFailed:
        verdict_ = std::to_string(parser_.failure().status) + " " + parser_.failure().reason;
        return false;
    }
    return false;
  }
  // What was not parsed begins the message that was held.
  const std::string& rest() const { return rest_; }
  std::string result() {
    sink_.flush();
    if (verdict_.empty()) verdict_ = parser_.in_message() ? "more" : "idle";
    return sink_.text + verdict_;
  }

 private:
  static const char* region_end(const Guarded& region) { return region.data() + region.size(); }

  Parser parser_{kLimits.headers_max};
  Transcript sink_;
  std::string kept_;
  std::string rest_;
  std::string verdict_;
};

int differences = 0;

std::string in_pieces(std::string_view input, size_t first, size_t each) {
  Feeder feeder;
  if (!feeder.feed(input.substr(0, first))) return feeder.result();
  for (size_t at = first; at < input.size(); at += each) {
    if (!feeder.feed(input.substr(at, each))) break;
  }
  return feeder.result();
}

bool is_same(std::string_view input, const std::string& expected, size_t first, size_t each) {
  std::string got = in_pieces(input, first, each);
  if (got == expected) return true;
  std::fprintf(stderr, "input:    %.*s\nexpected: %s\ngot:      %s\nin pieces of %zu, %zu, ...\n",
               static_cast<int>(input.size()), input.data(), expected.c_str(), got.c_str(), first,
               each);
  differences++;
  return false;
}

void expect(std::string_view input, const std::string& expected) {
  bool same = is_same(input, expected, input.size(), 1) &&
              is_same(input, expected, 1, 1);
  for (size_t cut = 1; same && cut < input.size(); cut++) {
    same = is_same(input, expected, cut, input.size());
  }
}

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\n" + fields + "\r\n"; }
std::string post(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

void messages() {
  expect(get("Host: h\r\n"), "GET / Host=<h>; end; idle");
  expect("\r\n\r\n" + get("Host: h\r\n"), "GET / Host=<h>; end; idle");
  expect(get("Host: h\r\nA:\r\nB: \t x y \t\r\n"), "GET / Host=<h> A=<> B=<x y>; end; idle");
  expect("GET / HTTP/1.0\r\n\r\n" + get("Host: h\r\n"), "GET / 1.0 close; end; closed");
  expect("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "GET / Connection=<keep-alive> 1.0; end; idle");
  expect(get("Host: h\r\nConnection: close\r\n") + "GET",
         "GET / Host=<h> Connection=<close> close; end; closed");
  expect("GET http://a.b:80/c?d HTTP/1.1\r\nHost: a.b\r\n\r\n",
         "GET http://a.b:80/c?d Host=<a.b>; end; idle");
  expect("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * Host=<h>; end; idle");
  expect(get("Host: h\r\n") + get("Host: i\r\n"), "GET / Host=<h>; end; GET / Host=<i>; end; idle");
  expect("GET / HTTP/1.1\r\nHost: h\r\nX: 1", "more");
}

void bodies() {
  expect(post("Content-Length: 3\r\n") + "xyzPOST",
         "POST / Host=<h> Content-Length=<3> 3; 'xyz'; end; more");
  expect(post("Content-Length: 0\r\n"), "POST / Host=<h> Content-Length=<0>; end; idle");
  expect(post("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n",
         "POST / Host=<h> Transfer-Encoding=<chunked> chunked; 'abcde'; end; idle");
  expect(post("Transfer-Encoding: Chunked\r\n") + "0\r\nTrailer: t\r\n\r\n",
         "POST / Host=<h> Transfer-Encoding=<Chunked> chunked; Trailer|t| end; idle");
  expect(post("Expect: 100-Continue\r\nContent-Length: 1\r\n"),
         "POST / Host=<h> Expect=<100-Continue> Content-Length=<1> expects 1; more");
}

// Kept as text, and without an effect on the messages behind them.
void trailers() {
  std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string head = "POST / Host=<h> Transfer-Encoding=<chunked> chunked; ";
  expect(chunked + "1\r\nx\r\n0\r\nA: b \t\r\nC:\r\nD:  e f\r\n\r\n" + get("Host: i\r\n"),
         head + "'x'; A|b|C||D|e f| end; GET / Host=<i>; end; idle");
  expect(chunked + "0\r\nConnection: close\r\n\r\n" + chunked + "0\r\n\r\n",
         head + "Connection|close| end; " + head + "end; idle");
  expect(chunked + "0\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + get("Host: i\r\n"),
         head + "Upgrade|x|Connection|upgrade| end; GET / Host=<i>; end; idle");
  expect(chunked + "0\r\nContent-Length: 1\r\n\r\nx", head + "400 malformed body framing");
  expect(chunked + "0\r\nTransfer-Encoding: chunked\r\n\r\n",
         head + "400 malformed body framing");
  expect(chunked + "0\r\nA : b\r\n\r\n", head + "400 malformed body framing");
}

void upgrades() {
  expect(get("Host: h\r\nConnection: upgrade\r\nUpgrade: x\r\n") + get("Host: i\r\n"),
         "GET / Host=<h> Connection=<upgrade> Upgrade=<x> upgrade; end; GET / Host=<i>; end; idle");
  expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP/2 is not spoken here");
}

// Words in the place of the method.
void words() {
  for (const char* word : {"FOO", "get", "GETS", "GE", "X", "!#$%", "DESCRIBE", "GET_PARAMETER",
                           "PRI", "FLUSH", "M-SEARCHES"}) {
    expect(word + std::string(" / HTTP/1.1\r\nHost: h\r\n\r\n"), "501 method not implemented");
    expect("\r\n" + std::string(word) + " /", "501 method not implemented");
    expect(word + std::string("\r\n"), "400 malformed head");
    expect(word + std::string(": /"), "400 malformed head");
    expect(post("Content-Length: 3\r\n") + "abc" + word + " /",
           "POST / Host=<h> Content-Length=<3> 3; 'abc'; end; 501 method not implemented");
  }
  expect(std::string(5000, 'A'), "501 method not implemented");
  expect(post("Transfer-Encoding: chunked\r\n") + "0\r\n\r\nFOO /",
         "POST / Host=<h> Transfer-Encoding=<chunked> chunked; end; 501 method not implemented");
  expect(get("Host: h\r\n") + "FOO /", "GET / Host=<h>; end; 501 method not implemented");
  expect(get("Host: h\r\n") + "\x01", "GET / Host=<h>; end; 400 malformed head");
  expect("QUERY / HTTP/1.1\r\nHost: h\r\n\r\n", "QUERY / Host=<h>; end; idle");
}

void lines() {
  for (const char* line : {"GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n",
                           "GET / RTSP/1.0\r\n", "SOURCE / ICE/1.0\r\n", "GET / HTTP/1.10\r\n",
                           "GET / HTTP/11\r\n", "GET / http/1.1\r\n",
                           "GET\t/ HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r"}) {
    expect(line + std::string("Host: h\r\n\r\n"), "400 malformed head");
  }
  for (const char* line : {"GET /\r\n", "GET /\n", "GET / HTTP/2.0\r\n", "GET / HTTP/1.2\r\n",
                           "GET / HTTP/0.9\r\n"}) {
    expect(line + std::string("Host: h\r\n\r\n"), "505 HTTP version not supported");
    expect(line + std::string("Host: a b\r\n\r\n"), "505 HTTP version not supported");
    expect(line + std::string("Host : h\r\n\r\n"), "505 HTTP version not supported");
  }
  expect("GET /\r\n", "505 HTTP version not supported");
}

void persistence() {
  expect("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
         "GET / Connection=<keep-alive, close> 1.0 close; end; closed");
  expect("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n",
         "GET / Proxy-Connection=<keep-alive> 1.0 close; end; closed");
  expect(get("Host: h\r\nProxy-Connection: close\r\n"),
         "GET / Host=<h> Proxy-Connection=<close> close; end; closed");
  expect(get("Host: h\r\nConnection: closed\r\n"),
         "GET / Host=<h> Connection=<closed>; end; idle");
}

void refusals() {
  expect(get(""), "400 missing Host");
  expect(get("Host: a\r\nHost: a\r\n"), "400 repeated Host");
  for (const char* host : {"", "a b", "u@h", "h:x", "h:123456", "h:70000", "[::1", "[]", "[g]"}) {
    expect(get("Host: " + std::string(host) + "\r\n"), "400 malformed Host");
  }
  expect("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400 malformed request target");
  expect("GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400 malformed request target");
  expect("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400 malformed request target");
  expect("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "501 method not implemented");
  expect("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "501 method not implemented");
  expect("GET / HTTP/3.1\r\nHost: h\r\n\r\n", "505 HTTP version not supported");
  expect("GET / HTTP/1.1\nHost: h\r\n\r\n", "400 malformed head");
  expect(get("Host : h\r\n"), "400 malformed head");
  expect(get("Host: h\r\n folded\r\n"), "400 malformed head");
  expect(get("Host: h\r\nA: b\x01\r\n"), "400 malformed head");
  expect(get("Host: h\r\nA\r\n"), "400 malformed head");
  expect(get("Host: h\r\nExpect: more\r\n"), "417 expectation not supported");
  words();
}

// What makes request smuggling.
void framings() {
  expect(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         "400 malformed body framing");
  expect(post("Transfer-Encoding: chunked, gzip\r\n"), "400 malformed body framing");
  expect(post("Transfer-Encoding: gzip\r\n"), "501 transfer coding not implemented");
  expect(post("Transfer-Encoding:\r\n"), "400 malformed body framing");
  expect("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
         "400 Transfer-Encoding in HTTP/1.0");
  for (const char* both : {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                           "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                           "Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: +1\r\n",
                           "Content-Length: 18446744073709551616\r\n",
                           "Content-Length: 1, 1\r\n"}) {
    std::string whole = post(both) + "x";
    expect(whole, in_pieces(whole, whole.size(), 1));
    CHECK(in_pieces(whole, whole.size(), 1).substr(0, 4) == "400 ");
  }
  std::string head = "POST / Host=<h> Transfer-Encoding=<chunked> chunked; ";
  expect(post("Transfer-Encoding: chunked\r\n") + "g\r\n", head + "400 malformed body framing");
  expect(post("Transfer-Encoding: chunked\r\n") + "1\nx\r\n", head + "400 malformed body framing");
  expect(post("Transfer-Encoding: chunked\r\n") + "1\r\nxy\r\n",
         head + "'x'; 400 malformed body framing");
}

// Around the limit of a head, where what counts and what ends it meet.
void edges() {
  for (size_t length = kLimits.head_bytes_max - 6; length < kLimits.head_bytes_max + 6; length++) {
    std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
    std::string fill(length - start.size() - 2, 'x');
    for (const char* rest : {"\r\n\r\n", "\r\n\0", "\x01", "\r\n :", "  \r\n\r\n", "\r\r", "\nX"}) {
      for (const std::string& field : {"A:" + fill, fill + "A:", fill + ":" + " "}) {
        std::string input = start + field + rest;
        expect(input, in_pieces(input, input.size(), 1));
      }
    }
  }
}

void limits() {
  std::string target(kLimits.target_bytes_max - 1, 'a');
  expect("GET /" + target + " HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /" + target + " Host=<h>; end; idle");
  expect("GET /" + target + "a HTTP/1.1\r\nHost: h\r\n\r\n", "414 request line too long");
  expect("GET /" + std::string(1000, 'a'), "414 request line too long");
  std::string fields;
  for (int i = 0; i < 5; i++) fields += "A: b\r\n";
  expect(get("Host: h\r\n" + fields),
         "GET / Host=<h> A=<b> A=<b> A=<b> A=<b> A=<b>; end; idle");
  expect(get("Host: h\r\nA: b\r\n" + fields), "431 too many header fields");
  expect(get("Host: h\r\nA: " + std::string(300, 'x') + "\r\n"), "431 header fields too large");
  expect(get("Host: h\r\n" + std::string(300, 'x') + ": 1\r\n"), "431 header fields too large");
  std::string chunked = post("Transfer-Encoding: chunked\r\n");
  std::string head = "POST / Host=<h> Transfer-Encoding=<chunked> chunked; ";
  expect(chunked + "0\r\nA: " + std::string(300, 'x') + "\r\n\r\n",
         head + "431 trailer fields too large");
  std::string spaces(300, ' ');
  expect(chunked + "0\r\nA:" + spaces + "b\r\n\r\n", head + "431 trailer fields too large");
  expect(chunked + "0\r\nA:" + spaces, head + "431 trailer fields too large");
  size_t left = kLimits.head_bytes_max - (chunked.size() - 4);  // a head ends with its last value
  expect(chunked + "0\r\nA:" + std::string(left - 2, 'x') + "\r\n\r\n",
         head + "A|" + std::string(left - 2, 'x') + "| end; idle");
  expect(chunked + "0\r\nA:" + std::string(left - 1, 'x') + "\r\n\r\n",
         head + "431 trailer fields too large");
  expect(chunked + "0\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n\r\n",
         head + "A|1|A|2|A|3|A|4| end; idle");
  expect(chunked + "0\r\nA: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\nA: 5\r\n\r\n",
         head + "431 too many header fields");
  std::string got;
  for (int i = 0; i < 1000; i++) got += "x";
  std::string small;
  for (int i = 0; i < 1000; i++) small += "1;" + std::string(9, 'e') + "\r\nx\r\n";
  CHECK(in_pieces(chunked + small + "0\r\n\r\n", 1, 1) == head + "'" + got + "'; end; idle");
  small.clear();
  for (int i = 0; i < 1000; i++) small += "1;" + std::string(29, 'e') + "\r\nx\r\n";
  std::string all = in_pieces(chunked + small, chunked.size() + small.size(), 1);
  CHECK(all.ends_with("x'; 400 chunk framing too large"));
  CHECK(in_pieces(chunked + small, 1, 1) == all);
  std::string large = head + "400 chunk framing too large";
  for (const char* rest : {"3\r\nabc\r\n0\r\n\r\n", "\r\n\r\n", "\r\nA: b\r\n\r\n", "x"}) {
    std::string zeros = chunked + std::string(20000, '0') + rest;
    CHECK(in_pieces(zeros, zeros.size(), 1) == large);
    CHECK(in_pieces(zeros, 1, 1) == large);
    CHECK(in_pieces(zeros, 7, 4096) == large);
  }
  edges();
}

// A message that is held begins exactly at `rest`, whatever was cut where.
void holding() {
  std::string first = get("Host: h\r\n");
  std::string input = first + get("Host: i\r\n");
  for (size_t cut = 1; cut < input.size(); cut++) {
    Feeder feeder(1);
    size_t used = feeder.feed(input.substr(0, cut)) ? input.size() : cut;
    if (used > cut) feeder.feed(std::string_view(input).substr(cut));
    CHECK(feeder.result() == "GET / Host=<h>; end; held");
    CHECK(feeder.rest() == input.substr(first.size(), used - first.size()));
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  CHECK(Parser::self_test());
  messages();
  bodies();
  trailers();
  upgrades();
  lines();
  persistence();
  refusals();
  framings();
  limits();
  holding();
  std::_Exit(differences == 0 ? 0 : 1);
}
