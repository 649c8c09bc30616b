#include "log-format.h"

#include <cstdio>
#include <cstring>
#include <ctime>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "digits.h"

namespace millrace {

namespace {

// What nginx writes for a client that went away before its answer.
constexpr int kNoAnswer = 499;

// Printable ASCII but the quote and the backslash.
bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

// How many bytes from the start need no escape.
size_t plain_length(const char* from, size_t length) {
  size_t i = 0;
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  for (; i + 16 <= length; i += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    // Signed: what has its high bit set is below the space too.
    __m128i bad = _mm_or_si128(
        _mm_or_si128(_mm_cmplt_epi8(bytes, space), _mm_cmpeq_epi8(bytes, del)),
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
    int mask = _mm_movemask_epi8(bad);
    if (mask != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
  }
#endif
  while (i < length && is_plain(static_cast<unsigned char>(from[i]))) i++;
  return i;
}

void put(Bytes& out, std::string_view text) { out.append(text.data(), text.size()); }

void put_hex_escape(Bytes& out, std::string_view prefix, unsigned char c) {
  char digits[2] = {kHexDigits[c >> 4], kHexDigits[c & 15]};
  put(out, prefix);
  out.append(digits, 2);
}

// The length of the well-formed UTF-8 sequence at `at`, 0 if there is none (RFC 3629 4). C1
// controls do not count: terminals obey them.
size_t utf8_length(const char* at, size_t left) {
  auto byte = [at](size_t i) { return static_cast<unsigned char>(at[i]); };
  auto follows = [&](size_t i, unsigned from, unsigned to) {
    return i < left && byte(i) >= from && byte(i) <= to;
  };
  unsigned char c = byte(0);
  if (c == 0xc2) return follows(1, 0xa0, 0xbf) ? 2 : 0;
  if (c > 0xc2 && c < 0xe0) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (c >= 0xe0 && c < 0xf0) {
    unsigned from = c == 0xe0 ? 0xa0 : 0x80;
    unsigned to = c == 0xed ? 0x9f : 0xbf;  // no surrogates
    return follows(1, from, to) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (c >= 0xf0 && c < 0xf5) {
    unsigned from = c == 0xf0 ? 0x90 : 0x80;
    unsigned to = c == 0xf4 ? 0x8f : 0xbf;
    return follows(1, from, to) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

// Appends one character that may not stand as it is; returns how many bytes it took.
size_t put_json_special(Bytes& out, const char* at, size_t left) {
  unsigned char c = static_cast<unsigned char>(*at);
  if (c == '"' || c == '\\') {
    char pair[2] = {'\\', static_cast<char>(c)};
    out.append(pair, 2);
    return 1;
  }
  size_t length = c < 0x80 ? 0 : utf8_length(at, left);
  if (length == 0) {
    put_hex_escape(out, "\\u00", c);
    return 1;
  }
  out.append(at, length);
  return length;
}

void put_escaped(Bytes& out, LogFormat format, std::string_view text) {
  const char* at = text.data();
  size_t left = text.size() < kLogFieldMax ? text.size() : kLogFieldMax;
  for (;;) {
    size_t plain = plain_length(at, left);
    out.append(at, plain);
    at += plain;
    left -= plain;
    if (left == 0) return;
    size_t taken = 1;
    if (format == LogFormat::kJson) {
      taken = put_json_special(out, at, left);
    } else {
      put_hex_escape(out, "\\x", static_cast<unsigned char>(*at));
    }
    at += taken;
    left -= taken;
  }
}

// `"text"`, or `"-"` for what is absent.
void put_quoted(Bytes& out, std::string_view text) {
  put(out, "\"");
  if (text.data() == nullptr) {
    put(out, "-");
  } else {
    put_escaped(out, LogFormat::kCommon, text);
  }
  put(out, "\"");
}

void put_member(Bytes& out, std::string_view name, std::string_view text) {
  if (text.data() == nullptr) return;
  put(out, name);
  put_escaped(out, LogFormat::kJson, text);
  put(out, "\"");
}

uint32_t put_text_head(Bytes& out, LogFormat format, const LogHead& head, const LogTime& time) {
  put(out, head.peer);
  put(out, " - - ");
  put(out, time.common());
  if (head.method.data() != nullptr) {
    put(out, " \"");
    put(out, head.method);  // a token
    put(out, " ");
    put_escaped(out, format, head.target);
    put(out, " HTTP/");
    put(out, head.version);
    put(out, "\" ");
  } else {
    put(out, " ");
    put_quoted(out, head.raw_line);
    put(out, " ");
  }
  uint32_t split = out.length;
  if (format == LogFormat::kCombined) {
    put(out, " ");
    put_quoted(out, head.referer);
    put(out, " ");
    put_quoted(out, head.user_agent);
  }
  if (head.has_ids) {
    put(out, " ");
    put_quoted(out, head.request_id);
    put(out, " ");
    put_quoted(out, head.traceparent);
  }
  put(out, "\n");
  return split;
}

uint32_t put_json_head(Bytes& out, const LogHead& head, const LogTime& time) {
  uint32_t ms = time.milliseconds();
  char fraction[4] = {static_cast<char>('0' + ms / 100 % 10), static_cast<char>('0' + ms / 10 % 10),
                      static_cast<char>('0' + ms % 10), 'Z'};
  put(out, "{\"time\":\"");
  put(out, time.iso());
  out.append(fraction, sizeof fraction);
  put(out, "\"");
  put_member(out, ",\"remote\":\"", head.peer);
  put_member(out, ",\"method\":\"", head.method);
  put_member(out, ",\"target\":\"", head.target);
  put_member(out, ",\"version\":\"", head.version);
  put_member(out, ",\"request\":\"", head.raw_line);
  put_member(out, ",\"malformed\":\"", head.malformed);
  put_member(out, ",\"referer\":\"", head.referer);
  put_member(out, ",\"userAgent\":\"", head.user_agent);
  put_member(out, ",\"requestId\":\"", head.request_id);
  put_member(out, ",\"traceparent\":\"", head.traceparent);
  put_member(out, ",\"listener\":\"", head.listener);
  uint32_t split = out.length;
  put(out, "}\n");
  return split;
}

char* put_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

void LogTime::refresh() {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  milliseconds_ = static_cast<uint32_t>(now.tv_nsec / 1000000);
  if (now.tv_sec == second_) return;
  second_ = now.tv_sec;
  static const char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = now.tv_sec;
  tm parts;
  localtime_r(&seconds, &parts);
  long offset = parts.tm_gmtoff / 60;
  unsigned minutes = static_cast<unsigned>(offset < 0 ? -offset : offset) % 6000;
  int length = std::snprintf(
      common_, sizeof common_, "[%02u/%.3s/%04u:%02u:%02u:%02u %c%02u%02u]",
      static_cast<unsigned>(parts.tm_mday) % 100, kMonths + 3 * parts.tm_mon,
      static_cast<unsigned>(parts.tm_year + 1900) % 10000,
      static_cast<unsigned>(parts.tm_hour) % 100, static_cast<unsigned>(parts.tm_min) % 100,
      static_cast<unsigned>(parts.tm_sec) % 100, offset < 0 ? '-' : '+', minutes / 60,
      minutes % 60);
  common_length_ = static_cast<size_t>(length);
  gmtime_r(&seconds, &parts);
  std::snprintf(iso_, sizeof iso_, "%04u-%02u-%02uT%02u:%02u:%02u.",
                static_cast<unsigned>(parts.tm_year + 1900) % 10000,
                static_cast<unsigned>(parts.tm_mon + 1) % 100,
                static_cast<unsigned>(parts.tm_mday) % 100,
                static_cast<unsigned>(parts.tm_hour) % 100,
                static_cast<unsigned>(parts.tm_min) % 100,
                static_cast<unsigned>(parts.tm_sec) % 100);
}

uint32_t put_log_head(Bytes& out, LogFormat format, const LogHead& head, const LogTime& time) {
  return format == LogFormat::kJson ? put_json_head(out, head, time)
                                    : put_text_head(out, format, head, time);
}

size_t put_log_result(char* out, LogFormat format, const LogResult& result) {
  char* start = out;
  if (format != LogFormat::kJson) {
    out = put_number(out, static_cast<uint64_t>(result.status == 0 ? kNoAnswer : result.status));
    *out++ = ' ';
    out = put_number(out, result.bytes);
    return static_cast<size_t>(out - start);
  }
  out = put_text(out, ",\"status\":");
  out = result.status == 0 ? put_text(out, "null")
                           : put_number(out, static_cast<uint64_t>(result.status));
  out = put_text(out, ",\"bytes\":");
  out = put_number(out, result.bytes);
  out = put_text(out, ",\"durationMs\":");
  uint64_t microseconds = result.duration_ns / 1000;
  out = put_number(out, microseconds / 1000);
  *out++ = '.';
  for (uint64_t unit = 100; unit > 0; unit /= 10) {
    *out++ = static_cast<char>('0' + microseconds % 1000 / unit % 10);
  }
  if (result.aborted) out = put_text(out, ",\"aborted\":true");
  return static_cast<size_t>(out - start);
}

}  // namespace millrace
