// Ends: what a connection does when its answers have left, its clocks, lingering and closing.
#include "clock.h"
#include "engine.h"

namespace millrace {

namespace {

// How long a closing connection is read on, so that the peer can read our last answer.
constexpr uint32_t kLingerMs = 5000;
// …when it is cut. Who stops its listener by force, or at the deadline, waits for it.
constexpr uint32_t kCutLingerMs = 500;

uint64_t token_of(const Connection& connection) {
  return connection.slot | static_cast<uint64_t>(connection.generation) << 32;
}

}  // namespace

// After bytes have left or the peer has ended: what now?
void Engine::settle(Connection& connection) {
  if (connection.stage != Stage::kOpen) {
    if (connection.stage == Stage::kUpgraded) settle_upgraded(connection);
    return;
  }
  if (connection.recording != nullptr) recorder_.sent(connection);
  bool drained = !connection.has_unsent();
  if (drained && connection.wants_writable) {
    connection.wants_writable = false;
    connection.notify_writable = true;
    queue_notify(connection);
  }
  if (drained) {
    bool answered = connection.unanswered == 0 && !connection.held;
    if (connection.close_after ? connection.answer == Answer::kNone
                               : answered && connection.input_done) {
      close_gently(connection);
      return;
    }
  }
  update_clock(connection, Progress::kNone);
  if (connection.registered) update_interest(connection);
  if (retiring_) leaving_.push_back(connection.slot);
}

void Engine::update_interest(Connection& connection) {
  if (!connection.registered) return;
  bool read = wants_input(connection) && !connection.read_ended;
  bool write = connection.has_unsent();
  // Reading is given up lazily, when an unwanted event has come: most pauses end before that.
  if (write == connection.writes_armed && (!read || connection.reads_armed)) return;
  rewatch(connection, read || connection.reads_armed, write);
}

// The peer's FIN is watched for until it has come: who works on an answer must hear of it.
bool Engine::rewatch(Connection& connection, bool read, bool write) {
  bool end = !connection.end_noticed;
  if (!transport_.rewatch(connection.fd, token_of(connection), read, write, end)) return false;
  connection.reads_armed = read;
  connection.writes_armed = write;
  return true;
}

void Engine::set_clock(Connection& connection, Clock clock, uint32_t milliseconds) {
  connection.clock = clock;
  if (clock == Clock::kWrite) connection.unacknowledged = Transport::unacknowledged(connection.fd);
  table_.deadlines[connection.slot] = milliseconds == 0 ? 0 : deadline_in(milliseconds);
}

uint32_t Engine::deadline_in(uint32_t milliseconds) const {
  return now_tick_ + (milliseconds + kTickMs - 1) / kTickMs + 1;
}

// The handler's clock runs beside the others, so that no client holds one for longer by what it
// sends or takes: from when its request is the next to be answered until the head of its answer.
void Engine::time_handler(Connection& connection) {
  bool works = connection.unanswered > 0 && connection.answer == Answer::kNone;
  if (!works || connection.handler_timed) return;
  connection.handler_timed = true;
  std::vector<uint32_t>& deadlines = table_.handler_deadlines;
  if (deadlines.size() <= connection.slot) deadlines.resize(table_.deadlines.size(), 0);
  deadlines[connection.slot] = deadline_in(connection.options->handler_timeout_ms);
}

// What was set for a request that has been answered meanwhile, or for a connection that has gone,
// is over: nothing takes it back before.
void Engine::handler_due(Connection& connection) {
  bool works = connection.unanswered > 0 && connection.answer == Answer::kNone;
  if (connection.stage != Stage::kOpen || !works || !connection.handler_timed) return;
  connection.notify_timeout = true;
  queue_notify(connection);
}

// A handler's own for its request: the clock that runs already starts anew with it.
void Engine::set_own_clock(Connection& connection, Clock clock, const int32_t* reply) {
  OwnClocks& own = own_clocks_[connection.slot];
  if (!connection.has_own_clocks) own = OwnClocks{};
  connection.has_own_clocks = true;
  uint32_t sequence = static_cast<uint32_t>(reply[REPLY_FLAGS]);
  uint32_t milliseconds = static_cast<uint32_t>(reply[REPLY_STATUS]);
  if (clock == Clock::kBody) {
    own.body_sequence = sequence;
    own.body_ms = milliseconds;
  } else {
    own.write_sequence = sequence;
    own.write_ms = milliseconds;
  }
  if (connection.clock != clock) return;
  connection.clock = Clock::kNone;
  update_clock(connection, Progress::kNone);
}

uint32_t Engine::body_timeout_ms(const Connection& connection) const {
  uint32_t listeners = connection.options->body_timeout_ms;
  if (!connection.has_own_clocks) return listeners;
  const OwnClocks& own = own_clocks_.find(connection.slot)->second;
  bool is_its = own.body_ms > 0 && own.body_sequence + 1 == connection.sequence;
  return is_its ? own.body_ms : listeners;
}

// What waits is of the request that set it while that is unanswered, and then until there is
// another one.
uint32_t Engine::write_timeout_ms(const Connection& connection) const {
  uint32_t listeners = connection.options->write_timeout_ms;
  if (!connection.has_own_clocks) return listeners;
  const OwnClocks& own = own_clocks_.find(connection.slot)->second;
  uint32_t back = connection.unanswered > 1 ? connection.unanswered : 1;
  bool is_its = own.write_ms > 0 && connection.sequence - own.write_sequence <= back;
  return is_its ? own.write_ms : listeners;
}

// Of the others one runs at a time. The body's starts anew when bytes have come, the write stall's
// when some have left, that of an idle connection with each request; the head's does not. So
// nothing but requests keeps an idle connection: not empty lines between them either.
void Engine::update_clock(Connection& connection, Progress progress) {
  if (connection.stage != Stage::kOpen) return;
  Clock clock = Clock::kIdle;
  const ListenerOptions& options = *connection.options;
  if (options.handler_timeout_ms > 0) time_handler(connection);
  uint32_t limit = options.idle_timeout_ms;
  if (connection.has_unsent()) {
    clock = Clock::kWrite;
    limit = write_timeout_ms(connection);
  } else if (connection.body_open && !connection.body_paused && !connection.awaits_continue) {
    clock = Clock::kBody;
    limit = body_timeout_ms(connection);
  } else if (connection.unanswered > 0) {
    clock = Clock::kNone;  // a stream may be quiet for as long as it likes
    limit = 0;
  } else if (connection.parser != nullptr && !connection.parser->head_done()) {
    clock = Clock::kHead;
    limit = options.head_timeout_ms;
  }
  bool restarts = (clock == Clock::kIdle && connection.idle_sequence != connection.sequence) ||
                  (clock == Clock::kBody && progress == Progress::kReceived) ||
                  (clock == Clock::kWrite && progress == Progress::kSent);
  if (clock == connection.clock && !restarts) return;
  if (clock == Clock::kIdle) {
    connection.idle_sequence = connection.sequence;
    bool ends = is_stopping(connection.listener) || (retiring_ && is_bound(connection));
    if (ends) {
      limit = options_.drain_quiet_ms;
    } else if (is_pinned(connection)) {
      limit = 0;
    }
  }
  set_clock(connection, clock, limit);
}

void Engine::clock_fired(Connection& connection) {
  if (connection.stage == Stage::kAnnouncing) {
    announcement_due(connection);
    return;
  }
  if (is_settled_by_reading(connection)) return;
  switch (connection.clock) {
    case Clock::kIdle:
      begin_linger(connection);
      break;
    case Clock::kHead: {
      Failure failure = kHeadTimeout;
      const Bytes& input = connection.input;
      if (connection.recording != nullptr) {
        record_refusal(connection, failure, input.data, input.data + input.length);
      }
      report_refusal(connection, failure, input.data, input.length);
      drop_parser(connection);
      connection.input.release();
      refuse(connection, failure);
      break;
    }
    case Clock::kBody:
      drop_parser(connection);
      refuse(connection, kBodyTimeout);
      select_output(connection);
      break;
    case Clock::kWrite:
      // The socket says that it takes bytes again only when much has left it: a peer that is slow
      // shows in what the kernel still holds.
      if (Transport::unacknowledged(connection.fd) < connection.unacknowledged) {
        set_clock(connection, Clock::kWrite, write_timeout_ms(connection));
      } else {
        destroy(connection, CLOSED_TIMEOUT);
      }
      break;
    case Clock::kLinger:
      destroy(connection, CLOSED_GONE);
      break;
    case Clock::kNone:
      break;
  }
}

// What the clock waited for may lie in the socket: a request that has just arrived, or all that
// came while a handler held this thread up. It is read before anything is cut. False: it was not
// what the clock waits for, an empty line say, and the time is still over.
bool Engine::is_settled_by_reading(Connection& connection) {
  Clock clock = connection.clock;
  if (clock != Clock::kIdle && clock != Clock::kHead && clock != Clock::kBody) return false;
  if (!connection.registered || !wants_input(connection) || !has_headroom() ||
      !Transport::has_unread(connection.fd)) {
    return false;
  }
  read(connection);
  bool restarted = table_.deadlines[connection.slot] != 0;
  return connection.stage != Stage::kOpen || connection.clock != clock || restarted;
}

void Engine::close_gently(Connection& connection) {
  if (!connection.read_ended &&
      (connection.linger_close || Transport::has_unread(connection.fd))) {
    begin_linger(connection);
  } else {
    destroy(connection, CLOSED_GONE);
  }
}

// FIN out, then read on until the peer's: closing with unread input would send a reset, which can
// destroy the answer on its way (RFC 9112 9.6).
void Engine::begin_linger(Connection& connection) {
  drop_parser(connection);
  connection.input.release();
  connection.output.release();
  Transport::end(connection.fd);
  connection.stage = Stage::kLingering;
  connection.input_done = true;
  set_clock(connection, Clock::kLinger, kLingerMs);
  if (connection.registered) {
    if (!connection.reads_armed || connection.writes_armed) rewatch(connection, true, false);
  }
  read_lingering(connection);
}

// Closing would send a reset, at once or for what comes next. Of an answer that ends with the
// connection only a reset shows that it was cut.
bool Engine::may_be_sending(const Connection& connection) {
  if (connection.read_ended) return false;
  bool midway = connection.answer != Answer::kNone || connection.output.length > 0;
  if (connection.until_close && midway) return false;
  return connection.upgraded || connection.parser != nullptr || connection.input.length > 0 ||
         Transport::has_unread(connection.fd);
}

// At once, as far as JavaScript and the answers go. If the peer may be sending the socket lingers,
// for a moment.
void Engine::cut(Connection& connection) {
  if (connection.stage == Stage::kLingering) {
    uint32_t before = table_.deadlines[connection.slot];
    set_clock(connection, Clock::kLinger, kCutLingerMs);
    uint32_t& deadline = table_.deadlines[connection.slot];
    if (before < deadline) deadline = before;
    return;
  }
  if (may_be_sending(connection)) {
    end_bulk(connection);
    bool lingers = linger_apart(connection.fd, connection.listener, connection.options,
                                connection.registered);
    if (lingers) connection.fd = -1;
  }
  destroy(connection, CLOSED_GONE);
}

// In a slot of its own, which counts as a connection; the one that it was is over. False: there is
// no slot. It has no address: who counts those has counted it.
bool Engine::linger_apart(int fd, uint16_t listener, ListenerOptions* options, bool registered) {
  Connection* added = table_.add(fd);
  if (added == nullptr) return false;
  Connection& connection = *added;
  connection.listener = listener;
  connection.options = options;
  options->holders++;
  shared_->connections.fetch_add(1, std::memory_order_relaxed);
  server_->listener(listener).connections.fetch_add(1, std::memory_order_relaxed);
  count_connection(listener, 1);
  int32_t* words = slot_words(connection);
  words[SLOT_GENERATION] = 0;  // JavaScript knows nothing of it
  words[SLOT_FLAGS] = 0;
  uint64_t token = token_of(connection);
  connection.registered = registered ? transport_.rewatch(fd, token, true, false, true)
                                     : transport_.watch(fd, token, true, false, true);
  connection.reads_armed = connection.registered;
  begin_linger(connection);
  if (connection.stage == Stage::kLingering) set_clock(connection, Clock::kLinger, kCutLingerMs);
  return true;
}

void Engine::destroy(Connection& connection, uint8_t reason) {
  if (connection.stage == Stage::kClosed || connection.stage == Stage::kFree) return;
  if (writing_ == &connection) {
    writing_ = nullptr;
    out_length_ = 0;
  }
  bool midway = connection.answer != Answer::kNone || connection.output.length > 0;
  if (connection.until_close && midway) Transport::reset_on_close(connection.fd);
  end_bulk(connection);
  if (connection.fd >= 0) Transport::close_socket(connection.fd);  // else it lingers apart
  slot_words(connection)[SLOT_GENERATION] = 0;  // JavaScript sees at once that it has gone
  // …and whose doing that was, until the slot has its next connection.
  if (reason == CLOSED_RESET) slot_words(connection)[SLOT_FLAGS] |= SLOT_FLAG_RESET;
  connection.fd = -1;
  connection.stage = Stage::kClosed;
  connection.closed_reason = reason;
  if (connection.recording != nullptr) recorder_.closed(connection);
  // While its own bytes are being parsed the parser is still in use: after_parse lets it go.
  if (reading_ != &connection) drop_parser(connection);
  connection.input.release();
  connection.output.release();
  drop_file(connection);
  delete connection.announced;
  connection.announced = nullptr;
  table_.deadlines[connection.slot] = 0;
  in_flight_ -= connection.unanswered;
  shared_->connections.fetch_sub(1, std::memory_order_relaxed);
  uint16_t listener = connection.listener;
  if (connection.upgraded) count_upgraded(listener, -1);
  else count_connection(listener, -1);
  server_->connection_ended(listener, connection.address);
  if (listener_draining_[listener]) report_drained(listener);
  if (retiring_) report_retired();
  if (connection.unanswered > 0 || connection.upgraded || is_bound(connection)) {
    connection.notify_closed = true;
    queue_notify(connection);
  } else if (!connection.notify_queued) {
    closed_.push_back(connection.slot);
  } else {
    connection.notify_closed = true;  // the queued notification frees the slot
  }
}

}  // namespace millrace
