// The head: spans become fields, and fields are judged by the rules that llhttp leaves to us.
#include <cstring>

#include "ascii.h"
#include "host.h"
#include "parser.h"
#include "request-line.h"
#include "target.h"

namespace millrace {

// A target that is too long fails before it has ended: what stands behind it has no say.
int Parser::url_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  if (self.target_length_ == 0) self.target_offset_ = static_cast<uint32_t>(at - self.message_);
  self.target_length_ += static_cast<uint32_t>(length);
  if (self.target_length_ > self.limits_.target_bytes_max ||
      self.target_offset_ + self.target_length_ > self.limits_.head_bytes_max) {
    self.failure_ = kLineTooLong;
    return kLlhttpUser;
  }
  self.sink_->on_target(self);
  return 0;
}

// Also keeps every offset within 16 bits: head_bytes_max is at most 65,535. The span of an empty
// value lies behind its line.
int Parser::refuse_long(const char* at, size_t length) {
  const char* end = length == 0 ? at - 2 : at + length;
  if (end - message_ <= static_cast<ptrdiff_t>(limits_.head_bytes_max)) return 0;
  return fail(long_head_failure());
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
  if (header_count_ >= limits_.headers_max) return fail(kTooManyFields);
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
      if (!is(value, length, "100-continue")) return fail(kExpectation);
      expects_continue_ = true;
      return 0;
    case 14:
      if (!is(name, 14, "content-length")) return 0;
      if (has_transfer_encoding_) return fail(kMalformedFraming);
      has_length_ = true;
      content_length_ = 0;  // llhttp has refused anything but digits, overflow and repetition
      for (uint32_t i = 0; i < length && is_digit(value[i]); i++) {
        content_length_ = content_length_ * 10 + static_cast<uint64_t>(value[i] - '0');
      }
      return 0;
    case 16:
      if (is(name, 16, "proxy-connection") && is(value, length, "close")) closes_ = true;
      return 0;
    case 17:
      return is(name, 17, "transfer-encoding") ? check_coding(value, length) : 0;
    default:
      return 0;
  }
}

// llhttp has refused a Content-Length beside it, and anything behind `chunked`.
int Parser::check_coding(const char* value, uint32_t length) {
  if (has_transfer_encoding_) return fail(kMalformedFraming);
  has_transfer_encoding_ = true;
  if (is(value, length, "chunked")) {
    is_chunked_ = true;
    return 0;
  }
  return fail(length > 0 && is_token_char(value[0]) ? kUnknownCoding : kMalformedFraming);
}

int Parser::check_host(const char* value, uint32_t length) {
  if (++host_count_ > 1) return fail(kRepeatedHost);
  return is_valid_host(value, length) ? 0 : fail(kMalformedHost);
}

// llhttp takes more than one space between the parts of the line, no version, and other protocols.
int Parser::check_line() {
  const char* target = message_ + target_offset_;
  if (target[-2] == ' ') return fail(kMalformedHead);
  const char* version = target + target_length_;
  if (std::memcmp(version, " HTTP/1.", 8) != 0 || version[8] > '1') {
    return fail(kMalformedHead);  // `fail` sees which version it is
  }
  is_http10_ = version[8] == '0';
  bool is_target = target_form(method_, target, target_length_) != TargetForm::kMalformed;
  return is_target ? 0 : fail(kMalformedTarget);
}

// What HTTP/1.0 asks for (RFC 9112 9.3). llhttp lets keep-alive win over close, and takes one from
// Proxy-Connection, which a proxy may hand on without knowing it.
bool Parser::asks_to_keep() const {
  bool keeps = false;
  for (uint32_t i = 0; i < header_count_; i++) {
    const HeaderEntry& entry = headers_[i];
    if (!is(message_ + entry.name_offset, entry.name_length, "connection")) continue;
    const char* value = message_ + entry.value_offset;
    if (has_list_item(value, entry.value_length, "close")) return false;
    if (has_list_item(value, entry.value_length, "keep-alive")) keeps = true;
  }
  return keeps;
}

int Parser::finish_head() {
  if (int code = check_line()) return code;
  bool is_connect = method_ == kMethodConnect;
  if (host_count_ == 0 && !is_http10_) return fail(kMissingHost);
  if (has_transfer_encoding_ && is_http10_) return fail(kCodingInHttp10);
  if (is_connect && has_body()) return fail(kMalformedFraming);
  if (is_http10_) expects_continue_ = false;  // RFC 9110 10.1.1
  keep_alive_ = llhttp_should_keep_alive(raw()) != 0 && !closes_;
  // Behind a tunnel that is refused there may be bytes that were meant for its other end.
  if (is_connect || (is_http10_ && keep_alive_ && !asks_to_keep())) keep_alive_ = false;
  wants_upgrade_ = llhttp_get_upgrade(raw()) != 0;
  head_done_ = true;
  if (is_chunked_) begin_body();
  Failure refused = sink_->on_head(*this);
  return refused.status == 0 ? 0 : fail(refused);
}

int Parser::head_complete(llhttp_t* raw) { return of(raw).finish_head(); }

}  // namespace millrace
