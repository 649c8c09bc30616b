// Bytes out: those of one connection are gathered in the engine's buffer and leave in one send,
// when another connection is written to or the flush ends. What the socket does not take is kept
// with the connection. Thread: the worker's.
#include <cstring>

#include "engine.h"

namespace millrace {

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

// Sends the output buffer and, behind it, `body`; what the socket does not take is kept.
void Engine::send_output(Connection& connection, const char* body, size_t body_length) {
  size_t head_length = out_length_;
  out_length_ = 0;
  if (connection.stage != Stage::kOpen && connection.stage != Stage::kUpgraded) return;
  size_t sent = 0;
  if (connection.output.length == 0) {
    IoResult result = Transport::send(connection.fd, out_, head_length, body, body_length);
    if (result.status == IoStatus::kError) {
      destroy(connection, CLOSED_RESET);
      return;
    }
    sent = result.length;
    connection.sent += sent;
    Counters::add(shared_->counters[connection.listener].bytes_out, sent);
    if (sent == head_length + body_length) return;
  }
  if (sent < head_length) {
    connection.output.append(out_ + sent, head_length - sent);
    sent = head_length;
  }
  if (body_length > 0) {
    size_t skipped = sent - head_length;
    connection.output.append(body + skipped, body_length - skipped);
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
    IoResult result = Transport::send(connection.fd, output.data, output.length, nullptr, 0);
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
