// Long bodies in: received into a buffer of their own instead of the slab. A buffer that is full is
// given to the app as it is, so its bytes are never copied; of one that is not, the part that has
// come is copied out by JavaScript.
//
// Chunks are joined where they lie: each is moved over what frames it, but for one that begins the
// buffer. The next read is received behind them, so that buffers of chunks get full, too. What may
// be received behind the body is bounded by what a slab can hold, for requests are parsed there.
//
// A client next door sends a body as fast as we read it: each piece would be a sleep and a wake-up,
// and its buffer half full. So while much comes of a body that has long to go, the kernel is asked
// to wake us when a buffer can be filled (SO_RCVLOWAT). That ends before the rest is shorter, and
// when nothing has been read for a tick: what has come lies there for two ticks at most.
#include <cstring>

#include "engine.h"

namespace millrace {

namespace {

// With less to come the slab does: a read takes no more from it.
constexpr uint64_t kDirectMin = Slab::kReadMax;

constexpr uint64_t kBulkLeftMin = 2 * BODY_BUFFER_BYTES;
// In a tick: 10 MiB a second, at which a buffer takes 25 ms to fill.
constexpr uint32_t kBulkBytesMin = 1 << 20;

// Of chunks, in a turn: small ones leave much to be moved together.
constexpr int kReadsMax = BODY_BUFFER_BYTES / Slab::kReadMax;

}  // namespace

// How much may be received behind what the buffer holds; 0: it is full, or hardly worth a call.
size_t Engine::body_room(const Connection& connection) const {
  size_t room = BODY_BUFFER_BYTES - body_length_;
  uint64_t left = connection.body_left;
  if (connection.parser->is_chunked()) {
    uint64_t chunk = connection.parser->chunk_left();
    if (room < Slab::kReadMax && room > chunk) return 0;
    if (chunk < room) left = chunk + Slab::kReadMax;
    else left = room;
  }
  return left < room ? static_cast<size_t>(left) : room;
}

// A piece of a body, received into a buffer.
void Engine::join_body(const char* at, uint32_t length) {
  char* to = body_buffers_[body_buffer_];
  body_at_ = to;
  to += body_length_;
  if (to != at) std::memmove(to, at, length);
  body_length_ += length;
}

// False: it is the slab's to read. The request must have been handed over by an earlier batch, for
// what goes to another thread with an unseen request lies in the slab.
bool Engine::read_body(Connection& connection) {
  if (!connection.body_open || connection.body_discarded || connection.body_batch == batches_) {
    return false;
  }
  Parser* parser = connection.parser;
  if (parser == nullptr || !parser->head_done()) return false;
  bool is_chunked = parser->is_chunked();
  // Of a chunked one nobody knows how long it is: it is when it has been.
  uint64_t long_by = is_chunked ? parser->body_received() : connection.body_left;
  if (long_by < kDirectMin || body_buffers_used_ == BODY_BUFFERS) return false;
  // Trailers are copied to the slab; they are no longer than their bytes.
  if (is_chunked && !slab_.has_free(parser->trailers().length + Slab::kReadMax)) return false;
  char* data = body_buffers_[body_buffers_used_];
  if (data == nullptr) {
    blocks_.control[CTL_BODY_NEEDED] = 1;
    return false;
  }
  body_at_ = nullptr;
  body_length_ = 0;
  size_t room = body_room(connection);
  IoResult result = Transport::receive(connection.fd, data, room);
  if (!note_received(connection, result)) return true;
  reading_ = &connection;
  open_event_ = nullptr;
  body_buffer_ = body_buffers_used_++;
  select_output(connection);
  ParseResult parsed = parser->execute(data, data, result.length);
  for (int reads = 1; is_chunked && reads < kReadsMax; reads++) {
    bool goes_on = parsed == ParseResult::kMore && connection.body_open && result.length == room;
    if (!goes_on || connection.stage != Stage::kOpen) break;
    room = body_room(connection);
    if (room == 0) break;
    data = body_buffers_[body_buffer_] + body_length_;
    result = Transport::receive(connection.fd, data, room);
    if (result.status != IoStatus::kDone) break;
    Counters::add(shared_->counters[connection.listener].bytes_in, result.length);
    parsed = parser->execute(data, data, result.length);
  }
  if (body_at_ != nullptr) put_body(connection);
  if (!is_chunked) note_bulk(connection, static_cast<uint32_t>(result.length));
  reading_ = nullptr;
  body_buffer_ = -1;
  after_parse(connection, parsed, data, data + result.length);
  // What stands behind the body goes on in the slab.
  if (connection.held) queue_resume(connection);
  flush_output();
  if (result.status == IoStatus::kDone || connection.stage != Stage::kOpen) return true;
  note_received(connection, result);
  return true;
}

// So much of a body of known length has come.
void Engine::note_bulk(Connection& connection, uint32_t length) {
  if (connection.stage != Stage::kOpen) return;
  if (connection.bulk_tick != now_tick_) {
    connection.bulk_tick = now_tick_;
    connection.bulk_bytes = 0;
  }
  connection.bulk_bytes += length;
  if (connection.body_left < kBulkLeftMin) {
    end_bulk(connection);
  } else if (!connection.waits_for_bulk && connection.bulk_bytes >= kBulkBytesMin) {
    connection.waits_for_bulk = true;
    bulk_.push_back(connection.slot);
    Transport::set_low_water(connection.fd, BODY_BUFFER_BYTES);
  }
}

// Readable again from the first byte on, also what lies there already.
void Engine::end_bulk(Connection& connection) {
  if (!connection.waits_for_bulk) return;
  connection.waits_for_bulk = false;
  std::erase(bulk_, connection.slot);
  Transport::set_low_water(connection.fd, 1);
}

// Once a tick: whose sender has stopped. From the back, for those that end leave the list.
void Engine::pace_bulk() {
  for (size_t i = bulk_.size(); i-- > 0;) {
    Connection& connection = *table_.at(bulk_[i]);
    if (now_tick_ - connection.bulk_tick > 1) end_bulk(connection);
  }
}

}  // namespace millrace
