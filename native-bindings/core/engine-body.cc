// Long bodies in: received into a buffer of their own instead of the slab. A buffer that is full is
// given to the app as it is, so its bytes are never copied; of one that is not, the part that has
// come is copied out by JavaScript. Only bodies of a declared length: no byte behind the body is
// received here. What follows a chunked body would be, and no slab could hold so much of it.
#include "engine.h"

namespace millrace {

namespace {

// With less to come the slab does: a read takes no more from it.
constexpr uint64_t kDirectMin = Slab::kReadMax;

}  // namespace

// False: it is the slab's to read. The request must have been handed over by an earlier batch, for
// what goes to another thread with an unseen request lies in the slab.
bool Engine::read_body(Connection& connection) {
  if (!connection.body_open || connection.body_discarded || connection.body_batch == batches_) {
    return false;
  }
  Parser* parser = connection.parser;
  if (parser == nullptr || !parser->head_done()) return false;
  uint64_t left = connection.body_left;  // 0 if it is chunked
  if (left < kDirectMin || body_buffers_used_ == BODY_BUFFERS) return false;
  char* data = body_buffers_[body_buffers_used_];
  if (data == nullptr) {
    blocks_.control[CTL_BODY_NEEDED] = 1;
    return false;
  }
  size_t capacity = left < BODY_BUFFER_BYTES ? static_cast<size_t>(left) : BODY_BUFFER_BYTES;
  IoResult result = Transport::receive(connection.fd, data, capacity);
  if (!note_received(connection, result)) return true;
  reading_ = &connection;
  open_event_ = nullptr;
  body_at_ = nullptr;
  body_length_ = 0;
  body_buffer_ = body_buffers_used_++;
  select_output(connection);
  ParseResult parsed = parser->execute(data, data, result.length);
  if (body_at_ != nullptr) put_body(connection);
  reading_ = nullptr;
  body_buffer_ = -1;
  after_parse(connection, parsed, data, data + result.length);
  flush_output();
  return true;
}

}  // namespace millrace
