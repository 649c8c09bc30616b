#include "encoder.h"

#include <cstdio>
#include <cstring>
#include <ctime>

#include "clock.h"
#include "digits.h"
#include "layout.h"

namespace millrace {

namespace {

struct Text {
  const char* data;
  size_t length;
};

template <size_t N>
constexpr Text text(const char (&literal)[N]) {
  return {literal, N - 1};
}

// In the order of TYPE_… in layout.h, which src/worker/response.ts follows.
constexpr Text kTypes[] = {
    text(""),
    text("Content-Type: text/plain;charset=UTF-8\r\n"),
    text("Content-Type: application/json\r\n"),
    text("Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n"),
};
static_assert(sizeof(kTypes) / sizeof(kTypes[0]) == TYPE_URLENCODED + 1);

struct Phrase {
  int status;
  const char* text;
};

// The registry of RFC 9110 15 and its companions.
constexpr Phrase kPhrases[] = {
    {100, "Continue"}, {101, "Switching Protocols"}, {102, "Processing"}, {103, "Early Hints"},
    {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"},
    {204, "No Content"}, {205, "Reset Content"}, {206, "Partial Content"}, {207, "Multi-Status"},
    {208, "Already Reported"}, {226, "IM Used"}, {300, "Multiple Choices"},
    {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
    {305, "Use Proxy"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
    {400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"},
    {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"}, {408, "Request Timeout"}, {409, "Conflict"},
    {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
    {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"}, {417, "Expectation Failed"}, {418, "I'm a Teapot"},
    {421, "Misdirected Request"}, {422, "Unprocessable Content"}, {423, "Locked"},
    {424, "Failed Dependency"}, {425, "Too Early"}, {426, "Upgrade Required"},
    {428, "Precondition Required"}, {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"}, {507, "Insufficient Storage"}, {508, "Loop Detected"},
    {510, "Not Extended"}, {511, "Network Authentication Required"},
};

char* put(char* out, const char* from, size_t length) {
  std::memcpy(out, from, length);
  return out + length;
}

template <size_t N>
char* put(char* out, const char (&literal)[N]) {
  return put(out, literal, N - 1);
}

char* put_status_line(char* out, const HeadFields& fields, const DateLine& date) {
  if (fields.status == 200 && fields.reason == nullptr && !fields.own_date) {
    return put(out, date.ok_prefix(), date.ok_prefix_length());
  }
  out = put(out, "HTTP/1.1 ");
  out = put_number(out, static_cast<uint64_t>(fields.status));
  *out++ = ' ';
  if (fields.reason != nullptr) {
    out = put(out, fields.reason, fields.reason_length);
  } else {
    const char* phrase = reason_phrase(fields.status);
    out = put(out, phrase, std::strlen(phrase));
  }
  out = put(out, "\r\n");
  return fields.own_date ? out : put(out, date.date(), date.date_length());
}

char* put_persistence(char* out, const HeadFields& fields) {
  if (fields.persistence == Persistence::kClose) return put(out, "Connection: close\r\n");
  if (fields.keep_alive != nullptr && fields.keep_alive->length > 0) {
    std::memcpy(out, fields.keep_alive->text, KeepAliveLine::kBytes);
    return out + fields.keep_alive->length;
  }
  if (fields.persistence == Persistence::kDefault) return out;
  return put(out, "Connection: keep-alive\r\n");
}

}  // namespace

void KeepAliveLine::announce(uint32_t idle_timeout_ms) {
  uint32_t seconds = idle_timeout_ms / 1000;
  length = 0;
  if (seconds < 2) return;
  char* end = put(text, "Connection: keep-alive\r\nKeep-Alive: timeout=");
  end = put(put_number(end, seconds - 1), "\r\n");
  length = static_cast<size_t>(end - text);
}

const char* reason_phrase(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "";
}

void DateLine::refresh() {
  int64_t now = wall_seconds();
  if (now == second_) return;
  second_ = now;
  static const char kDays[] = "SunMonTueWedThuFriSat";
  static const char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = now;
  tm parts;
  gmtime_r(&seconds, &parts);
  unsigned year = static_cast<unsigned>(parts.tm_year + 1900) % 10000;
  std::snprintf(text_, sizeof text_,
                "HTTP/1.1 200 OK\r\nDate: %.3s, %02u %.3s %04u %02u:%02u:%02u GMT\r\n",
                kDays + 3 * parts.tm_wday, static_cast<unsigned>(parts.tm_mday) % 100,
                kMonths + 3 * parts.tm_mon, year, static_cast<unsigned>(parts.tm_hour) % 100,
                static_cast<unsigned>(parts.tm_min) % 100,
                static_cast<unsigned>(parts.tm_sec) % 100);
}

size_t write_head(char* out, const HeadFields& fields, const DateLine& date) {
  char* start = out;
  out = put_status_line(out, fields, date);
  out = put(out, kTypes[fields.type].data, kTypes[fields.type].length);
  if (fields.defaults != nullptr && !fields.defaults->empty()) {
    out = put(out, fields.defaults->data(), fields.defaults->size());
  }
  if (fields.lines_length > 0) out = put(out, fields.lines, fields.lines_length);
  out = put_persistence(out, fields);
  if (fields.framing == Framing::kLength) {
    out = put(out, "Content-Length: ");
    out = put_number(out, fields.length);
    out = put(out, "\r\n\r\n");
  } else if (fields.framing == Framing::kChunked) {
    out = put(out, "Transfer-Encoding: chunked\r\n\r\n");
  } else {
    out = put(out, "\r\n");
  }
  return static_cast<size_t>(out - start);
}

}  // namespace millrace
