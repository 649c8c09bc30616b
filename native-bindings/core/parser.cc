#include "parser.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "ascii.h"
#include "host.h"
#include "target.h"

namespace millrace {

namespace {

llhttp_settings_t g_settings;  // written once at load, before any other thread can see it

// Chunk extensions are counted for the whole message: many small ones are one attack.
constexpr uint32_t kExtensionBytesMax = 16 * 1024;

// CR LF CR: what may follow the last byte of a head that counts, before the head is complete.
constexpr size_t kHeadEndBytes = 3;

}  // namespace

Parser::Parser(uint32_t headers_max) {
  headers_ = static_cast<HeaderEntry*>(std::malloc(sizeof(HeaderEntry) * headers_max));
}

Parser::~Parser() {
  std::free(headers_);
  trailers_.release();
}

void Parser::init_process() {
  llhttp_settings_init(&g_settings);
  g_settings.on_method = method_span;
  g_settings.on_method_complete = method_complete;
  g_settings.on_url = url_span;
  g_settings.on_header_field = name_span;
  g_settings.on_header_value = value_span;
  g_settings.on_header_value_complete = value_complete;
  g_settings.on_headers_complete = head_complete;
  g_settings.on_chunk_extension_name = extension_span;
  g_settings.on_chunk_extension_value = extension_span;
  g_settings.on_body = body_span;
  g_settings.on_message_complete = message_complete;
}

void Parser::start(MessageSink* sink, const Limits& limits) {
  llhttp_init(raw(), kLlhttpRequest, &g_settings);
  sink_ = sink;
  // What was accepted under other limits has to be looked at again.
  if (!(limits == limits_)) repeat_length_ = 0;
  limits_ = limits;
  in_message_ = false;
  closing_ = false;
  held_ = false;
  restarts_ = false;
  failure_ = {};
}

void Parser::reset_message() {
  in_message_ = true;
  head_done_ = false;
  content_length_ = 0;
  target_length_ = 0;
  header_count_ = 0;
  extension_bytes_ = 0;
  if (trailers_.length > 0) trailers_.release();
  section_ = nullptr;
  section_bytes_ = 0;
  repeat_length_ = 0;
  field_ = Field::kNone;
  host_count_ = 0;
  is_chunked_ = false;
  has_transfer_encoding_ = false;
  has_content_length_ = false;
  expects_continue_ = false;
  wants_upgrade_ = false;
}

ParseResult Parser::execute(const char* message, const char* data, size_t length) {
  message_ = message;
  const char* end = data + length;
  if (section_ != nullptr) section_ = data;
  for (;;) {
    while (is_repeat(data, end)) {
      ParseResult result = repeat(data);
      if (result != ParseResult::kMore) return result;
      data += repeat_length_;
    }
    if (data == end) return ParseResult::kMore;
    int code = llhttp_execute(raw(), data, static_cast<size_t>(end - data));
    if (code == kLlhttpOk) {
      if (closing_) return ParseResult::kClosed;
      if (!in_message_) {
        remember(end);
        return ParseResult::kMore;
      }
      if (head_done_) {
        if (section_ == nullptr || measure_trailers(end) == 0) return ParseResult::kMore;
        return ParseResult::kFailed;
      }
      // An unfinished head: what has come so far counts, also bytes no span has shown yet.
      if (static_cast<size_t>(end - message_) <= limits_.head_bytes_max + kHeadEndBytes) {
        return ParseResult::kMore;
      }
      fail_long_head();
      return ParseResult::kFailed;
    }
    if (held_) return ParseResult::kHeld;
    if (restarts_) {
      data = llhttp_get_error_pos(raw());
      llhttp_init(raw(), kLlhttpRequest, &g_settings);
      restarts_ = false;
      continue;
    }
    if (code == kLlhttpPausedUpgrade && failure_.status == 0) {
      // Nobody took the upgrade: go on with the connection as HTTP (RFC 9110 7.8).
      if (closing_) return ParseResult::kClosed;
      data = llhttp_get_error_pos(raw());
      llhttp_resume_after_upgrade(raw());
      continue;
    }
    if (closing_) return ParseResult::kClosed;
    if (failure_.status == 0) fail_malformed(code);
    return ParseResult::kFailed;
  }
}

// A message that came whole and is a head alone, which ends at `end`. Its fields stay as they are
// until the next message begins, so its bytes need not be parsed when they come again.
void Parser::remember(const char* end) {
  size_t length = static_cast<size_t>(end - message_);
  if (!head_done_ || has_body() || expects_continue_ || wants_upgrade_) return;
  if (length > kRepeatBytesMax || std::memcmp(end - 4, "\r\n\r\n", 4) != 0) return;
  std::memcpy(repeat_, message_, length);
  repeat_length_ = static_cast<uint32_t>(length);
}

// At a message boundary the same bytes always yield the same message. The catch: other bytes cost
// a comparison that ends at the first difference, and a copy of each head.
bool Parser::is_repeat(const char* data, const char* end) const {
  return repeat_length_ > 0 && !in_message_ &&
         static_cast<size_t>(end - data) >= repeat_length_ &&
         std::memcmp(data, repeat_, repeat_length_) == 0;
}

ParseResult Parser::repeat(const char* data) {
  message_ = data;
  in_message_ = true;
  if (!sink_->on_begin(*this)) {
    held_ = true;
    return ParseResult::kHeld;
  }
  Failure refused = sink_->on_head(*this);
  if (refused.status != 0) {
    failure_ = refused;
    return ParseResult::kFailed;
  }
  in_message_ = false;
  sink_->on_end(*this);
  return ParseResult::kMore;
}

// Input that llhttp refuses. Read in one piece, a head may be malformed behind the byte at which
// it had become too long: what comes first counts, or the answer would depend on packets.
void Parser::fail_malformed(int code) {
  if (code == kLlhttpPausedH2Upgrade) {
    fail(505, "HTTP/2 is not spoken here");
  } else if (!in_message_) {
    fail(400, "malformed head");
  } else if (head_done_) {
    bool is_long = section_ != nullptr &&
                   are_trailers_long(llhttp_get_error_pos(raw()), kHeadEndBytes);
    is_long ? fail(431, "trailer fields too large") : fail(400, "malformed body framing");
  } else {
    const char* at = llhttp_get_error_pos(raw());
    const char* target = static_cast<const char*>(
        std::memchr(message_, ' ', static_cast<size_t>(at - message_)));
    while (target != nullptr && target < at && *target == ' ') target++;
    const char* target_end = target;
    while (target_end != nullptr && target_end < at && *target_end != ' ') target_end++;
    if (target_end - target > static_cast<ptrdiff_t>(limits_.target_bytes_max)) {
      fail(414, "request line too long");
    } else if (static_cast<size_t>(at - message_) > limits_.head_bytes_max + kHeadEndBytes) {
      fail_long_head();
    } else if (code == kLlhttpInvalidVersion && !is_version_known(target_end, at)) {
      fail(505, "HTTP version not supported");
    } else {
      fail(400, "malformed head");
    }
  }
}

// The version is one of ours: then llhttp's complaint is about what follows it, a bare LF say.
bool Parser::is_version_known(const char* from, const char* at) {
  while (from < at && *from == ' ') from++;
  return at - from >= 8 && (std::memcmp(from, "HTTP/1.1", 8) == 0 ||
                            std::memcmp(from, "HTTP/1.0", 8) == 0);
}

// Too long in its first line or later? At least head_bytes_max + 1 bytes have come.
int Parser::fail_long_head() {
  bool has_line = std::memchr(message_, '\n', limits_.head_bytes_max + 1) != nullptr;
  return has_line ? fail(431, "header fields too large") : fail(414, "request line too long");
}

int Parser::fail(uint16_t status, const char* reason) {
  if (failure_.status == 0) failure_ = {status, reason};
  return kLlhttpUser;
}

int Parser::method_span(llhttp_t* raw, const char* at, size_t) {
  Parser& self = of(raw);
  if (!self.in_message_) {
    self.reset_message();
    self.message_ = at;
  }
  return 0;
}

int Parser::method_complete(llhttp_t* raw) {
  Parser& self = of(raw);
  self.method_ = llhttp_get_method(raw);
  if (self.sink_->on_begin(self)) return 0;
  self.held_ = true;
  return kLlhttpPaused;
}

int Parser::url_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  if (self.target_length_ == 0) self.target_offset_ = static_cast<uint32_t>(at - self.message_);
  self.target_length_ += static_cast<uint32_t>(length);
  if (self.target_length_ > self.limits_.target_bytes_max ||
      self.target_offset_ + self.target_length_ > self.limits_.head_bytes_max) {
    return self.fail(414, "request line too long");
  }
  return 0;
}

