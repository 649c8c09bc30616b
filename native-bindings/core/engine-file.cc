// Files out: an answer's body, or a part of it, that goes from a file to the socket in the kernel.
//
// What was written before leaves first; JavaScript writes nothing behind a file before it has left,
// and is told as of any output: SLOT_UNSENT counts what is left of it, `writable` follows the last
// byte. A piece of bounded size is sent each time the socket takes bytes, so that one fast client
// does not keep the others waiting. A file that has become shorter than announced cuts the
// connection, since the length is said already. Thread: the worker's.
#include <algorithm>
#include <cstring>

#include "engine.h"

namespace millrace {

namespace {

// As much as one call may send, and as nginx has it (sendfile_max_chunk).
constexpr uint64_t kFilePieceBytes = 2 * 1024 * 1024;

uint64_t number_at(const int32_t* words) {
  double number;
  std::memcpy(&number, words, sizeof number);
  return number >= 0 && number < 9007199254740992.0 ? static_cast<uint64_t>(number) : ~0ull;
}

}  // namespace

// `file` is what the file record of the ring means, of which there is at most one.
void Engine::flush_file(OpenFile& file) {
  flushed_file_ = &file;
  flush();
  flushed_file_ = nullptr;
}

void Engine::write_file(Connection& connection, const int32_t* reply) {
  if (connection.answer == Answer::kNone || connection.answer == Answer::kMuted) return;
  uint64_t offset = number_at(reply + REPLY_OFFSET_F64);
  uint64_t length = number_at(reply + REPLY_LENGTH_F64);
  OpenFile* file = flushed_file_;
  bool is_whole = connection.answer_left != ~0ull && length <= connection.answer_left;
  if (file == nullptr || !file->is_open() || connection.file != nullptr || !is_whole ||
      offset == ~0ull) {
    cut_answer(connection);
    return;
  }
  if (length == 0) return;
  connection.answer_left -= length;
  file->begin_send();
  connection.file = new FileSend{file, offset, length};
  if (out_length_ > 0) send_before_file(connection);
  if (connection.stage != Stage::kOpen) return;
  if (connection.output.length > 0) note_unsent(connection);
  else drain_file(connection);
}

// The head goes into one packet with the file's first bytes.
void Engine::send_before_file(Connection& connection) {
  if (connection.output.length > 0) {
    send_output(connection, nullptr, 0);  // behind what waits already
    return;
  }
  size_t length = out_length_;
  out_length_ = 0;
  IoResult result = Transport::send_on(connection.fd, out_, length);
  if (result.status == IoStatus::kError) {
    destroy(connection, CLOSED_RESET);
    return;
  }
  connection.sent += result.length;
  Counters::add(shared_->counters[connection.listener].bytes_out, result.length);
  if (result.length < length) {
    connection.output.append(out_ + result.length, length - result.length);
  }
}

// False: the socket takes no more for now, or the connection has gone.
bool Engine::drain_file(Connection& connection) {
  FileSend& send = *connection.file;
  auto length = static_cast<size_t>(std::min(send.left, kFilePieceBytes));
  IoResult result = Transport::send_file(connection.fd, send.file->fd(), send.offset, length);
  switch (result.status) {
    case IoStatus::kBlocked:
      break;
    case IoStatus::kEnd:  // the file is shorter than it was, or cannot be read
      destroy(connection, CLOSED_GONE);
      return false;
    case IoStatus::kError:
      destroy(connection, CLOSED_RESET);
      return false;
    case IoStatus::kDone:
      connection.sent += result.length;
      Counters::add(shared_->counters[connection.listener].bytes_out, result.length);
      send.offset += result.length;
      send.left -= result.length;
      break;
  }
  bool has_left = send.left == 0;
  if (has_left) drop_file(connection);
  note_unsent(connection);
  if (result.status == IoStatus::kDone) update_clock(connection, Progress::kSent);
  return has_left;
}

void Engine::drop_file(Connection& connection) {
  if (connection.file == nullptr) return;
  connection.file->file->end_send();
  delete connection.file;
  connection.file = nullptr;
}

// For JavaScript, which asks only whether there is something.
void Engine::note_unsent(Connection& connection) {
  uint64_t unsent = connection.output.length;
  if (connection.file != nullptr) unsent += connection.file->left;
  slot_words(connection)[SLOT_UNSENT] =
      static_cast<int32_t>(std::min(unsent, uint64_t{INT32_MAX}));
}

}  // namespace millrace
