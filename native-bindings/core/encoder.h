// Response heads as bytes: status line, Date, fields, framing. RFC 9112 4 and 6. Thread: any; a
// DateLine belongs to one engine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace {

// "HTTP/1.1 200 OK\r\nDate: …\r\n", written anew when the second changes.
class DateLine {
 public:
  DateLine() { refresh(); }
  void refresh();
  const char* ok_prefix() const { return text_; }
  size_t ok_prefix_length() const { return kStatusLength + kDateLength; }
  const char* date() const { return text_ + kStatusLength; }
  size_t date_length() const { return kDateLength; }

 private:
  static constexpr size_t kStatusLength = 17;
  static constexpr size_t kDateLength = 37;
  char text_[kStatusLength + kDateLength + 1];
  int64_t second_ = -1;
};

enum class Framing : uint8_t { kNone, kLength, kChunked };
enum class Persistence : uint8_t { kDefault, kClose, kKeepAlive };

struct HeadFields {
  int status = 200;
  const char* reason = nullptr;  // null: the standard phrase
  size_t reason_length = 0;
  int type = 0;  // TYPE_… of layout.h
  const char* lines = nullptr;
  size_t lines_length = 0;
  Framing framing = Framing::kNone;
  uint64_t length = 0;
  Persistence persistence = Persistence::kDefault;
  bool own_date = false;  // the app's Date is among the lines
};

// An upper bound of what `write_head` writes.
inline size_t head_bytes_bound(const HeadFields& fields) {
  return fields.lines_length + fields.reason_length + 320;
}
size_t write_head(char* out, const HeadFields& fields, const DateLine& date);

const char* reason_phrase(int status);

}  // namespace millrace