// Also keeps every offset within 16 bits: head_bytes_max is at most 65,535.
int Parser::refuse_long(const char* at, size_t length) {
  size_t used = static_cast<size_t>(at + length - message_);
  return used > limits_.head_bytes_max ? fail_long_head() : 0;
}

// Trailers come after the body, whose bytes are gone by then: they are copied. They count against
// the limit of the head together with it, by their place in the message as fields of a head do.
int Parser::trailer_span(Field field, const char* at, size_t length) {
  if (section_ == nullptr) section_ = at;
  if (are_trailers_long(at + length, 0)) return fail(431, "trailer fields too large");
  if (field_ != field && field == Field::kValue) {
    trailers_.append("\n", 1);
    trailer_value_at_ = trailers_.length;
  }
  field_ = field;
  trailers_.append(at, length);
  return 0;
}

int Parser::finish_trailer() {
  if (++header_count_ > limits_.headers_max) return fail(431, "too many header fields");
  if (field_ == Field::kValue) {
    while (trailers_.length > trailer_value_at_) {
      char last = trailers_.data[trailers_.length - 1];
      if (last != ' ' && last != '\t') break;
      trailers_.length--;
    }
  } else {
    trailers_.append("\n", 1);  // no value, no span
  }
  trailers_.append("\n", 1);
  field_ = Field::kNone;
  return 0;
}

