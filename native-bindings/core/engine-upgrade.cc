// Connections that have switched protocols: from the head that says so on, they carry bytes that
// JavaScript is given as they come, and bytes that JavaScript sends. No parser, no clock, no bound
// but that of unsent output; either side may end first (half-close).
//
// Such a connection stays with its thread to its end, which JavaScript is always told. It counts
// for its listener, but not among those of HTTP: whoever waits until these have gone does not wait
// for it. Thread: the worker's.
#include "engine.h"

namespace millrace {

// The last answer of HTTP on the connection. JavaScript writes it when those before it are written.
void Engine::switch_protocol(Connection& connection, const int32_t* reply) {
  bool is_due = connection.awaits_switch && connection.held && connection.unanswered == 1 &&
                connection.answer == Answer::kNone && !connection.body_open;
  if (!is_due) {
    cut_answer(connection);  // a bug of this package's own JavaScript
    return;
  }
  HeadFields fields = fields_of(reply);
  fields.keep_alive = nullptr;
  char* out = reserve(head_bytes_bound(fields));
  if (connection.stage != Stage::kOpen) return;  // those before it have found the peer gone
  size_t written = write_head(out, fields, date_);
  if (connection.recording != nullptr) record_answer(connection, fields.status, written);
  out_length_ += written;
  if (connection.recording != nullptr) record_end(connection);
  leave_http(connection);
}

void Engine::leave_http(Connection& connection) {
  connection.unanswered = 0;
  in_flight_--;
  connection.awaits_switch = false;
  connection.held = false;
  connection.unsafe_pending = false;
  connection.body_paused = false;
  connection.notify_end = false;  // of an exchange that is over
  connection.notify_timeout = false;
  connection.clock = Clock::kNone;
  table_.deadlines[connection.slot] = 0;
  connection.stage = Stage::kUpgraded;
  connection.upgraded = true;
  uint16_t listener = connection.listener;
  count_connection(listener, -1);
  count_upgraded(listener, 1);
  if (listener_draining_[listener]) report_drained(listener);
  if (retiring_) report_retired();
  // What lies behind the message is the first that JavaScript is given.
  if (connection.input.length > 0) queue_resume(connection);
  else connection.input.release();
  if (!connection.end_noticed) return;
  // Noticed once, which HTTP needed. It is to be noticed again, also while nobody reads.
  connection.end_noticed = false;
  if (connection.registered) rewatch(connection, false, connection.writes_armed);
}

void Engine::process_bytes(Connection& connection, const int32_t* reply) {
  if (connection.stage == Stage::kClosed) return;
  if (reply[REPLY_KIND] == KIND_ABORT) {
    abort_upgraded(connection, (reply[REPLY_FLAGS] & REPLY_RESET) != 0);
    return;
  }
  if (connection.stage != Stage::kUpgraded) return;  // lingering: JavaScript has let it go
  select_output(connection);
  switch (reply[REPLY_KIND]) {
    case KIND_SEND:
      send_bytes(connection, reply);
      break;
    case KIND_FINISH: {
      bool closes = (reply[REPLY_FLAGS] & REPLY_CLOSE) != 0;
      if (closes) connection.sending = Sending::kCloses;
      else if (connection.sending == Sending::kOpen) connection.sending = Sending::kEnds;
      break;
    }
    case KIND_PAUSE_BODY:
      connection.body_paused = true;
      break;
    case KIND_RESUME_BODY:
      connection.body_paused = false;
      if (connection.input.length > 0 || !connection.registered) queue_resume(connection);
      break;
    default:
      break;  // of the exchange before, which has ended
  }
}

void Engine::send_bytes(Connection& connection, const int32_t* reply) {
  if (connection.sending != Sending::kOpen) return;
  if (reply[REPLY_FLAGS] & REPLY_NOTIFY) connection.wants_writable = true;
  size_t length = static_cast<size_t>(reply[REPLY_BODY_LENGTH]);
  if (length > 0) write_bytes(connection, blocks_.arena + reply[REPLY_BODY_OFFSET], length);
}

// At once, but for what was written before it in the same flush and the socket takes.
void Engine::abort_upgraded(Connection& connection, bool is_reset) {
  select_output(connection);
  if (out_length_ > 0) send_output(connection, nullptr, 0);
  if (connection.stage == Stage::kClosed) return;
  if (is_reset) Transport::reset_on_close(connection.fd);
  destroy(connection, CLOSED_GONE);
}

// After bytes have left, and when the peer has ended: what now?
void Engine::settle_upgraded(Connection& connection) {
  if (connection.recording != nullptr) {
    recorder_.sent(connection);
    if (connection.recording->first == nullptr) recorder_.forget(connection);
  }
  if (connection.output.length == 0) {
    if (connection.wants_writable) {
      connection.wants_writable = false;
      connection.notify_writable = true;
      queue_notify(connection);
    }
    if (connection.sending == Sending::kCloses && !connection.read_ended) {
      begin_linger(connection);
      return;
    }
    if (connection.sending == Sending::kEnds) {
      Transport::end(connection.fd);
      connection.sending = Sending::kEnded;
    }
    if (connection.sending != Sending::kOpen && connection.read_ended) {
      destroy(connection, CLOSED_GONE);
      return;
    }
  }
  watch_upgraded(connection);
}

// Its bytes go to JavaScript as they come.
bool Engine::wants_data(const Connection& connection) const {
  return !connection.body_paused && !connection.read_ended && connection.input.length == 0;
}

// As update_interest: reading is given up when an unwanted event has come.
void Engine::watch_upgraded(Connection& connection) {
  if (!connection.registered) return;
  bool read = wants_data(connection);
  bool write = connection.output.length > 0;
  if (write == connection.writes_armed && (!read || connection.reads_armed)) return;
  rewatch(connection, read || connection.reads_armed, write);
}

void Engine::upgraded_ready(Connection& connection, const Ready& ready) {
  if (ready.writable) drain_output(connection);
  if (connection.stage != Stage::kUpgraded) return;
  if (!ready.readable && !ready.ended && !ready.gone) return;
  if (!has_headroom()) return;
  if (wants_data(connection)) {
    read_data(connection);
    return;
  }
  bool failed = ready.gone && Transport::has_failed(connection.fd);
  if (failed || (ready.gone && connection.read_ended)) {
    destroy(connection, failed ? CLOSED_RESET : CLOSED_GONE);
    return;
  }
  bool ended = (ready.ended || ready.gone) && !connection.read_ended;
  if (ended && connection.input.length == 0 && !Transport::has_unread(connection.fd)) {
    end_data(connection);
  } else if (ready.gone) {
    note_hang_up(connection);
  } else {
    if (ready.ended) connection.end_noticed = true;
    rewatch(connection, false, connection.writes_armed);
  }
}

// Both sides have ended, and bytes lie unread while nobody reads. The kernel would tell of it again
// and again, whatever is asked for: nothing is watched until JavaScript reads on.
void Engine::note_hang_up(Connection& connection) {
  if (connection.output.length > 0) {  // on a Unix socket: nobody is left to take it
    destroy(connection, CLOSED_RESET);
    return;
  }
  if (connection.registered) transport_.unwatch(connection.fd);
  connection.registered = false;
}

// At most a read a turn, so that one connection does not starve the others.
void Engine::read_data(Connection& connection) {
  uint32_t room = slab_.room_to_read(0);
  if (room == 0) return;  // the next round has a fresh slab
  IoResult result = Transport::receive(connection.fd, slab_.bottom(), room);
  if (!note_received(connection, result)) return;
  put_data(connection, static_cast<uint32_t>(result.length));
}

// What lies at the slab's bottom.
void Engine::put_data(Connection& connection, uint32_t length) {
  int32_t* event = next_event(KIND_DATA, connection);
  event[EVENT_BODY_BUFFER] = -1;
  event[EVENT_BODY_OFFSET] = static_cast<int32_t>(slab_.offset_of(slab_.bottom()));
  event[EVENT_BODY_LENGTH] = static_cast<int32_t>(length);
  slab_.take(length);
}

void Engine::end_data(Connection& connection) {
  connection.read_ended = true;
  connection.end_noticed = true;
  slot_words(connection)[SLOT_FLAGS] |= SLOT_FLAG_ENDED;
  next_event(KIND_DATA_END, connection);
  if (connection.registered) rewatch(connection, false, connection.writes_armed);
  settle_upgraded(connection);
}

// JavaScript may be given what was read with the head, or reads on where nothing was watched.
void Engine::resume_upgraded(Connection& connection) {
  if (connection.body_paused) return;
  uint32_t length = connection.input.length;
  if (length > 0 && !slab_.has_room_for(length)) {
    slab_.demand_fresh();
    queue_resume(connection);
    return;
  }
  if (length > 0) {
    std::memcpy(slab_.bottom(), connection.input.data, length);
    put_data(connection, length);
    connection.input.release();
  }
  if (!connection.registered) fresh_.push_back(connection.slot);
  watch_upgraded(connection);
}

bool Engine::set_socket_option(uint32_t slot, uint32_t generation, SocketOption option,
                               int32_t value) {
  const Connection* found = connection(slot, generation);
  if (found == nullptr) return false;
  switch (option) {
    case SocketOption::kNoDelay:
      return Transport::set_no_delay(found->fd, value != 0);
    case SocketOption::kKeepAlive:
      return Transport::set_keep_alive(found->fd, value);
  }
  return false;
}

// Its thread ends. Only a reset shows that bytes are missing.
void Engine::cut_upgraded(Connection& connection) {
  if (connection.output.length > 0) Transport::reset_on_close(connection.fd);
  destroy(connection, CLOSED_GONE);
}

}  // namespace millrace
