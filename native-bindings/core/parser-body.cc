// The body: what frames it is bounded, and its trailers are kept.
#include "parser.h"

namespace millrace {

namespace {

// What frames the chunks of a message, beyond what each of them may cost: many small extensions
// are one attack, and so are leading zeros without end.
constexpr uint32_t kFramingBytesMax = 16 * 1024;
constexpr uint32_t kChunkAllowance = 16;  // a size of eight digits and three line ends fit

}  // namespace

// The head has ended in this read, so its end can be seen behind its last field.
void Parser::begin_body() {
  const HeaderEntry& last = headers_[header_count_ - 1];
  uint32_t name_end = uint32_t{last.name_offset} + last.name_length;
  uint32_t value_end = uint32_t{last.value_offset} + last.value_length;
  head_bytes_ = name_end > value_end ? name_end : value_end;
  framed_ = message_ + head_bytes_;
  while (*framed_ != '\n') framed_++;
  framed_ += 3;
  is_frame_whole_ = true;
  body_received_ = 0;
  chunk_left_ = 0;
}

// The size in front of which `framed_` stands; llhttp has checked it, so its digits end.
uint64_t Parser::framed_size() const {
  const char* at = framed_;
  while (*at == '\r' || *at == '\n') at++;
  uint64_t size = 0;
  for (;; at++) {
    char lower = static_cast<char>(*at | 0x20);
    if (*at >= '0' && *at <= '9') {
      size = size << 4 | static_cast<uint64_t>(*at - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      size = size << 4 | static_cast<uint64_t>(lower - 'a' + 10);
    } else {
      return size;
    }
  }
}

bool Parser::is_framing_large(const char* end, uint32_t chunks) const {
  size_t bytes = framing_bytes_ + static_cast<size_t>(end - framed_);
  return bytes > kFramingBytesMax + size_t{kChunkAllowance} * chunks;
}

// At the end of a read, or where input is refused: what has come counts, also bytes that no span
// has shown. The line that has not ended yet has its allowance already.
Failure Parser::measure_body(const char* end) {
  if (!is_chunked_) return {};
  if (section_ != nullptr) {
    if (are_trailers_long(end)) return kTrailersTooLarge;
    section_bytes_ += static_cast<uint32_t>(end - section_);
    section_ = end;
    return {};
  }
  if (is_framing_large(end, chunks_ + 1)) return kLargeFraming;
  framing_bytes_ += static_cast<uint32_t>(end - framed_);
  framed_ = end;
  return {};
}

int Parser::chunk_header(llhttp_t* raw) {
  Parser& self = of(raw);
  self.chunks_++;
  self.chunk_left_ = self.is_frame_whole_ ? self.framed_size() : 0;
  return 0;
}

int Parser::body_span(llhttp_t* raw, const char* at, size_t length) {
  Parser& self = of(raw);
  if (self.is_chunked_) {
    if (self.is_framing_large(at, self.chunks_)) return self.fail(kLargeFraming);
    self.framing_bytes_ += static_cast<uint32_t>(at - self.framed_);
    self.framed_ = at + length;
    self.is_frame_whole_ = true;
    self.body_received_ += length;
    self.chunk_left_ -= length < self.chunk_left_ ? length : self.chunk_left_;
  }
  self.body_end_ = at + length;
  self.sink_->on_body(self, at, length);
  return self.failure_.status == 0 ? 0 : kLlhttpUser;
}

// Trailers come after the body, whose bytes are gone by then: they are copied. They count against
// the limit of the head together with it, by their place in the message as fields of a head do.
int Parser::trailer_span(Field field, const char* at, size_t length) {
  if (section_ == nullptr) {
    if (is_framing_large(at, chunks_)) return fail(kLargeFraming);
    section_ = at;
  }
  if (are_trailers_long(at + length)) return fail(kTrailersTooLarge);
  if (field_ != field && field == Field::kValue) {
    trailers_.append("\n", 1);
    trailer_value_at_ = trailers_.length;
  }
  field_ = field;
  trailers_.append(at, length);
  return 0;
}

int Parser::finish_trailer() {
  if (++header_count_ > limits_.headers_max) return fail(kTooManyFields);
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

// Anything but line ends, which may be the last bytes of the section, counts.
bool Parser::are_trailers_long(const char* end) const {
  size_t before = size_t{head_bytes_} + section_bytes_;
  size_t left = before < limits_.head_bytes_max ? limits_.head_bytes_max - before : 0;
  if (static_cast<size_t>(end - section_) <= left) return false;
  for (const char* at = section_ + left; at < end; at++) {
    if (*at != '\r' && *at != '\n') return true;
  }
  return false;
}

}  // namespace millrace
