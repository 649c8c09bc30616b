#include "parser.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "request-line.h"

namespace millrace {

namespace {

llhttp_settings_t g_settings;  // written once at load, before any other thread can see it

}  // namespace

Parser::Parser(uint32_t headers_max) : headers_max_(headers_max) {
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
  g_settings.on_chunk_header = chunk_header;
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
  is_judged_ = false;
  is_chunked_end_ = false;
  stops_behind_ = false;
  failure_ = {};
}

void Parser::reset_message() {
  in_message_ = true;
  head_done_ = false;
  method_ = 0;  // that of the message before may have been HEAD, whose answers have no body
  content_length_ = 0;
  target_length_ = 0;
  header_count_ = 0;
  framing_bytes_ = 0;
  chunks_ = 0;
  if (trailers_.length > 0) trailers_.release();
  section_ = nullptr;
  section_bytes_ = 0;
  repeat_length_ = 0;
  is_whole_ = false;
  field_ = Field::kNone;
  host_count_ = 0;
  is_chunked_ = false;
  has_length_ = false;
  has_transfer_encoding_ = false;
  closes_ = false;
  expects_continue_ = false;
  wants_upgrade_ = false;
}

ParseResult Parser::execute(const char* message, const char* data, size_t length) {
  message_ = message;
  data_ = framed_ = data;
  body_end_ = nullptr;
  const char* end = end_ = data + length;
  if (section_ != nullptr) section_ = data;
  is_whole_ = false;
  is_frame_whole_ = false;
  if (is_judged_) return judge(end);
  for (;;) {
    while (is_repeat(data, end)) {
      ParseResult result = repeat(data);
      if (result != ParseResult::kMore) return result;
      data += repeat_length_;
    }
    if (data == end) return ParseResult::kMore;
    int code = llhttp_execute(raw(), data, static_cast<size_t>(end - data));
    if (code == kLlhttpOk) return more(end);
    if (held_) return ParseResult::kHeld;
    data = llhttp_get_error_pos(raw());
    if (is_chunked_end_) {
      ParseResult result = finish_chunked(data);
      if (result != ParseResult::kMore) return result;
      continue;
    }
    if (closing_) return ParseResult::kClosed;
    if (code == kLlhttpPausedUpgrade && failure_.status == 0) {
      if (stops_behind_) return stop(data);
      // Nobody takes the upgrade: go on with the connection as HTTP (RFC 9110 7.8).
      llhttp_resume_after_upgrade(raw());
      continue;
    }
    if (failure_.status != 0) return ParseResult::kFailed;
    if (is_judged_) return judge(end);
    if (!in_message_ || code == kLlhttpInvalidMethod) {
      if (!in_message_) {
        message_ = first_word(data);
        reset_message();
      }
      is_judged_ = true;
      return judge(end);
    }
    failure_ = name_malformed(code, data);
    return ParseResult::kFailed;
  }
}

// All bytes were used. What has come so far of an unfinished head or body counts, also bytes that
// no span has shown yet.
ParseResult Parser::more(const char* end) {
  if (closing_) return ParseResult::kClosed;
  if (!in_message_) {
    remember(end);
    return ParseResult::kMore;
  }
  if (head_done_) {
    failure_ = measure_body(end);
  } else {
    failure_ = version_failure(find_target(message_, end).end, end);
    if (failure_.status == 0 && is_head_long(end)) failure_ = long_head_failure();
  }
  return failure_.status == 0 ? ParseResult::kMore : ParseResult::kFailed;
}

// Told only now, for what frames the last chunk counts too. llhttp takes framing fields among the
// trailers for those of the head, so what follows is parsed anew.
ParseResult Parser::finish_chunked(const char* at) {
  is_chunked_end_ = false;
  if (section_ == nullptr && is_framing_large(at, chunks_)) {
    failure_ = kLargeFraming;
    return ParseResult::kFailed;
  }
  in_message_ = false;
  sink_->on_end(*this);
  if (stops_behind_) return stop(at);
  if (closing_) return ParseResult::kClosed;
  body_end_ = at;
  llhttp_init(raw(), kLlhttpRequest, &g_settings);
  return ParseResult::kMore;
}

ParseResult Parser::stop(const char* at) {
  message_ = at;
  return ParseResult::kHeld;
}

// The first word of a message is no method that is served. Whether it is a token cannot be told
// before all of it has come, or the answer would depend on packets.
ParseResult Parser::judge(const char* end) {
  switch (judge_method(message_, end)) {
    case MethodVerdict::kMore:
      return ParseResult::kMore;
    case MethodVerdict::kUnknown:
      failure_ = kUnknownMethod;
      break;
    case MethodVerdict::kHttp2:
      failure_ = kHttp2;
      break;
    case MethodVerdict::kMalformed:
      failure_ = kMalformedHead;
      break;
  }
  return ParseResult::kFailed;
}

// Where the word begins in which llhttp has stopped, before it has told of a message: behind the
// line end, the body or the read that lies before it.
const char* Parser::first_word(const char* at) const {
  const char* floor = body_end_ == nullptr ? data_ : body_end_;
  while (at > floor && at[-1] != '\n' && at[-1] != '\r') at--;
  return at;
}

// A message that came whole and is a head alone, which ends at `end`. Its fields stay as they are
// until the next message begins, so its bytes need not be parsed when they come again.
void Parser::remember(const char* end) {
  size_t length = static_cast<size_t>(end - message_);
  if (!is_whole_ || has_body() || expects_continue_ || wants_upgrade_) return;
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

// Input that llhttp refuses at `at`. Read in one piece, a head may be malformed behind the byte at
// which it had become too long: what comes first counts, or the answer would depend on packets.
Failure Parser::name_malformed(int code, const char* at) const {
  if (head_done_) {
    if (section_ != nullptr) return are_trailers_long(at) ? kTrailersTooLarge : kMalformedFraming;
    bool is_large = is_chunked_ && is_framing_large(at, chunks_ + 1);
    return is_large ? kLargeFraming : kMalformedFraming;
  }
  TargetSpan target = find_target(message_, at);
  if (target.end - target.begin > static_cast<ptrdiff_t>(limits_.target_bytes_max)) {
    return kLineTooLong;
  }
  Failure version = version_failure(target.end, at);
  if (version.status != 0) return version;
  if (is_head_long(at)) return long_head_failure();
  switch (code) {
    case kLlhttpInvalidTarget:
      return kMalformedTarget;
    case kLlhttpUnexpectedLength:
    case kLlhttpInvalidLength:
    case kLlhttpInvalidCoding:
      return kMalformedFraming;
    default:
      return kMalformedHead;
  }
}

// No version, or one that is not served, is the fault whatever comes behind it.
Failure Parser::version_failure(const char* target_end, const char* end) const {
  if (target_end == end) return {};
  switch (judge_version(target_end, end)) {
    case VersionVerdict::kAbsent:
    case VersionVerdict::kOther:
      return kUnknownVersion;
    default:
      return {};
  }
}

// Anything but line ends, which may be the last bytes of the head, counts.
bool Parser::is_head_long(const char* end) const {
  if (end - message_ <= static_cast<ptrdiff_t>(limits_.head_bytes_max)) return false;
  for (const char* at = message_ + limits_.head_bytes_max; at < end; at++) {
    if (*at != '\r' && *at != '\n') return true;
  }
  return false;
}

// Too long in its first line or later? At least head_bytes_max + 1 bytes have come.
Failure Parser::long_head_failure() const {
  bool has_line = std::memchr(message_, '\n', limits_.head_bytes_max + 1) != nullptr;
  return has_line ? kHeadTooLarge : kLineTooLong;
}

int Parser::fail(const Failure& failure) {
  if (failure_.status != 0) return kLlhttpUser;
  if (!head_done_) failure_ = version_failure(message_ + target_offset_ + target_length_, end_);
  if (failure_.status == 0) failure_ = failure;
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
  if ((self.limits_.methods >> self.method_ & 1) == 0) {
    self.is_judged_ = true;
    return kLlhttpUser;
  }
  if (self.sink_->on_begin(self)) return 0;
  self.held_ = true;
  return kLlhttpPaused;
}

int Parser::message_complete(llhttp_t* raw) {
  Parser& self = of(raw);
  if (!self.keep_alive_ && !self.stops_behind_) self.closing_ = true;
  if (self.is_chunked_) {
    self.is_chunked_end_ = true;
    return kLlhttpPaused;
  }
  self.in_message_ = false;
  self.is_whole_ = true;
  self.sink_->on_end(self);
  return self.closing_ ? kLlhttpPaused : 0;
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
  parser.start(&probe, Limits{1024, 8, 64, 1u << 3});
  ParseResult result = parser.execute(kMessage, kMessage, sizeof(kMessage) - 1);
  return result == ParseResult::kMore && probe.passed() && !parser.in_message();
}

}  // namespace millrace
