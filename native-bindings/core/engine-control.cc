// What others ask of an engine: adopting connections, stopping a listener, constants.
#include "engine.h"

namespace millrace {

bool Engine::is_stopping(uint16_t listener) {
  uint32_t state = server_->listener(listener).state.load(std::memory_order_acquire);
  return state >= static_cast<uint32_t>(ListenerState::kStopping);
}

Readiness Engine::readiness(uint16_t listener) {
  return is_stopping(listener) ? Readiness::kDraining : server_->readiness();
}

// Takes what has arrived while there is room for its requests; the rest waits for the next round.
void Engine::adopt_all() {
  while (adopted_ < arrivals_.size() && has_headroom()) adopt(arrivals_[adopted_++]);
  arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<long>(adopted_));
  adopted_ = 0;
}

void Engine::adopt(const Handover& item) {
  // A worker hears of a listener before anybody can connect to it.
  ListenerOptions* options = listeners_[item.listener];
  Connection* added = options == nullptr ? nullptr : table_.add(item.fd);
  if (added == nullptr) {
    shared_->connections.fetch_sub(1, std::memory_order_relaxed);
    server_->refuse(item);
    if (listener_draining_[item.listener]) report_drained(item.listener);
    return;
  }
  Connection& connection = *added;
  connection.id = item.id;
  connection.address = item.address;
  connection.listener = item.listener;
  connection.options = options;
  options->holders++;
  connection.announced = item.announced;
  connection.input = item.input;
  connection.input.count_in(&held_bytes_);
  connection.output.count_in(&held_bytes_);
  count_connection(item.listener, 1);
  int32_t* words = slot_words(connection);
  words[SLOT_GENERATION] = static_cast<int32_t>(connection.generation);
  words[SLOT_NEXT_SEQUENCE] = 0;
  words[SLOT_UNSENT] = 0;
  words[SLOT_FLAGS] = 0;
  if (recorder_.is_on()) recorder_.adopted(connection);
  fresh_.push_back(connection.slot);
  if (connection.options->proxy_required && connection.announced == nullptr) {
    await_announcement(connection, item.waited_ms);
    return;
  }
  update_clock(connection, Progress::kReceived);
  if (connection.input.length > 0) {
    // Bytes that another thread had received: a message that waited, or the start of one.
    connection.held = true;
    resume(connection);
    if (connection.clock == Clock::kHead) shorten_clock(connection, item.waited_ms);
    return;
  }
  shorten_clock(connection, item.waited_ms);
  // Its request is usually here already; a connection that ends with it is never registered.
  read(connection);
}

void Engine::register_fresh() {
  for (uint32_t slot : fresh_) {
    Connection& connection = *table_.at(slot);
    if (connection.registered || connection.fd < 0) continue;
    bool lingers = connection.stage == Stage::kLingering;
    bool is_open = wants_input(connection) && !connection.read_ended;
    bool upgraded = connection.stage == Stage::kUpgraded;
    bool read = lingers || (upgraded ? wants_data(connection) : is_open);
    bool write = !lingers && connection.has_unsent();
    uint64_t token = connection.slot | static_cast<uint64_t>(connection.generation) << 32;
    bool end = !connection.end_noticed;
    if (!transport_.watch(connection.fd, token, read, write, end)) {
      destroy(connection, CLOSED_GONE);
      continue;
    }
    connection.registered = true;
    connection.reads_armed = read;
    connection.writes_armed = write;
  }
  fresh_.clear();
}

// Connections that the acceptor has placed before the stop count as ours from here on. They are
// adopted by the next turn: between turns nobody would register them, and a request would lie in a
// slab that may be replaced before JavaScript sees it.
void Engine::stop_listener(uint16_t listener, bool force) {
  if (dead_) return;
  if (shared_->mailbox.is_open()) shared_->mailbox.drain(arrivals_);
  listener_draining_[listener] = false;  // told of once, at the end
  if (force) forget_arrivals(listener);
  for (uint32_t slot = 0; slot < table_.size(); slot++) {
    Connection& connection = *table_.at(slot);
    if (connection.listener != listener) continue;
    if (connection.stage == Stage::kFree || connection.stage == Stage::kClosed) continue;
    if (force) {
      cut(connection);
    } else if (connection.stage == Stage::kAnnouncing) {
      set_clock(connection, Clock::kHead, options_.drain_quiet_ms);
    } else if (connection.stage == Stage::kOpen && connection.clock == Clock::kIdle) {
      set_clock(connection, Clock::kIdle, options_.drain_quiet_ms);
    }
  }
  listener_draining_[listener] = true;
  report_drained(listener);
}

// What they have sent is in the socket, or will be.
void Engine::forget_arrivals(uint16_t listener) {
  ListenerOptions* options = listeners_[listener];
  std::erase_if(arrivals_, [this, listener, options](Handover& item) {
    if (item.listener != listener) return false;
    if (options != nullptr && linger_apart(item.fd, listener, options, false)) item.fd = -1;
    shared_->connections.fetch_sub(1, std::memory_order_relaxed);
    server_->forget(item);
    return true;
  });
}

void Engine::report_drained(uint16_t listener) {
  if (listener_counts_[listener] > 0) return;
  for (size_t i = adopted_; i < arrivals_.size(); i++) {
    if (arrivals_[i].listener == listener) return;
  }
  listener_draining_[listener] = false;
  drained_.push_back(listener);
}

int32_t Engine::add_constant(ConstantResponse constant) {
  constants_.push_back(constant);
  return static_cast<int32_t>(constants_.size() - 1);
}

void Engine::counts(double* into, size_t length) const {
  size_t at = 0;
  for (; at < kRefusedMax && at < length; at++) into[at] = static_cast<double>(refused_[at]);
  for (const ConstantResponse& constant : constants_) {
    for (uint64_t count : constant.answered) {
      if (at < length) into[at++] = static_cast<double>(count);
    }
  }
}

void Engine::bind_constant(int32_t target, int32_t version, int32_t constant) {
  if (target < 0 || target >= targets_.count()) return;
  if (constant < 0 || constant >= static_cast<int32_t>(constants_.size())) return;
  InternEntry& entry = targets_.at(target);
  if (entry.version == version) entry.constant = constant;
}

// Never within a parse, which alone holds a constant: answers are copied when they are written.
void Engine::new_epoch() {
  targets_.new_epoch();
  release_constants();
}

void Engine::release_constants() {
  for (ConstantResponse& constant : constants_) {
    constant.lines.release();
    constant.body.release();
  }
  constants_.clear();
}

const Connection* Engine::connection(uint32_t slot, uint32_t generation) {
  Connection* connection = table_.at(slot);
  if (connection == nullptr || connection->fd < 0 || connection->generation != generation) {
    return nullptr;
  }
  return connection;
}

}  // namespace millrace
