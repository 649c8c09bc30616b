// Response heads as bytes: status line, Date, fields, framing. RFC 9112 4 and 6. Thread: any; a
// DateLine belongs to one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

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

// What an answer that keeps the connection says of it, made once per listener. Both fields: the
// second one is hop-by-hop, so the first must name it (RFC 9110 7.6.1).
struct KeepAliveLine {
  static constexpr size_t kBytes = 64;  // copied as a whole: cheaper than a length that varies
  char text[kBytes] = {};
  size_t length = 0;  // 0: nothing is said, HTTP/1.1 keeps a connection without a word

  // Announces a second less than the server waits, so that a client that believes it never sends
  // a request into a closing connection. Below two seconds there is nothing to announce.
  void announce(uint32_t idle_timeout_ms);
};

enum class Framing : uint8_t { kNone, kLength, kChunked };
enum class Persistence : uint8_t { kDefault, kClose, kKeepAlive };

struct HeadFields {
  int status = 200;
  const char* reason = nullptr;  // null: the standard phrase
  size_t reason_length = 0;
  int type = 0;  // TYPE_… of layout.h
  const std::string* defaults = nullptr;  // lines of every answer; null: they are in `lines`
  const char* lines = nullptr;
  size_t lines_length = 0;
  Framing framing = Framing::kNone;
  uint64_t length = 0;
  Persistence persistence = Persistence::kDefault;
  const KeepAliveLine* keep_alive = nullptr;  // for an answer that does not close; may be null
  bool own_date = false;  // the app's Date is among the lines
};

// An upper bound of what `write_head` writes.
inline size_t head_bytes_bound(const HeadFields& fields) {
  size_t defaults = fields.defaults == nullptr ? 0 : fields.defaults->size();
  return fields.lines_length + fields.reason_length + defaults + 320 + KeepAliveLine::kBytes;
}
size_t write_head(char* out, const HeadFields& fields, const DateLine& date);

const char* reason_phrase(int status);

}  // namespace millrace
