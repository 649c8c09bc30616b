// Response heads: the exact bytes, within the announced bound, for every status and framing.
#include "core/encoder.h"
#include "core/layout.h"

#include <string>

#include "check.h"

using millrace::DateLine;
using millrace::Framing;
using millrace::HeadFields;
using millrace::Persistence;
using millrace::test::Guarded;

namespace {

// Writes into exactly as many bytes as the bound allows.
std::string head_of(const HeadFields& fields, const DateLine& date) {
  Guarded out(millrace::head_bytes_bound(fields));
  size_t length = millrace::write_head(out.data(), fields, date);
  CHECK(length <= out.size());
  return {out.data(), length};
}

void the_date_is_imf_fixdate() {
  DateLine date;
  std::string line(date.date(), date.date_length());
  CHECK(line.size() == 37 && line.substr(0, 6) == "Date: " && line.substr(31) == " GMT\r\n");
  CHECK(line[9] == ',' && line[13] == ' ' && line[25] == ':' && line[28] == ':');
}

void a_plain_answer() {
  DateLine date;
  std::string stamp(date.date(), date.date_length());
  HeadFields fields;
  fields.framing = Framing::kLength;
  fields.length = 13;
  fields.type = millrace::TYPE_TEXT;
  CHECK(head_of(fields, date) == "HTTP/1.1 200 OK\r\n" + stamp +
                                     "Content-Type: text/plain;charset=UTF-8\r\n"
                                     "Content-Length: 13\r\n\r\n");
}

void lines_reason_and_persistence() {
  DateLine date;
  std::string stamp(date.date(), date.date_length());
  HeadFields fields;
  fields.status = 404;
  fields.lines = "x-a: 1\r\nx-b: 2\r\n";
  fields.lines_length = 16;
  fields.persistence = Persistence::kClose;
  fields.framing = Framing::kChunked;
  CHECK(head_of(fields, date) == "HTTP/1.1 404 Not Found\r\n" + stamp +
                                     "x-a: 1\r\nx-b: 2\r\nConnection: close\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n");
  fields.reason = "Gone fishing, again";
  fields.reason_length = 12;
  fields.lines_length = 0;
  fields.framing = Framing::kNone;
  fields.persistence = Persistence::kKeepAlive;
  fields.own_date = true;
  CHECK(head_of(fields, date) == "HTTP/1.1 404 Gone fishing\r\nConnection: keep-alive\r\n\r\n");
}

// Beside the lines of the answer itself, in one piece; the bound counts them.
void the_default_lines() {
  DateLine date;
  std::string stamp(date.date(), date.date_length());
  std::string defaults = "x-default: 1\r\nserver: " + std::string(5000, 's') + "\r\n";
  HeadFields fields;
  fields.lines = "x-a: 1\r\n";
  fields.lines_length = 8;
  fields.framing = Framing::kLength;
  std::string without = head_of(fields, date);
  size_t bound = millrace::head_bytes_bound(fields);
  std::string none;
  fields.defaults = &none;
  CHECK(head_of(fields, date) == without && millrace::head_bytes_bound(fields) == bound);
  fields.defaults = &defaults;
  CHECK(millrace::head_bytes_bound(fields) == bound + defaults.size());
  std::string head = head_of(fields, date);
  CHECK(head.size() == without.size() + defaults.size());
  size_t at = head.find(defaults);
  CHECK(at != std::string::npos);
  CHECK(head.erase(at, defaults.size()) == without);
}

void the_keep_alive_line() {
  struct {
    uint32_t idle_ms;
    const char* line;
  } cases[] = {
      {1, ""},
      {1999, ""},
      {2000, "Connection: keep-alive\r\nKeep-Alive: timeout=1\r\n"},
      {75000, "Connection: keep-alive\r\nKeep-Alive: timeout=74\r\n"},
      {75999, "Connection: keep-alive\r\nKeep-Alive: timeout=74\r\n"},
      {2147483647, "Connection: keep-alive\r\nKeep-Alive: timeout=2147482\r\n"},
  };
  DateLine date;
  for (const auto& each : cases) {
    millrace::KeepAliveLine line;
    line.announce(each.idle_ms);
    HeadFields fields;
    fields.own_date = true;
    fields.keep_alive = &line;
    std::string ok = "HTTP/1.1 200 OK\r\n";
    CHECK(head_of(fields, date) == ok + each.line + "\r\n");
    fields.persistence = Persistence::kClose;
    CHECK(head_of(fields, date) == ok + "Connection: close\r\n\r\n");
    fields.persistence = Persistence::kKeepAlive;
    std::string kept = line.length > 0 ? each.line : "Connection: keep-alive\r\n";
    CHECK(head_of(fields, date) == ok + kept + "\r\n");
  }
}

void an_answer_with_its_own_date_has_no_other() {
  DateLine date;
  HeadFields fields;
  fields.own_date = true;
  CHECK(head_of(fields, date) == "HTTP/1.1 200 OK\r\n\r\n");
}

void the_bound_holds_for_every_status() {
  DateLine date;
  millrace::KeepAliveLine line;
  line.announce(~0u);
  for (int status = 100; status < 1000; status++) {
    for (int type = 0; type <= millrace::TYPE_URLENCODED; type++) {
      HeadFields fields;
      fields.status = status;
      fields.type = type;
      fields.framing = Framing::kLength;
      fields.length = ~0ull;
      fields.persistence = Persistence::kKeepAlive;
      fields.keep_alive = &line;
      std::string head = head_of(fields, date);
      CHECK(head.find("Content-Length: 18446744073709551615\r\n\r\n") != std::string::npos);
      CHECK(head.substr(0, 13) == "HTTP/1.1 " + std::to_string(status) + " ");
    }
  }
}

}  // namespace

int main() {
  the_date_is_imf_fixdate();
  a_plain_answer();
  lines_reason_and_persistence();
  the_default_lines();
  the_keep_alive_line();
  an_answer_with_its_own_date_has_no_other();
  the_bound_holds_for_every_status();
}
