#include "request-line.h"

#include <cstddef>
#include <cstring>

#include "ascii.h"

namespace millrace {

namespace {

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

// Whether the bytes are, as far as they have come, the start of the preface of HTTP/2.
MethodVerdict judge_preface(const char* word, const char* end) {
  static constexpr char kPreface[] = "PRI * HTTP/2.0\r\n";
  constexpr size_t kLength = sizeof kPreface - 1;
  size_t length = static_cast<size_t>(end - word);
  if (std::memcmp(word, kPreface, length < kLength ? length : kLength) != 0) {
    return MethodVerdict::kUnknown;
  }
  return length < kLength ? MethodVerdict::kMore : MethodVerdict::kHttp2;
}

}  // namespace

MethodVerdict judge_method(const char* word, const char* end) {
  const char* at = word;
  while (at < end && is_token_char(*at)) {
    if (++at - word > static_cast<ptrdiff_t>(kMethodBytesMax)) return MethodVerdict::kUnknown;
  }
  if (at == end) return MethodVerdict::kMore;
  if (*at != ' ' || at == word) return MethodVerdict::kMalformed;
  bool is_preface = at - word == 3 && std::memcmp(word, "PRI", 3) == 0;
  return is_preface ? judge_preface(word, end) : MethodVerdict::kUnknown;
}

VersionVerdict judge_version(const char* target_end, const char* end) {
  if (target_end < end && is_line_end(*target_end)) {
    if (*target_end == '\n') return VersionVerdict::kAbsent;
    bool ends = end - target_end > 1 && target_end[1] == '\n';
    return ends ? VersionVerdict::kAbsent : VersionVerdict::kMalformed;
  }
  if (end - target_end < 9 || std::memcmp(target_end, " HTTP/", 6) != 0) {
    return VersionVerdict::kMalformed;
  }
  const char* version = target_end + 6;
  if (!is_digit(version[0]) || version[1] != '.' || !is_digit(version[2])) {
    return VersionVerdict::kMalformed;
  }
  bool is_served = version[0] == '1' && (version[2] == '0' || version[2] == '1');
  return is_served ? VersionVerdict::kServed : VersionVerdict::kOther;
}

TargetSpan find_target(const char* message, const char* end) {
  const char* begin = message;
  while (begin < end && *begin != ' ' && !is_line_end(*begin)) begin++;
  while (begin < end && *begin == ' ') begin++;
  const char* at = begin;
  while (at < end && *at != ' ' && !is_line_end(*at)) at++;
  return {begin, at};
}

}  // namespace millrace
