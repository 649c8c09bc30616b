// One message parser: llhttp plus the rules of RFC 9112 that it leaves to its caller.
//
// A connection owns a Parser only while a message is being read; the engine lends one per read and
// takes it back when the message is complete. The bytes of an unfinished head always lie in one
// piece before the new ones, so every place in a head is an offset from the start of its message
// and a span that was split over reads is still one span.
//
// The methods are spread over files by verb: parser.cc feeding and failing, parser-head.cc the
// head, parser-body.cc the body and the trailers.
//
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes.h"
#include "failure.h"
#include "llhttp-abi.h"

namespace millrace {

struct Limits {
  uint32_t head_bytes_max;
  uint32_t headers_max;
  uint32_t target_bytes_max;
  uint64_t methods;  // those that are served, a bit for each number of llhttp's
  bool operator==(const Limits&) const = default;
};

// A field of the header table, as layout.h describes it.
struct HeaderEntry {
  uint16_t name_offset;
  uint16_t name_length;
  uint16_t value_offset;
  uint16_t value_length;
};

class Parser;

// Who is told what a parser finds. No call may free the parser or run JavaScript.
class MessageSink {
 public:
  // A method has been read. False: stop before this message; it is parsed again later.
  virtual bool on_begin(Parser& parser) = 0;
  // As far as it has come the target is known, long before the head has been judged: for those who
  // look it up then. Nothing may follow from it, as the message may still be refused.
  virtual void on_target(const Parser&) {}
  // A failure stops the parser: the message is refused with it.
  virtual Failure on_head(Parser& parser) = 0;
  virtual void on_body(Parser& parser, const char* at, size_t length) = 0;
  virtual void on_end(Parser& parser) = 0;

 protected:
  ~MessageSink() = default;
};

// The longest head that is remembered for `Parser::repeat`.
inline constexpr size_t kRepeatBytesMax = 1024;

enum class ParseResult : uint8_t {
  kMore,    // all bytes used; `in_message()` tells whether a message is open
  kHeld,    // stopped before a message, or behind one for `stop_behind`; the rest: `message()`
  kClosed,  // the last message said close: what follows it is ignored
  kFailed,  // `failure()` says why
};

class Parser {
 public:
  static bool self_test();  // true when the runtime's llhttp has the layout declared above
  static void init_process();

  // `headers_max`: the most that the limits of any message will have.
  explicit Parser(uint32_t headers_max);
  uint32_t headers_max() const { return headers_max_; }
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void start(MessageSink* sink, const Limits& limits);
  // [message, data) was consumed by earlier calls and belongs to the message still open.
  ParseResult execute(const char* message, const char* data, size_t length);

  const char* message() const { return message_; }
  bool in_message() const { return in_message_; }
  bool head_done() const { return head_done_; }
  const Failure& failure() const { return failure_; }
  // Where what was refused begins, as far as it lies in the present read.
  const char* refused_from() const {
    if (in_message_ && !head_done_) return message_;
    return llhttp_get_error_pos(reinterpret_cast<const llhttp_t*>(raw_));
  }

  uint8_t method() const { return method_; }
  bool is_http10() const { return is_http10_; }
  bool keep_alive() const { return keep_alive_; }
  bool is_chunked() const { return is_chunked_; }
  bool expects_continue() const { return expects_continue_; }
  bool wants_upgrade() const { return wants_upgrade_; }
  // Its answer can be the last of HTTP on the connection (RFC 9110 7.8 and 9.3.6).
  bool may_switch() const {
    return wants_upgrade_ && (method_ == kMethodConnect || (keep_alive_ && !is_http10_));
  }
  // Nothing behind the message that is being read is HTTP yet, not even an empty line: the parser
  // stops there. From `on_head` of one that may switch.
  void stop_behind() { stops_behind_ = true; }
  bool stops_behind() const { return stops_behind_; }
  // By framing, whatever the method; one of length 0 is there and empty.
  bool has_body() const { return is_chunked_ || has_length_; }
  bool has_content() const { return is_chunked_ || content_length_ > 0; }
  uint64_t content_length() const { return content_length_; }
  uint32_t target_offset() const { return target_offset_; }
  uint32_t target_length() const { return target_length_; }
  uint32_t header_count() const { return header_count_; }
  const HeaderEntry* headers() const { return headers_; }
  // The trailer fields that have been read, as "name LF value LF …": neither part can contain LF.
  const Bytes& trailers() const { return trailers_; }
  // Of a chunked body: what has come of it, and what of the chunk at hand is still to come, at
  // most; 0 also if its size was cut by the end of a read.
  uint64_t body_received() const { return body_received_; }
  uint64_t chunk_left() const { return chunk_left_; }

