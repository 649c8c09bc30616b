// Replies: the records of the ring become answers, whose bytes engine-output.cc sends.
#include <cstring>

#include "engine.h"

namespace millrace {

namespace {

// A record about a body means the request whose sequence it carries in place of flags: by now the
// next one's may be arriving.
bool is_receiving(const Connection& connection, const int32_t* reply) {
  return static_cast<uint32_t>(reply[REPLY_FLAGS]) + 1 == connection.sequence;
}

bool is_bodyless(int32_t status) { return status == 204 || status == 304 || status < 200; }

// The length of a body that is not sent: to HEAD, and with 304 (RFC 9110 8.6). Below 0: none.
void announce_length(HeadFields& fields, const int32_t* reply) {
  double length;
  std::memcpy(&length, reply + REPLY_LENGTH_F64, sizeof length);
  fields.framing = length < 0 ? Framing::kNone : Framing::kLength;
  fields.length = length < 0 ? 0 : static_cast<uint64_t>(length);
}

}  // namespace

void Engine::process_replies() {
  int32_t* control = blocks_.control;
  int32_t count = control[CTL_REPLY_COUNT];
  if (recorder_.is_on()) recorder_.begin_replies();
  for (int32_t i = 0; i < count; i++) {
    const int32_t* reply = blocks_.replies + i * REPLY_WORDS;
    Connection* connection = table_.at(static_cast<uint32_t>(reply[REPLY_SLOT]));
    if (connection == nullptr ||
        connection->generation != static_cast<uint32_t>(reply[REPLY_GENERATION])) {
      continue;  // the connection has gone meanwhile
    }
    if (connection->stage == Stage::kOpen) process_reply(*connection, reply);
    else if (connection->upgraded) process_bytes(*connection, reply);
  }
  control[CTL_REPLY_COUNT] = 0;
  flush_output();
  if (recorder_.is_on()) recorder_.publish();
}

void Engine::process_reply(Connection& connection, const int32_t* reply) {
  select_output(connection);
  switch (reply[REPLY_KIND]) {
    case KIND_RESPOND:
      if (!connection.close_after) respond(connection, reply);
      break;
    case KIND_HEAD:
      if (!connection.close_after) begin_answer(connection, reply);
      break;
    case KIND_INTERIM:
      if (!connection.close_after) write_interim(connection, reply);
      break;
    case KIND_CHUNK:
      write_chunk(connection, reply);
      break;
    case KIND_FILE:
      write_file(connection, reply);
      break;
    case KIND_BYTES:
      write_borrowed(connection, reply);
      break;
    case KIND_END:
      end_answer(connection, reply[REPLY_FLAGS]);
      break;
    case KIND_RAW:
      if (!connection.close_after) begin_raw(connection, reply);
      break;
    case KIND_ABORT:
      cut_answer(connection);
      break;
    case KIND_PAUSE_BODY:
      if (!is_receiving(connection, reply)) break;
      connection.body_paused = connection.body_open && !connection.body_discarded;
      update_clock(connection, Progress::kNone);
      break;
    case KIND_RESUME_BODY:
      if (is_receiving(connection, reply)) resume_body(connection);
      break;
    case KIND_CONTINUE:
      if (!is_receiving(connection, reply)) break;
      connection.wants_continue = connection.awaits_continue;
      send_continue(connection);
      break;
    case KIND_BODY_CLOCK:
      set_own_clock(connection, Clock::kBody, reply);
      break;
    case KIND_WRITE_CLOCK:
      set_own_clock(connection, Clock::kWrite, reply);
      break;
    case KIND_UPGRADE:
      if (!connection.close_after) switch_protocol(connection, reply);
      break;
    case KIND_NOTHING:
      break;  // taken back before it was seen here
    default:
      break;  // a bug of this package's own JavaScript; losing one record is the least harm
  }
}

HeadFields Engine::fields_of(const int32_t* reply) const {
  HeadFields fields;
  fields.keep_alive = &writing_->options->keep_alive;
  if ((reply[REPLY_FLAGS] & REPLY_OWN_DEFAULTS) == 0) {
    fields.defaults = &writing_->options->default_lines;
  }
  fields.status = reply[REPLY_STATUS];
  fields.type = reply[REPLY_TYPE];
  fields.lines = blocks_.arena + reply[REPLY_HEAD_OFFSET];
  fields.lines_length = static_cast<size_t>(reply[REPLY_HEAD_LENGTH]);
  fields.own_date = (reply[REPLY_FLAGS] & REPLY_OWN_DATE) != 0;
  if (reply[REPLY_FLAGS] & REPLY_REASON) {
    // The reason phrase of the app is the first of the lines.
    const void* end = std::memchr(fields.lines, '\r', fields.lines_length);
    size_t length = static_cast<size_t>(static_cast<const char*>(end) - fields.lines);
    fields.reason = fields.lines;
    fields.reason_length = length;
    fields.lines += length + 2;
    fields.lines_length -= length + 2;
  }
  return fields;
}

bool Engine::can_drop_body(const Connection& connection) const {
  return !connection.awaits_continue && connection.body_left <= kDropMax;
}

// Decides whether the connection goes on after this answer, and says so in its head. Of a streamed
// answer it is not known yet what will be left of the request's body: its end decides that.
Persistence Engine::persistence_of(Connection& connection, int32_t flags, bool streamed) {
  bool last = connection.unanswered <= 1;
  bool close = (flags & FLAG_KEEP_ALIVE) == 0 || (flags & REPLY_CLOSE) != 0;
  if (last && connection.input_done && connection.failure.status == 0) close = true;
  if (last && (is_stopping(connection.listener) || (retiring_ && is_bound(connection)))) {
    close = true;
    connection.linger_close = true;
  }
  // A client that got no 100 must know whether a body may still follow (RFC 9110 10.1.1).
  bool unwanted = streamed ? connection.awaits_continue : !can_drop_body(connection);
  if (last && connection.body_open && unwanted) {
    close = true;
    connection.linger_close = true;
  }
  if (close) {
    connection.close_after = true;
    // The client did not ask for it: its next request may be on the way, and must not be answered
    // by a reset that destroys this answer (RFC 9112 9.6).
    if (flags & FLAG_KEEP_ALIVE) connection.linger_close = true;
    // The body that a streamed answer may be made of is still read to its end.
    if (!streamed || !connection.body_open) connection.input_done = true;
    return Persistence::kClose;
  }
  return (flags & FLAG_HTTP10) != 0 ? Persistence::kKeepAlive : Persistence::kDefault;
}

void Engine::respond(Connection& connection, const int32_t* reply) {
  int32_t flags = reply[REPLY_FLAGS];
  HeadFields fields = fields_of(reply);
  size_t length = static_cast<size_t>(reply[REPLY_BODY_LENGTH]);
  bool bodyless = is_bodyless(fields.status);
  fields.framing = bodyless ? Framing::kNone : Framing::kLength;
  fields.length = length;
  if (flags & REPLY_LENGTH) announce_length(fields, reply);
  fields.persistence = persistence_of(connection, flags, false);
  if (bodyless || (flags & FLAG_HEAD) != 0) length = 0;
  const char* body = blocks_.arena + reply[REPLY_BODY_OFFSET];
  bool direct = length >= kUncopiedMin;
  char* out = reserve(head_bytes_bound(fields) + (direct ? 0 : length));
  size_t written = write_head(out, fields, date_);
  if (connection.recording != nullptr) record_answer(connection, fields.status, written);
  if (!direct) std::memcpy(out + written, body, length);
  out_length_ += written + (direct ? 0 : length);
  if (direct) send_output(connection, body, length);
  finish_answer(connection);
}

void Engine::begin_answer(Connection& connection, const int32_t* reply) {
  int32_t flags = reply[REPLY_FLAGS];
  HeadFields fields = fields_of(reply);
  connection.answer = Answer::kOpen;
  if (is_bodyless(fields.status)) {
    connection.answer = Answer::kMuted;
  } else if (flags & REPLY_LENGTH) {
    announce_length(fields, reply);
  } else if (flags & FLAG_HTTP10) {
    flags |= REPLY_CLOSE;  // delimited by the end of the connection (RFC 9112 6.3)
    connection.until_close = (flags & FLAG_HEAD) == 0;
  } else {
    fields.framing = Framing::kChunked;
  }
  if (flags & FLAG_HEAD) connection.answer = Answer::kMuted;
  connection.answer_left = fields.framing == Framing::kLength ? fields.length : ~0ull;
  fields.persistence = persistence_of(connection, flags, true);
  char* out = reserve(head_bytes_bound(fields));
  size_t written = write_head(out, fields, date_);
  if (connection.recording != nullptr) record_answer(connection, fields.status, written);
  out_length_ += written;
}

// The head is among the chunks, as the app wrote it: its status is only for the log. The flags say
// what the request asks for; what the app's own head says of the connection is the app's to keep.
void Engine::begin_raw(Connection& connection, const int32_t* reply) {
  connection.answer = Answer::kOpen;
  connection.answer_left = ~0ull;
  connection.until_close = true;  // for all that is known here: so a cut of it must be a reset
  persistence_of(connection, reply[REPLY_FLAGS], true);
  if (connection.recording != nullptr) record_answer(connection, reply[REPLY_STATUS], 0);
}

// RFC 9110 15.2: any number of them, before the head of the answer that is next.
void Engine::write_interim(Connection& connection, const int32_t* reply) {
  if (connection.answer != Answer::kNone) return;
  HeadFields fields;
  fields.status = reply[REPLY_STATUS];
  fields.own_date = true;  // it has none
  fields.lines = blocks_.arena + reply[REPLY_HEAD_OFFSET];
  fields.lines_length = static_cast<size_t>(reply[REPLY_HEAD_LENGTH]);
  char* out = reserve(head_bytes_bound(fields));
  out_length_ += write_head(out, fields, date_);
}

void Engine::write_chunk(Connection& connection, const int32_t* reply) {
  size_t length = static_cast<size_t>(reply[REPLY_BODY_LENGTH]);
  if (reply[REPLY_FLAGS] & REPLY_NOTIFY) connection.wants_writable = true;
  if (length == 0 || connection.answer == Answer::kNone || connection.answer == Answer::kMuted) {
    return;
  }
  if (length > connection.answer_left || connection.file != nullptr) {
    // More than the head announced, or before the file in front has left: the message is broken.
    cut_answer(connection);
    return;
  }
  if (connection.answer_left != ~0ull) connection.answer_left -= length;
  // Chunks are framed already: JavaScript writes them where they are sent from.
  write_bytes(connection, blocks_.arena + reply[REPLY_BODY_OFFSET], length);
}

// REPLY_CLOSE: the connection ends with it, though its head did not say so.
void Engine::end_answer(Connection& connection, int32_t flags) {
  if (connection.answer == Answer::kNone) return;
  bool is_short = connection.answer_left != ~0ull && connection.answer_left != 0;
  if (connection.answer == Answer::kOpen && (is_short || connection.file != nullptr)) {
    cut_answer(connection);  // less than the head announced, or before it has left
    return;
  }
  connection.answer = Answer::kNone;
  if (flags & REPLY_CLOSE) {
    connection.close_after = true;
    connection.linger_close = true;
  }
  if (!connection.close_after) connection.until_close = false;  // the app's, see begin_raw
  finish_answer(connection);
}

// Closes in the middle of an answer; those before it still leave.
void Engine::cut_answer(Connection& connection) {
  if (out_length_ > 0) send_output(connection, nullptr, 0);
  destroy(connection, CLOSED_GONE);
}

void Engine::finish_answer(Connection& connection) {
  if (connection.recording != nullptr) record_end(connection);
  connection.unanswered--;
  // If sending the answer has found the peer gone, destroy has taken all of them off already.
  if (connection.stage != Stage::kClosed) in_flight_--;
  connection.handler_timed = false;  // the next one's handler has a clock of its own
  if (connection.unanswered == 0 && connection.body_open && !can_drop_body(connection)) {
    connection.close_after = true;
  }
  if (connection.close_after) {  // what follows on this connection is not answered
    connection.input_done = true;
    if (connection.body_open) connection.linger_close = true;
    return;
  }
  if (connection.unanswered == 0) {
    connection.unsafe_pending = false;
    connection.awaits_switch = false;
    if (connection.body_open) {
      connection.body_discarded = true;
      connection.body_paused = false;
    }
    if (connection.failure.status != 0) {
      write_failure(connection, connection.failure);
      return;
    }
  }
  send_continue(connection);
  if (connection.held && connection.unanswered <= connection.options->pipeline_max / 2) {
    queue_resume(connection);
  }
}

void Engine::answer_constant(Connection& connection, ConstantResponse& constant, bool head_only) {
  Parser& parser = *connection.parser;
  constant.answered[(head_only ? 2 : 0) + (parser.is_http10() ? 1 : 0)]++;
  int32_t flags = (parser.keep_alive() ? FLAG_KEEP_ALIVE : 0) |
                  (parser.is_http10() ? FLAG_HTTP10 : 0);
  HeadFields fields;
  fields.keep_alive = &connection.options->keep_alive;
  fields.defaults = &connection.options->default_lines;
  fields.status = constant.status;
  fields.type = constant.type;
  fields.lines = constant.lines.data;
  fields.lines_length = constant.lines.length;
  bool bodyless = is_bodyless(constant.status);
  fields.framing = bodyless ? Framing::kNone : Framing::kLength;
  fields.length = constant.body.length;
  fields.persistence = persistence_of(connection, flags, false);
  size_t length = bodyless || head_only ? 0 : constant.body.length;
  if (head_bytes_bound(fields) + length > kOutBytes / 2) {
    char* out = reserve(head_bytes_bound(fields));
    size_t written = write_head(out, fields, date_);
    if (connection.recording != nullptr) record_answer(connection, fields.status, written);
    out_length_ += written;
    send_output(connection, constant.body.data, length);
  } else {
    char* out = reserve(head_bytes_bound(fields) + length);
    size_t written = write_head(out, fields, date_);
    if (connection.recording != nullptr) record_answer(connection, fields.status, written);
    if (length > 0) std::memcpy(out + written, constant.body.data, length);
    out_length_ += written + length;
  }
  if (connection.recording != nullptr) record_end(connection);
}

// The only place where the core answers by itself; the connection ends with it.
void Engine::write_failure(Connection& connection, const Failure& failure) {
  uint16_t status = failure.status;
  if (status >= 400 && status < 400 + kRefusedMax) refused_[status - 400]++;
  HeadFields fields;
  fields.status = failure.status;
  fields.type = TYPE_TEXT;
  if (failure.status == 503) {  // for want of room, or of a worker that yields: both come and go
    fields.lines = "Retry-After: 1\r\n";
    fields.lines_length = std::strlen(fields.lines);
  }
  fields.framing = Framing::kLength;
  fields.length = std::strlen(failure.reason) + 1;
  fields.persistence = Persistence::kClose;
  fields.defaults = &connection.options->default_lines;
  char* out = reserve(head_bytes_bound(fields) + fields.length);
  size_t written = write_head(out, fields, date_);
  if (connection.recording != nullptr) record_failure(connection, failure, written);
  if (!connection.failure_muted) {
    std::memcpy(out + written, failure.reason, fields.length - 1);
    out[written + fields.length - 1] = '\n';
    written += fields.length;
  }
  out_length_ += written;
  if (connection.recording != nullptr) record_end(connection);
  connection.failure = {};
  connection.input_done = true;
  connection.close_after = true;
  connection.linger_close = true;
}

// An interim answer waits, as any other, for those before it.
void Engine::send_continue(Connection& connection) {
  if (!connection.wants_continue || connection.unanswered != 1) return;
  connection.wants_continue = false;
  if (!connection.awaits_continue || connection.answer != Answer::kNone) return;
  connection.awaits_continue = false;
  put_out("HTTP/1.1 100 Continue\r\n\r\n", 25);
}

void Engine::resume_body(Connection& connection) {
  if (!connection.body_paused) return;
  connection.body_paused = false;
  update_clock(connection, Progress::kReceived);
  update_interest(connection);
}

}  // namespace millrace
