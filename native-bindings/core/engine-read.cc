// Bytes in: receiving into the slab and parsing in place; engine-message.cc is told what is found.
#include <cstring>

#include "engine.h"

namespace millrace {

namespace {

// Idle parsers kept for the next message; more are freed.
constexpr size_t kParsersKept = 64;

}  // namespace

Parser* Engine::take_parser() {
  if (parsers_.empty()) return new Parser(headers_max_);
  Parser* parser = parsers_.back();
  parsers_.pop_back();
  return parser;
}

void Engine::drop_parser(Connection& connection) {
  if (connection.parser == nullptr) return;
  if (parsers_.size() < kParsersKept && connection.parser->headers_max() == headers_max_) {
    parsers_.push_back(connection.parser);
  } else {
    delete connection.parser;
  }
  connection.parser = nullptr;
}

bool Engine::wants_input(const Connection& connection) const {
  return !connection.body_paused && !connection.held && !connection.input_done &&
         connection.output.length < connection.options->output_bytes_max;
}

// True: bytes have come. Else the connection has been dealt with.
bool Engine::note_received(Connection& connection, const IoResult& result) {
  switch (result.status) {
    case IoStatus::kBlocked:
      return false;
    case IoStatus::kEnd:
      input_ended(connection);
      return false;
    case IoStatus::kError:
      destroy(connection, CLOSED_RESET);
      return false;
    case IoStatus::kDone:
      break;
  }
  Counters::add(shared_->counters[connection.listener].bytes_in, result.length);
  return true;
}

// The peer's FIN, behind all that it has sent.
void Engine::input_ended(Connection& connection) {
  switch (connection.stage) {
    case Stage::kAnnouncing:
      announcement_ended(connection);
      break;
    case Stage::kUpgraded:
      end_data(connection);
      break;
    default:
      peer_ended(connection);
      break;
  }
}

void Engine::read(Connection& connection) {
  // One read a batch while JavaScript has not seen its request: the hand-over of a dying thread
  // takes all from that request to the end of the read as this connection's.
  if (connection.unseen_batch == batches_) return;
  if (connection.body_open && read_body(connection)) return;
  if (connection.waits_for_bulk) end_bulk(connection);
  // The unfinished head, if any, goes in front: a message lies in one piece.
  uint32_t kept = connection.input.length;
  // What is kept of trailers is copied to the slab when they end.
  uint32_t tail = kept;
  if (connection.parser != nullptr) tail += connection.parser->trailers().length;
  uint32_t room = slab_.room_to_read(tail);
  if (room == 0) return;  // the next round has a fresh slab
  char* region = slab_.bottom();
  IoResult result = Transport::receive(connection.fd, region + kept, room);
  if (!note_received(connection, result)) return;
  uint32_t received = static_cast<uint32_t>(result.length);
  if (kept > 0) std::memcpy(region, connection.input.data, kept);
  parse(connection, region, kept, received);
}

// Messages that waited behind others, or that another thread had received before us.
void Engine::resume(Connection& connection) {
  if (connection.stage != Stage::kOpen) {
    if (connection.stage == Stage::kUpgraded) resume_upgraded(connection);
    return;
  }
  if (connection.input_done) return;
  if (!connection.held || connection.awaits_switch) return;
  if (!slab_.has_room_for(connection.input.length)) {
    slab_.demand_fresh();
    queue_resume(connection);
    return;
  }
  connection.held = false;
  uint32_t length = connection.input.length;
  connection.input.length = 0;
  if (length > 0) {
    char* region = slab_.bottom();
    std::memcpy(region, connection.input.data, length);
    parse(connection, region, 0, length);
  }
  if (connection.stage == Stage::kOpen) update_interest(connection);
}

void Engine::parse(Connection& connection, char* region, uint32_t kept, uint32_t received) {
  if (connection.parser == nullptr) {
    connection.parser = take_parser();
    connection.parser->start(this, connection.options->limits);
    // Bytes kept without a parser come from another thread: they are parsed here, from the start.
    received += kept;
    kept = 0;
  }
  reading_ = &connection;
  open_event_ = nullptr;
  body_at_ = nullptr;
  body_length_ = 0;
  body_joined_ = false;
  char* end = region + kept + received;
  connection.region_end = slab_.offset_of(end);
  slab_.take(static_cast<uint32_t>(end - region));
  select_output(connection);
  ParseResult result = connection.parser->execute(region, region + kept, received);
  if (body_at_ != nullptr) put_body(connection);
  reading_ = nullptr;
  after_parse(connection, result, region, end);
  flush_output();
}

void Engine::after_parse(Connection& connection, ParseResult result, char* region, char* end) {
  if (connection.stage != Stage::kOpen) {
    drop_parser(connection);
    return;
  }
  Parser& parser = *connection.parser;
  switch (result) {
    case ParseResult::kMore:
      if (!parser.in_message()) {
        connection.input.release();
        drop_parser(connection);
      } else if (!parser.head_done()) {
        keep_input(connection, parser.message(), end, parser.message() == region);
      } else {
        connection.input.release();
      }
      break;
    case ParseResult::kHeld:
      connection.held = true;
      connection.input.length = 0;
      connection.input.append(parser.message(), static_cast<size_t>(end - parser.message()));
      // An upgrade that was declined before its body had come: no answer is going to resume it.
      if (parser.stops_behind() && connection.unanswered == 0) queue_resume(connection);
      drop_parser(connection);
      break;
    case ParseResult::kClosed:
      connection.input.release();
      connection.input_done = true;
      drop_parser(connection);
      break;
    case ParseResult::kFailed: {
      Failure failure = parser.failure();
      connection.failure_muted = parser.in_message() && parser.method() == kMethodHead;
      if (connection.recording != nullptr) {
        record_refusal(connection, failure, parser.message(), end);
      }
      const char* from = parser.refused_from();
      if (from < region || from > end) from = end;
      // Overload is not told to JavaScript: it would cost what there is too little of.
      if (failure.status != 503) {
        report_refusal(connection, failure, from, static_cast<size_t>(end - from));
      }
      connection.input.release();
      drop_parser(connection);
      refuse(connection, failure);
      break;
    }
  }
  if (connection.body_discarded && connection.body_dropped > kDropMax) {
    connection.input_done = true;
    connection.linger_close = true;
  }
  update_clock(connection, Progress::kReceived);
}

// Keeps an unfinished head. `same`: what was kept before is its beginning, append the rest.
void Engine::keep_input(Connection& connection, const char* from, const char* end, bool same) {
  size_t length = static_cast<size_t>(end - from);
  if (!same) connection.input.length = 0;
  uint32_t kept = connection.input.length;
  connection.input.append(from + kept, length - kept);
}

void Engine::queue_resume(Connection& connection) {
  if (connection.resume_queued) return;
  connection.resume_queued = true;
  resume_.push_back(connection.slot);
}

}  // namespace millrace
