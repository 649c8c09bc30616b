// Lines of the access log: the three formats, and that nothing of a client gets into one unescaped.
#include "core/log-format.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include "check.h"

using millrace::Bytes;
using millrace::kLogFieldMax;
using millrace::kLogLineMax;
using millrace::kLogResultMax;
using millrace::LogFormat;
using millrace::LogHead;
using millrace::LogResult;
using millrace::LogTime;
using millrace::put_log_head;
using millrace::put_log_result;
using millrace::test::Guarded;

namespace {

const LogTime& now() {
  static LogTime* time = new LogTime;
  return *time;
}

LogHead head_of(std::string_view target, std::string_view agent) {
  LogHead head;
  head.peer = "192.0.2.7";
  head.method = "GET";
  head.target = target;
  head.version = "1.1";
  head.user_agent = agent;
  head.listener = "default";
  return head;
}

std::string line_of(LogFormat format, const LogHead& head, const LogResult& result) {
  Bytes out;
  uint32_t split = put_log_head(out, format, head, now());
  char middle[kLogResultMax];
  size_t length = put_log_result(middle, format, result);
  CHECK(length <= kLogResultMax && out.length + length <= kLogLineMax);
  std::string line(out.data, out.length);
  line.insert(split, middle, length);
  out.release();
  return line;
}

const LogResult kOk{200, 2326, 1234567, false};

void common_is_what_apache_writes() {
  std::string time(now().common());
  CHECK(line_of(LogFormat::kCommon, head_of("/a?b=c", "x"), kOk) ==
        "192.0.2.7 - - " + time + " \"GET /a?b=c HTTP/1.1\" 200 2326\n");
}

void ids_stand_behind_where_they_are_asked_for() {
  std::string time(now().common());
  LogHead head = head_of("/", "x");
  head.request_id = "a\"b";
  CHECK(line_of(LogFormat::kCommon, head, kOk) ==
        "192.0.2.7 - - " + time + " \"GET / HTTP/1.1\" 200 2326\n");
  head.has_ids = true;
  CHECK(line_of(LogFormat::kCommon, head, kOk) ==
        "192.0.2.7 - - " + time + " \"GET / HTTP/1.1\" 200 2326 \"a\\x22b\" \"-\"\n");
  CHECK(line_of(LogFormat::kCombined, head, kOk) ==
        "192.0.2.7 - - " + time +
            " \"GET / HTTP/1.1\" 200 2326 \"-\" \"x\" \"a\\x22b\" \"-\"\n");
}

void combined_has_referer_and_agent_behind() {
  std::string time(now().common());
  CHECK(line_of(LogFormat::kCombined, head_of("/", "curl/8"), kOk) ==
        "192.0.2.7 - - " + time + " \"GET / HTTP/1.1\" 200 2326 \"-\" \"curl/8\"\n");
}

void the_time_is_local_with_its_offset() {
  setenv("TZ", "XYZ-5:30", 1);
  tzset();
  LogTime time;
  std::string text(time.common());
  CHECK(text.size() == 28 && text.front() == '[' && text.substr(21) == " +0530]");
  setenv("TZ", "UTC", 1);
  tzset();
}

void json_is_one_object_a_line() {
  std::string line = line_of(LogFormat::kJson, head_of("/a", "curl/8"), kOk);
  std::string rest = line.substr(line.find("\",\"remote"));
  CHECK(line.rfind("{\"time\":\"", 0) == 0 && line[32] == 'Z');
  CHECK(rest ==
        "\",\"remote\":\"192.0.2.7\",\"method\":\"GET\",\"target\":\"/a\",\"version\":\"1.1\","
        "\"userAgent\":\"curl/8\",\"listener\":\"default\",\"status\":200,\"bytes\":2326,"
        "\"durationMs\":1.234}\n");
}

void without_an_answer_there_is_no_status() {
  LogResult cut{0, 0, 5000000000, true};
  std::string text = line_of(LogFormat::kCommon, head_of("/", ""), cut);
  CHECK(text.find("\" 499 0\n") != std::string::npos);
  std::string json = line_of(LogFormat::kJson, head_of("/", ""), cut);
  CHECK(json.find("\"status\":null,\"bytes\":0,\"durationMs\":5000.000,\"aborted\":true}") !=
        std::string::npos);
}

void a_refused_request_shows_its_first_line() {
  LogHead head;
  head.peer = "192.0.2.7";
  head.raw_line = std::string_view("GET \x16\"\n", 7);
  head.malformed = "malformed head";
  std::string text = line_of(LogFormat::kCommon, head, {400, 15, 0, false});
  CHECK(text.find("] \"GET \\x16\\x22\\x0a\" 400 15\n") != std::string::npos);
  std::string json = line_of(LogFormat::kJson, head, {400, 15, 0, false});
  CHECK(json.find("\"request\":\"GET \\u0016\\\"\\u000a\",\"malformed\":\"malformed head\"") !=
        std::string::npos);
  head.raw_line = {};
  text = line_of(LogFormat::kCommon, head, {408, 15, 0, false});
  CHECK(text.find("] \"-\" 408 15\n") != std::string::npos);
}

// What each byte becomes, at each place against the blocks of the fast path.
void every_byte_is_escaped_wherever_it_stands() {
  for (int c = 0; c < 256; c++) {
    char byte = static_cast<char>(c);
    bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
    for (size_t before : {0u, 1u, 15u, 16u, 17u, 40u}) {
      std::string agent = std::string(before, 'a') + byte + "z";
      Guarded guarded(agent);
      std::string line = line_of(LogFormat::kCombined, head_of("/", guarded.view()), kOk);
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", c);
      std::string shown = std::string(before, 'a') + (plain ? std::string(1, byte) : escape) + "z";
      CHECK(line.find("\"-\" \"" + shown + "\"\n") != std::string::npos);
      std::string json = line_of(LogFormat::kJson, head_of("/", guarded.view()), kOk);
      for (char each : json.substr(0, json.size() - 1)) {
        CHECK(static_cast<unsigned char>(each) >= 0x20 && static_cast<unsigned char>(each) < 0x7f);
      }
    }
  }
}

std::string json_agent(std::string_view agent) {
  Guarded guarded(agent);
  std::string json = line_of(LogFormat::kJson, head_of("/", guarded.view()), kOk);
  size_t from = json.find("\"userAgent\":\"") + 13;
  return json.substr(from, json.find("\",\"listener") - from);
}

void json_keeps_utf8_and_names_other_bytes() {
  CHECK(json_agent("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(json_agent("\xc2\x9b") == "\\u00c2\\u009b");                    // a C1 control
  CHECK(json_agent("\xc0\xaf") == "\\u00c0\\u00af");                    // overlong
  CHECK(json_agent("\xed\xa0\x80") == "\\u00ed\\u00a0\\u0080");         // a surrogate
  CHECK(json_agent("\xf4\x90\x80\x80") == "\\u00f4\\u0090\\u0080\\u0080");  // beyond U+10FFFF
  CHECK(json_agent("\xe2\x82") == "\\u00e2\\u0082");                    // cut short
}

void a_long_field_is_cut() {
  std::string agent(kLogFieldMax + 100, '\x01');
  std::string json = line_of(LogFormat::kJson, head_of(agent, agent), kOk);
  CHECK(json.size() < 2 * 6 * kLogFieldMax + 400);
}

}  // namespace

int main() {
  setenv("TZ", "UTC", 1);
  common_is_what_apache_writes();
  ids_stand_behind_where_they_are_asked_for();
  combined_has_referer_and_agent_behind();
  the_time_is_local_with_its_offset();
  json_is_one_object_a_line();
  without_an_answer_there_is_no_status();
  a_refused_request_shows_its_first_line();
  every_byte_is_escaped_wherever_it_stands();
  json_keeps_utf8_and_names_other_bytes();
  a_long_field_is_cut();
  return 0;
}