bool Parser::are_trailers_long(const char* end, size_t allowance) const {
  size_t used = head_bytes_ + section_bytes_ + static_cast<size_t>(end - section_);
  return used > limits_.head_bytes_max + allowance;
}

// At the end of a read: what has come counts, also bytes that no span has shown.
int Parser::measure_trailers(const char* end) {
  if (are_trailers_long(end, kHeadEndBytes)) return fail(431, "trailer fields too large");
  section_bytes_ += static_cast<uint32_t>(end - section_);
  return 0;
}

int Parser::name_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  if (self.head_done_) return self.trailer_span(Field::kName, at, length);
  if (int code = self.refuse_long(at, length)) return code;
  if (self.field_ != Field::kName) {
    self.field_ = Field::kName;
    self.name_offset_ = static_cast<uint32_t>(at - self.message_);
    self.name_length_ = 0;
    self.value_offset_ = 0;
    self.value_length_ = 0;
  }
  self.name_length_ += static_cast<uint32_t>(length);
  return 0;
}

int Parser::value_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  if (self.head_done_) return self.trailer_span(Field::kValue, at, length);
  if (int code = self.refuse_long(at, length)) return code;
  if (self.field_ != Field::kValue) {
    self.field_ = Field::kValue;
    self.value_offset_ = static_cast<uint32_t>(at - self.message_);
    self.value_length_ = 0;
  }
  self.value_length_ += static_cast<uint32_t>(length);
  return 0;
}

int Parser::value_complete(llhttp_t* raw) {
  Parser& self = of(raw);
  return self.finish_header();
}

int Parser::finish_header() {
  if (head_done_) return finish_trailer();
  field_ = Field::kNone;
  if (header_count_ >= limits_.headers_max) return fail(431, "too many header fields");
  const char* value = message_ + value_offset_;
  while (value_length_ > 0) {
    char last = value[value_length_ - 1];
    if (last != ' ' && last != '\t') break;
    value_length_--;
  }
  HeaderEntry& entry = headers_[header_count_++];
  entry.name_offset = static_cast<uint16_t>(name_offset_);
  entry.name_length = static_cast<uint16_t>(name_length_);
  entry.value_offset = static_cast<uint16_t>(value_offset_);
  entry.value_length = static_cast<uint16_t>(value_length_);
  return inspect_header(entry);
}

int Parser::inspect_header(const HeaderEntry& entry) {
  const char* name = message_ + entry.name_offset;
  const char* value = message_ + entry.value_offset;
  uint32_t length = entry.value_length;
  switch (entry.name_length) {
    case 4:
      return is(name, 4, "host") ? check_host(value, length) : 0;
    case 6:
      if (!is(name, 6, "expect")) return 0;
      if (!is(value, length, "100-continue")) return fail(417, "expectation not supported");
      expects_continue_ = true;
      return 0;
    case 14:
      if (!is(name, 14, "content-length")) return 0;
      if (has_transfer_encoding_) return fail(400, "Content-Length with Transfer-Encoding");
      has_content_length_ = true;
      content_length_ = 0;  // llhttp has refused anything but digits, overflow and repetition
      for (uint32_t i = 0; i < length && is_digit(value[i]); i++) {
        content_length_ = content_length_ * 10 + static_cast<uint64_t>(value[i] - '0');
      }
      return 0;
    case 17:
      if (!is(name, 17, "transfer-encoding")) return 0;
      if (has_transfer_encoding_) return fail(400, "repeated Transfer-Encoding");
      has_transfer_encoding_ = true;
      if (is(value, length, "chunked")) {
        is_chunked_ = true;
        return 0;
      }
      if (length == 0 || begins(value, length, "chunked")) {
        return fail(400, "malformed Transfer-Encoding");
      }
      return fail(501, "transfer coding not implemented");
    default:
      return 0;
  }
}

