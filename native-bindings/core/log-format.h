// The lines of the access log: Common Log Format, Combined, and JSON Lines. A line is written in
// two steps, so that nothing of a request must be kept but text: the part that the head tells when
// the head has come, the part that the answer tells when it has left.
//
// What a client has sent is never in a line as it came: in Common and Combined quotes, backslashes
// and all bytes but printable ASCII are \xHH; JSON has its own escapes, and a byte that is no UTF-8
// stands as the character of its number. Thread: any; a LogTime belongs to one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bytes.h"

namespace millrace {

enum class LogFormat : uint8_t { kCommon, kCombined, kJson };

// A field is cut here, which is the default of targetBytesMax: so a line has a bound.
inline constexpr size_t kLogFieldMax = 8192;
// The longest line: eight fields of which each byte is escaped, and what stands between them.
inline constexpr size_t kLogLineMax = 8 * 6 * kLogFieldMax + 2048;

// The time as both kinds of lines have it; formatted once a second.
class LogTime {
 public:
  LogTime() { refresh(); }
  void refresh();
  std::string_view common() const { return {common_, common_length_}; }
  // To the second and the point; the milliseconds and a Z follow.
  std::string_view iso() const { return {iso_, sizeof iso_ - 1}; }
  uint32_t milliseconds() const { return milliseconds_; }

 private:
  char common_[48];  // [21/Nov/2026:10:45:21 +0100], local as in Apache and nginx
  char iso_[21];     // 2026-11-21T09:45:21.
  size_t common_length_ = 0;
  uint32_t milliseconds_ = 0;
  int64_t second_ = -1;
};

// What is said of a request. Absent fields have no data.
struct LogHead {
  std::string_view peer;
  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::string_view referer;
  std::string_view user_agent;
  std::string_view request_id;
  std::string_view traceparent;
  bool has_ids = false;  // Common and Combined end with the two above
  std::string_view listener;
  std::string_view raw_line;   // of a request that was refused before it had the three
  std::string_view malformed;  // …and why
};

struct LogResult {
  int status;  // 0: no answer was made
  uint64_t bytes;
  uint64_t duration_ns;
  bool aborted;
};

// Appends the line but for what `put_log_result` says, which goes in at the returned offset.
uint32_t put_log_head(Bytes& out, LogFormat format, const LogHead& head, const LogTime& time);

inline constexpr size_t kLogResultMax = 128;
size_t put_log_result(char* out, LogFormat format, const LogResult& result);

}  // namespace millrace
