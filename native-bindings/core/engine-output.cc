// Bytes out: those of one connection are gathered in the engine's buffer and leave in one send,
// when another connection is written to or the flush ends. What the socket does not take is kept
// with the connection. Thread: the worker's.
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "digits.h"
#include "engine.h"

namespace millrace {

namespace {

// The output buffer, bytes that lie elsewhere, the end of a chunk.
constexpr int kParts = 3;

// The size of a chunk in hexadecimal, and CRLF (RFC 9112 7.1).
constexpr size_t kChunkHeadMax = 16 + 2;

}  // namespace

void Engine::change_output(Connection& connection) {
  flush_output();
  writing_ = &connection;
}

void Engine::flush_output() {
  Connection* connection = writing_;
  if (connection == nullptr) {
    out_length_ = 0;  // of a connection that was destroyed in the middle
    return;
  }
  if (out_length_ > 0) send_output(*connection, nullptr, 0);
  writing_ = nullptr;
  settle(*connection);
}

// What JavaScript may send in one piece is bounded so that it fits; the buffer grows all the same,
// for a bound that somebody has missed must not become a write behind it.
void Engine::make_room(size_t length) {
  if (out_length_ > 0 && writing_ != nullptr) send_output(*writing_, nullptr, 0);
  if (writing_ == nullptr) out_length_ = 0;  // of a connection that was destroyed in the middle
  if (out_length_ + length <= out_capacity_) return;
  out_capacity_ = out_length_ + length;
  out_ = static_cast<char*>(std::realloc(out_, out_capacity_));
}

void Engine::put_out(const char* from, size_t length) {
  std::memcpy(reserve(length), from, length);
  out_length_ += length;
}

// As they are: a chunk, or what a connection that has switched protocols sends.
void Engine::write_bytes(Connection& connection, const char* from, size_t length) {
  if (length >= kUncopiedMin) {
    send_output(connection, from, length);
  } else {
    put_out(from, length);
  }
}

// `from` is what the bytes record of the ring means, of which there is at most one.
void Engine::flush_bytes(const char* from, size_t length) {
  flushed_bytes_ = from;
  flushed_length_ = length;
  flush();
  flushed_bytes_ = nullptr;
}

// What the socket takes of them at once is never copied in this process.
void Engine::write_borrowed(Connection& connection, const int32_t* reply) {
  int32_t flags = reply[REPLY_FLAGS];
  if (flags & REPLY_NOTIFY) connection.wants_writable = true;
  if (connection.answer == Answer::kNone || connection.answer == Answer::kMuted) return;
  if (flushed_bytes_ == nullptr || flushed_length_ == 0 || connection.file != nullptr ||
      flushed_length_ > connection.answer_left) {
    cut_answer(connection);
    return;
  }
  if (connection.answer_left != ~0ull) connection.answer_left -= flushed_length_;
  bool is_framed = (flags & REPLY_FRAMED) != 0;
  if (is_framed) {
    char* head = reserve(kChunkHeadMax);
    char* end = put_hex_number(head, flushed_length_);
    *end++ = '\r';
    *end++ = '\n';
    out_length_ += static_cast<size_t>(end - head);
  }
  send_output(connection, flushed_bytes_, flushed_length_, is_framed);
}

// Sends the output buffer and, behind it, `body`; what the socket does not take is kept.
// `is_framed`: with the end of a chunk behind it, whose beginning is in the output buffer.
void Engine::send_output(Connection& connection, const char* body, size_t body_length,
                         bool is_framed) {
  static const char kChunkEnd[] = {'\r', '\n'};
  iovec parts[kParts] = {{out_, out_length_},
                            {const_cast<char*>(body), body_length},
                            {const_cast<char*>(kChunkEnd), is_framed ? sizeof kChunkEnd : 0}};
  size_t length = out_length_ + body_length + parts[2].iov_len;
  out_length_ = 0;
  if (connection.stage != Stage::kOpen && connection.stage != Stage::kUpgraded) return;
  size_t sent = 0;
  if (connection.output.length == 0) {
    IoResult result = body_length == 0 ? Transport::send(connection.fd, out_, length)
                                       : Transport::send(connection.fd, parts, kParts);
    if (result.status == IoStatus::kError) {
      destroy(connection, CLOSED_RESET);
      return;
    }
    sent = result.length;
    connection.sent += sent;
    Counters::add(shared_->counters[connection.listener].bytes_out, sent);
    if (sent == length) return;
  }
  keep_unsent(connection, parts, sent);
}

// All of the parts but the first `sent` bytes.
void Engine::keep_unsent(Connection& connection, const iovec* parts, size_t sent) {
  for (int i = 0; i < kParts; i++) {
    size_t skipped = std::min(sent, parts[i].iov_len);
    sent -= skipped;
    if (skipped == parts[i].iov_len) continue;
    connection.output.append(static_cast<const char*>(parts[i].iov_base) + skipped,
                             parts[i].iov_len - skipped);
  }
  // Writers wait long before this: it is reached only by what does not, such as interim answers.
  if (connection.output.length > connection.options->output_hard_bytes_max) {
    destroy(connection, CLOSED_GONE);
    return;
  }
  slot_words(connection)[SLOT_UNSENT] = static_cast<int32_t>(connection.output.length);
}

// The socket takes bytes again.
void Engine::drain_output(Connection& connection) {
  Bytes& output = connection.output;
  if (output.length > 0) {
    IoResult result = Transport::send(connection.fd, output.data, output.length);
    if (result.status == IoStatus::kBlocked) return;
    if (result.status != IoStatus::kDone) {
      destroy(connection, CLOSED_RESET);
      return;
    }
    connection.sent += result.length;
    Counters::add(shared_->counters[connection.listener].bytes_out, result.length);
    output.drop_front(result.length);
    note_unsent(connection);
    update_clock(connection, Progress::kSent);
    if (output.length > 0) return;
    output.release();
    if (connection.held) queue_resume(connection);
  }
  if (connection.file != nullptr && !drain_file(connection)) return;
  settle(connection);
}

}  // namespace millrace
