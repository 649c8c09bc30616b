// Connections that leave while their engine lives: some of them because another worker has less
// to do (`give`), or each as soon as it is idle because this worker is retired (`retire`).
//
// What leaves is the descriptor with the bytes that were read and not answered. Its slot here is
// free at the end of the turn and JavaScript is not told: what it kept for the slot is of another
// generation, no close handler runs. What the app has bound to this thread stays.
//
// Rules: a descriptor leaves this poll set before it lies in a mailbox, so it is never in two. All
// happens between turns or at the end of one, never inside a callback. Thread: the worker's.
#include "engine.h"

namespace millrace {

// State or a close handler of the app: they live in this thread.
bool Engine::is_bound(const Connection& connection) {
  return (slot_words(connection)[SLOT_FLAGS] & SLOT_FLAG_WATCHED) != 0;
}

// One handler of the app has all its requests, whatever their path and however long it is idle.
bool Engine::is_pinned(const Connection& connection) {
  return (slot_words(connection)[SLOT_FLAGS] & SLOT_FLAG_PINNED) != 0;
}

// Idle: nothing of an answer or of a body is under way. An unfinished head goes with its bytes, and
// so does a message that waits behind one that has been answered.
bool Engine::can_leave(const Connection& connection) {
  bool is_here = connection.stage == Stage::kOpen || connection.stage == Stage::kAnnouncing;
  bool is_idle = is_here && connection.unanswered == 0 &&
                 connection.answer == Answer::kNone && connection.output.length == 0 &&
                 !connection.body_open;
  bool ends = connection.close_after || connection.input_done || connection.end_noticed ||
              connection.failure.status != 0;
  return is_idle && !ends && !connection.notify_queued && !is_bound(connection);
}

// How long its clock has run. Who moves every few seconds must not live for ever by that.
uint32_t Engine::waited_ms(const Connection& connection) {
  const ListenerOptions& options = *connection.options;
  uint32_t limit = connection.clock == Clock::kIdle   ? options.idle_timeout_ms
                   : connection.clock == Clock::kHead ? options.head_timeout_ms
                                                      : 0;
  uint32_t deadline = table_.deadlines[connection.slot];
  // Of a stopping listener it is the quiet time that runs, and that begins anew.
  if (limit == 0 || deadline == 0 || is_stopping(connection.listener)) return 0;
  uint32_t left = deadline > now_tick_ ? (deadline - now_tick_) * kTickMs : 0;
  return limit > left ? limit - left : 0;
}

// The clock of an adopted connection goes on from where it stood; it has at least a tick left.
void Engine::shorten_clock(Connection& connection, uint32_t milliseconds) {
  uint32_t& deadline = table_.deadlines[connection.slot];
  uint32_t ticks = milliseconds / kTickMs;
  if (deadline == 0) return;
  deadline = deadline > now_tick_ + ticks ? deadline - ticks : now_tick_ + 1;
}

// The caller owns the descriptor and `input` from here on. The connection still counts for its
// listener and its address, not for this worker.
Handover Engine::take_out(Connection& connection) {
  Handover item;
  item.fd = connection.fd;
  item.listener = connection.listener;
  item.id = connection.id;
  item.address = connection.address;
  item.waited_ms = waited_ms(connection);
  connection.input.count_in(nullptr);
  item.input = connection.input;
  connection.input = Bytes{};
  item.announced = connection.announced;
  connection.announced = nullptr;
  if (connection.registered) transport_.unwatch(connection.fd);
  if (connection.recording != nullptr) recorder_.forget(connection);
  drop_parser(connection);
  connection.output.release();
  slot_words(connection)[SLOT_GENERATION] = 0;  // replies that still name it are dropped
  connection.fd = -1;
  connection.stage = Stage::kClosed;
  table_.deadlines[connection.slot] = 0;
  closed_.push_back(connection.slot);
  shared_->connections.fetch_sub(1, std::memory_order_relaxed);
  count_connection(item.listener, -1);
  if (listener_draining_[item.listener]) report_drained(item.listener);
  return item;
}

// Up to `count` idle connections go to the worker `to`, or to those that the balancer picks if it
// is below 0. Returns how many have gone: fewer if there are not as many, or nobody takes them.
int Engine::give(int count, int to) {
  if (dead_ || busy_ || retiring_ || to == worker_) return 0;
  process_replies();
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  int given = 0;
  for (uint32_t slot = 0; slot < table_.size() && given < count; slot++) {
    Connection& connection = *table_.at(slot);
    if (connection.stage != Stage::kOpen || connection.input.length > 0) continue;
    if (!can_leave(connection) || is_stopping(connection.listener)) continue;
    Handover item = take_out(connection);
    if (!server_->offer(item, worker_, to, wake_bits)) {
      // Nobody takes it: it is ours again, and the next turn adopts it.
      shared_->connections.fetch_add(1, std::memory_order_relaxed);
      arrivals_.push_back(item);
      break;
    }
    given++;
  }
  server_->wake(wake_bits);
  return given;
}

// The mailbox closes for good; what lies in it goes elsewhere, and so does each connection as soon
// as it is idle. What must stay answers its next request with Connection: close.
void Engine::retire() {
  if (dead_ || retiring_) return;
  retiring_ = true;
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  std::vector<Handover> left;
  shared_->mailbox.close(left);
  left.insert(left.end(), arrivals_.begin(), arrivals_.end());
  arrivals_.clear();
  for (const Handover& item : left) {
    shared_->connections.fetch_sub(1, std::memory_order_relaxed);
    server_->place(item, worker_, wake_bits);
  }
  server_->wake(wake_bits);
  for (uint16_t listener = 0; listener < kListenersMax; listener++) {
    if (listener_draining_[listener]) report_drained(listener);
  }
  for (uint32_t slot = 0; slot < table_.size(); slot++) {
    Connection& connection = *table_.at(slot);
    if (connection.stage != Stage::kOpen && connection.stage != Stage::kAnnouncing) continue;
    leaving_.push_back(slot);
    if (connection.clock == Clock::kIdle && is_bound(connection)) {
      set_clock(connection, Clock::kIdle, options_.drain_quiet_ms);
    }
  }
  if (!busy_) {
    process_replies();
    let_leave();
  }
  report_retired();
}

// Of a retired worker, with what has settled since the last look: what is idle now leaves.
void Engine::let_leave() {
  if (leaving_.empty()) return;
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  size_t kept = 0;
  for (uint32_t slot : leaving_) {
    Connection& connection = *table_.at(slot);
    if (connection.stage == Stage::kOpen && connection.notify_queued) {
      leaving_[kept++] = slot;  // the next turn tells JavaScript, and ends with another look
    } else if (can_leave(connection)) {
      server_->place(take_out(connection), worker_, wake_bits);
    }
  }
  leaving_.resize(kept);
  server_->wake(wake_bits);
  report_retired();
}

// Once, when a retired worker has no connection left.
void Engine::report_retired() {
  if (!retiring_ || retired_ != Retired::kNo) return;
  for (int32_t count : listener_counts_) {
    if (count > 0) return;
  }
  retired_ = Retired::kDue;
}

}  // namespace millrace