int Parser::check_host(const char* value, uint32_t length) {
  if (++host_count_ > 1) return fail(400, "repeated Host");
  return is_valid_host(value, length) ? 0 : fail(400, "malformed Host");
}

int Parser::finish_head() {
  llhttp_t* raw = this->raw();
  int minor = llhttp_get_http_minor(raw);
  if (llhttp_get_http_major(raw) != 1 || minor > 1) {
    return fail(505, "HTTP version not supported");
  }
  if (method_ == kMethodConnect || method_ == kMethodTrace || method_ >= kMethodCount) {
    return fail(501, "method not implemented");
  }
  is_http10_ = minor == 0;
  if (host_count_ == 0 && !is_http10_) return fail(400, "missing Host");
  if (has_transfer_encoding_ && is_http10_) return fail(400, "Transfer-Encoding in HTTP/1.0");
  if (is_http10_) expects_continue_ = false;  // RFC 9110 10.1.1
  if (target_form(method_, message_ + target_offset_, target_length_) == TargetForm::kMalformed) {
    return fail(400, "malformed request target");
  }
  keep_alive_ = llhttp_should_keep_alive(raw) != 0;
  wants_upgrade_ = llhttp_get_upgrade(raw) != 0;
  head_done_ = true;
  if (is_chunked_) {
    const HeaderEntry& last = headers_[header_count_ - 1];
    uint32_t name_end = uint32_t{last.name_offset} + last.name_length;
    uint32_t value_end = uint32_t{last.value_offset} + last.value_length;
    head_bytes_ = name_end > value_end ? name_end : value_end;
  }
  Failure refused = sink_->on_head(*this);
  return refused.status == 0 ? 0 : fail(refused.status, refused.reason);
}

int Parser::head_complete(llhttp_t* raw) { return of(raw).finish_head(); }

int Parser::body_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  self.sink_->on_body(self, at, length);
  return self.failure_.status == 0 ? 0 : kLlhttpUser;
}

int Parser::extension_span(llhttp_t* raw, const char*, size_t length) {
  Parser& self = of(raw);
  self.extension_bytes_ += static_cast<uint32_t>(length);
  return self.extension_bytes_ > kExtensionBytesMax ? self.fail(400, "chunk extensions too large")
                                                    : 0;
}

int Parser::message_complete(llhttp_t* raw) {
  Parser& self = of(raw);
  self.in_message_ = false;
  if (!self.keep_alive_) self.closing_ = true;
  // llhttp takes framing fields among the trailers for the head's: what follows is parsed anew.
  self.restarts_ = self.section_ != nullptr && !self.closing_;
  self.sink_->on_end(self);
  return self.closing_ || self.restarts_ ? kLlhttpPaused : 0;
}

namespace {

// Records what the canned message yields; any difference means another struct layout.
class Probe final : public MessageSink {
 public:
  bool on_begin(Parser& parser) override {
    begun_ = parser.method() == 3;
    return true;
  }
  Failure on_head(Parser& parser) override {
    const char* target = parser.message() + parser.target_offset();
    const HeaderEntry& last = parser.headers()[1];
    head_ = begun_ && parser.target_length() == 4 && std::memcmp(target, "/a?b", 4) == 0 &&
            parser.header_count() == 2 && parser.content_length() == 3 && parser.keep_alive() &&
            std::memcmp(parser.message() + last.value_offset, "3", 1) == 0;
    return {};
  }
  void on_body(Parser&, const char* at, size_t length) override {
    body_ = head_ && length == 3 && std::memcmp(at, "xyz", 3) == 0;
  }
  void on_end(Parser&) override { ended_ = body_; }
  bool passed() const { return ended_; }

 private:
  bool begun_ = false;
  bool head_ = false;
  bool body_ = false;
  bool ended_ = false;
};

}  // namespace

bool Parser::self_test() {
  static const char kMessage[] = "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz";
  Probe probe;
  Parser parser(8);
  parser.start(&probe, Limits{1024, 8, 64});
  ParseResult result = parser.execute(kMessage, kMessage, sizeof(kMessage) - 1);
  return result == ParseResult::kMore && probe.passed() && !parser.in_message();
}

}  // namespace millrace