 private:
  enum class Field : uint8_t { kNone, kName, kValue };

  // parser.cc
  void reset_message();
  ParseResult more(const char* end);
  ParseResult finish_chunked(const char* at);
  ParseResult stop(const char* at);
  ParseResult judge(const char* end);
  const char* first_word(const char* at) const;
  Failure name_malformed(int code, const char* at) const;
  Failure version_failure(const char* target_end, const char* end) const;
  Failure long_head_failure() const;
  bool is_head_long(const char* end) const;
  int fail(const Failure& failure);
  void remember(const char* end);
  bool is_repeat(const char* data, const char* end) const;
  ParseResult repeat(const char* data);
  static int method_span(llhttp_t* raw, const char* at, size_t length);
  static int method_complete(llhttp_t* raw);
  static int message_complete(llhttp_t* raw);

  // parser-head.cc
  int refuse_long(const char* at, size_t length);
  int finish_header();
  int inspect_header(const HeaderEntry& entry);
  int check_host(const char* value, uint32_t length);
  int check_coding(const char* value, uint32_t length);
  int check_line();
  bool asks_to_keep() const;
  int finish_head();
  static int url_span(llhttp_t* raw, const char* at, size_t length);
  static int name_span(llhttp_t* raw, const char* at, size_t length);
  static int value_span(llhttp_t* raw, const char* at, size_t length);
  static int value_complete(llhttp_t* raw);
  static int head_complete(llhttp_t* raw);

  // parser-body.cc
  void begin_body();
  uint64_t framed_size() const;
  bool is_framing_large(const char* end, uint32_t chunks) const;
  Failure measure_body(const char* end);
  int trailer_span(Field field, const char* at, size_t length);
  int finish_trailer();
  bool are_trailers_long(const char* end) const;
  static int chunk_header(llhttp_t* raw);
  static int body_span(llhttp_t* raw, const char* at, size_t length);

  static Parser& of(llhttp_t* raw) { return *reinterpret_cast<Parser*>(raw); }
  llhttp_t* raw() { return reinterpret_cast<llhttp_t*>(raw_); }

  // First member: llhttp's pointer is this object's. 9.x needs about 100 bytes.
  alignas(16) unsigned char raw_[256];
  MessageSink* sink_ = nullptr;
  const char* message_ = nullptr;
  HeaderEntry* headers_;  // freed with the parser
  Bytes trailers_;        // freed with the parser, emptied with each message
  const char* section_ = nullptr;  // where the trailer section begins, or its part in this read
  const char* framed_ = nullptr;   // up to where what frames the chunks has been counted
  const char* body_end_ = nullptr;  // of what has come of a body in this read
  const char* data_ = nullptr;      // the bytes of this read, and where they end
  const char* end_ = nullptr;
  Limits limits_{};
  uint32_t headers_max_;  // entries that there is room for
  uint64_t content_length_ = 0;
  uint64_t body_received_ = 0;
  uint64_t chunk_left_ = 0;
  uint32_t target_offset_ = 0;
  uint32_t target_length_ = 0;
  uint32_t header_count_ = 0;
  uint32_t framing_bytes_ = 0;  // lines of chunks, extensions and all
  uint32_t chunks_ = 0;
  uint32_t head_bytes_ = 0;     // to the end of the last field; of a chunked message only
  uint32_t section_bytes_ = 0;  // of the trailer section, in earlier reads
  uint32_t trailer_value_at_ = 0;
  uint32_t name_offset_ = 0;
  uint32_t name_length_ = 0;
  uint32_t value_offset_ = 0;
  uint32_t value_length_ = 0;
  Failure failure_;
  Field field_ = Field::kNone;
  uint8_t method_ = 0;
  uint8_t host_count_ = 0;
  bool in_message_ = false;
  bool head_done_ = false;
  bool held_ = false;
  bool is_judged_ = false;  // its first word is no method of ours: which fault is it?
  bool is_frame_whole_ = false;  // what frames the next chunk begins in this read, at `framed_`
  bool is_chunked_end_ = false;  // llhttp stands behind the last byte of a chunked message
  bool is_http10_ = false;
  bool keep_alive_ = false;
  bool is_chunked_ = false;
  bool has_length_ = false;
  bool has_transfer_encoding_ = false;
  bool closes_ = false;  // Proxy-Connection says so
  bool expects_continue_ = false;
  bool wants_upgrade_ = false;
  bool closing_ = false;
  bool stops_behind_ = false;
  // The last message, when it was a head alone and the fields above still say what it holds; 0:
  // there is none.
  uint32_t repeat_length_ = 0;
  bool is_whole_ = false;  // the read at hand ends a message, the one at `message_`
  char repeat_[kRepeatBytesMax];
};

}  // namespace millrace
