// The end of an engine's thread, whatever ends it: what can be answered is, and the connections go
// to other workers or wait with the server. It waits for nobody, for the primary may be blocked
// joining the thread; JavaScript does not run any more. Thread: the worker's.
#include "engine.h"

namespace millrace {

namespace {

constexpr uint32_t kSeen = ~0u;

}  // namespace

// For each connection with a request that no handler has seen: where its first such message lies
// in the slab. `sequence` is done with by now and carries the number of requests that were seen,
// `region_end` stays; `answer_left` carries the offset.
void Engine::mark_unseen() {
  for (uint32_t slot = 0; slot < table_.size(); slot++) table_.at(slot)->answer_left = kSeen;
  if (!in_batch_) return;
  int32_t* control = blocks_.control;
  for (int32_t i = control[CTL_EVENT_CURSOR]; i < control[CTL_EVENT_COUNT]; i++) {
    const int32_t* event = blocks_.events + i * EVENT_WORDS;
    if (event[EVENT_KIND] != KIND_REQUEST) continue;
    Connection& connection = *table_.at(static_cast<uint32_t>(event[EVENT_SLOT]));
    if (connection.stage != Stage::kOpen) continue;
    if (connection.answer_left == kSeen) {
      connection.answer_left = static_cast<uint32_t>(event[EVENT_MESSAGE_OFFSET]);
    }
    connection.unanswered--;
  }
}

// What a request gets whose handler will not answer any more.
Failure Engine::verdict() const {
  bool is_stuck = shared_->is_condemned.load(std::memory_order_acquire);
  if (is_stuck) return {503, "the worker that served this request did not yield"};
  return {500, "the worker that served this request has ended"};
}

// One connection of a dying worker: answered and ended, given away, or cut.
void Engine::end_or_give(Connection& connection, uint64_t* wake_bits) {
  bool unseen = connection.answer_left != kSeen;
  bool midway = connection.answer != Answer::kNone || connection.output.length > 0;
  bool reading_body = !unseen && connection.parser != nullptr && connection.parser->head_done();
  bool stays = is_bound(connection) || connection.read_ended;
  if (connection.unanswered > 0 && !midway) {
    select_output(connection);
    write_failure(connection, verdict());
    if (out_length_ > 0) send_output(connection, nullptr, 0);
    writing_ = nullptr;
    if (connection.stage != Stage::kOpen) return;
    Transport::end(connection.fd);
    read_lingering(connection);
    destroy(connection, CLOSED_GONE);
    return;
  }
  // What the unseen request says of its end, as Connection: close, is read again elsewhere.
  bool is_over = connection.close_after || (connection.input_done && !unseen);
  if (connection.unanswered > 0 || midway || reading_body || stays || is_over) {
    if (!connection.until_close) Transport::end(connection.fd);
    destroy(connection, CLOSED_GONE);
    return;
  }
  Bytes input;
  if (unseen) {
    uint32_t from = static_cast<uint32_t>(connection.answer_left);
    input.append(slab_.data() + from, connection.region_end - from);
  }
  Handover item = take_out(connection);
  if (unseen) {
    item.input.release();
    item.input = input;
  }
  server_->place(item, worker_, wake_bits);
}

void Engine::die() {
  if (dead_) return;
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  std::vector<Handover> left;
  shared_->mailbox.close(left);
  if (out_length_ > 0) out_length_ = 0;
  writing_ = nullptr;
  process_replies();  // complete replies are sent: JavaScript raised their count last
  dead_ = true;
  left.insert(left.end(), arrivals_.begin(), arrivals_.end());
  arrivals_.clear();
  for (const Handover& item : left) {
    shared_->connections.fetch_sub(1, std::memory_order_relaxed);
    server_->place(item, worker_, wake_bits);
  }
  mark_unseen();
  for (uint32_t slot = 0; slot < table_.size(); slot++) {
    Connection& connection = *table_.at(slot);
    if (connection.stage == Stage::kLingering) {
      destroy(connection, CLOSED_GONE);
    } else if (connection.stage == Stage::kOpen || connection.stage == Stage::kAnnouncing) {
      end_or_give(connection, wake_bits);
    } else if (connection.stage == Stage::kUpgraded) {
      cut_upgraded(connection);
    }
  }
  if (recorder_.is_on()) recorder_.publish();
  shared_->held_bytes.store(0, std::memory_order_relaxed);
  shared_->in_flight.store(0, std::memory_order_relaxed);
  server_->wake(wake_bits);
  shared_->in_use.store(false, std::memory_order_release);  // pairs with add_worker
}

}  // namespace millrace
