#include "engine.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "clock.h"

namespace millrace {

namespace {

// One turn polls again while there is more, but lets the loop's timers have their say: after as
// many rounds, and with handlers that take their time after as long.
constexpr int kRoundsMax = 4;
constexpr uint64_t kTurnNs = 500000;
// Beyond this a batch is handed to JavaScript before more is read.
constexpr int32_t kBatchMax = EVENT_MAX / 2;
constexpr uint64_t kMailboxToken = ~0ull;

// Zero pages that cost memory only once touched.
void* map_block(size_t bytes) {
  void* block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? nullptr : block;
}

constexpr size_t kEventBytes = sizeof(int32_t) * EVENT_WORDS * EVENT_MAX;
constexpr size_t kReplyBytes = sizeof(int32_t) * REPLY_WORDS * REPLY_MAX;
constexpr size_t kSlotBytes = sizeof(int32_t) * SLOT_WORDS * SLOT_MAX;
constexpr size_t kControlBytes = sizeof(int32_t) * CTL_WORDS;

}  // namespace

Engine::Engine(ServerShared* server, int worker, const EngineOptions& options, EngineHost host)
    : server_(server),
      shared_(server->worker(worker)),
      worker_(worker),
      options_(options),
      host_(host),
      out_(static_cast<char*>(std::malloc(kOutBytes))),
      memory_bytes_max_(options.memory_bytes_max > 0 ? options.memory_bytes_max : UINT64_MAX),
      in_flight_max_(options.in_flight_max > 0 ? options.in_flight_max : UINT32_MAX),
      started_ms_(clock_ms()) {
  blocks_.events = static_cast<int32_t*>(map_block(kEventBytes));
  blocks_.replies = static_cast<int32_t*>(map_block(kReplyBytes));
  blocks_.arena = static_cast<char*>(map_block(ARENA_BYTES));
  blocks_.control = static_cast<int32_t*>(map_block(kControlBytes));
  blocks_.slots = static_cast<int32_t*>(map_block(kSlotBytes));
  shared_->in_use.store(true, std::memory_order_relaxed);
  AccessLog* log = server->access_log();
  recorder_.start(log, log == nullptr ? nullptr : log->ring(worker), options.tells_done);
}

Engine::~Engine() {
  if (!dead_) shared_->in_use.store(false, std::memory_order_release);  // it was never started
  for (uint32_t i = 0; i < table_.size(); i++) {
    Connection& connection = *table_.at(i);
    if (connection.fd >= 0) Transport::close_socket(connection.fd);
    if (connection.recording != nullptr) recorder_.forget(connection);
    connection.input.release();
    connection.output.release();
    drop_file(connection);
    delete connection.announced;
    delete connection.parser;
  }
  for (Parser* parser : parsers_) delete parser;
  for (ListenerOptions* options : listeners_) delete options;
  for (ListenerOptions* options : replaced_) delete options;
  release_constants();
  transport_.close();
  munmap(blocks_.events, kEventBytes);
  munmap(blocks_.replies, kReplyBytes);
  munmap(blocks_.arena, ARENA_BYTES);
  munmap(blocks_.control, kControlBytes);
  munmap(blocks_.slots, kSlotBytes);
  std::free(out_);
  server_->release();
}

bool Engine::open() {
  return blocks_.events != nullptr && blocks_.replies != nullptr && blocks_.arena != nullptr &&
         blocks_.control != nullptr && blocks_.slots != nullptr && transport_.open();
}

void Engine::use_slab(char* data) { slab_.use(data, slab_bytes_); }

bool Engine::open_mailbox() {
  if (dead_ || retiring_) return false;
  if (!shared_->mailbox.open()) return false;
  if (!transport_.watch_wakeup(shared_->mailbox.wake_fd(), kMailboxToken)) return false;
  server_->take_orphans(arrivals_);
  shared_->connections.fetch_add(static_cast<int32_t>(arrivals_.size()),
                                 std::memory_order_relaxed);
  if (!arrivals_.empty()) shared_->mailbox.wake();
  return true;
}

bool Engine::has_work() const {
  return !resume_.empty() || !notify_.empty() || !drained_.empty() || !arrivals_.empty() ||
         !recorder_.events.empty() || retired_ == Retired::kDue ||
         blocks_.control[CTL_REPLY_COUNT] > 0 || blocks_.control[CTL_EVENT_COUNT] > 0;
}

// Room for all that one connection's read may add: its pipelined requests, a body and its end.
bool Engine::has_headroom() const {
  int32_t count = blocks_.control[CTL_EVENT_COUNT];
  return count < kBatchMax && EVENT_MAX - count > read_events_max_ && !slab_.is_used_up();
}

int32_t* Engine::slot_words(const Connection& connection) {
  return blocks_.slots + connection.slot * SLOT_WORDS;
}

int32_t* Engine::next_event(int32_t kind, const Connection& connection) {
  int32_t* event = blocks_.events + blocks_.control[CTL_EVENT_COUNT]++ * EVENT_WORDS;
  event[EVENT_KIND] = kind;
  event[EVENT_SLOT] = static_cast<int32_t>(connection.slot);
  event[EVENT_GENERATION] = static_cast<int32_t>(connection.generation);
  return event;
}

void Engine::turn() {
  if (busy_ || dead_) return;
  busy_ = true;
  uint64_t began_ns = clock_ns();
  Ready ready[Transport::kReadyMax];
  for (int round = 0; round < kRoundsMax; round++) {
    look_at_clock();
    date_.refresh();
    if (recorder_.is_on()) recorder_.begin_round();
    weigh();
    int count = transport_.poll(ready);
    for (int i = 0; i < count; i++) dispatch(ready[i]);
    if (!arrivals_.empty()) adopt_all();
    for (size_t i = 0; i < resume_.size() && has_headroom(); i++) {
      Connection& connection = *table_.at(resume_[i]);
      resume_[i] = ~0u;
      connection.resume_queued = false;
      resume(connection);
    }
    std::erase(resume_, ~0u);
    if (!recorder_.events.empty()) put_records();
    put_notifications();
    if (!run_batch()) return;  // ending: the cleanup hook does the rest
    end_turn();
    // The loop's own round costs more than another look, which finds something while several ask.
    if (count < 2 && !has_work()) break;
    if (clock_ns() - began_ns > kTurnNs) break;
  }
  busy_ = false;
}

// Once a round: within one, no more is added than its reads bring and its answers leave behind.
void Engine::weigh() {
  double bodies;
  std::memcpy(&bodies, blocks_.control + CTL_BODY_BYTES_F64, sizeof bodies);
  uint64_t held = held_bytes_ + (bodies > 0 ? static_cast<uint64_t>(bodies) : 0);
  over_budget_ = held > memory_bytes_max_;
  blocks_.control[CTL_OVER_BUDGET] = over_budget_;
  shared_->held_bytes.store(held, std::memory_order_relaxed);
  shared_->in_flight.store(in_flight_, std::memory_order_relaxed);
}

void Engine::dispatch(const Ready& ready) {
  if (ready.token == kMailboxToken) {
    shared_->mailbox.drain(arrivals_);
    return;
  }
  Connection* connection = table_.at(static_cast<uint32_t>(ready.token));
  if (connection == nullptr || connection->fd < 0 ||
      connection->generation != static_cast<uint32_t>(ready.token >> 32)) {
    return;
  }
  if (connection->stage != Stage::kOpen) {
    if (connection->stage == Stage::kLingering) read_lingering(*connection);
    if (connection->stage == Stage::kAnnouncing && has_headroom()) read_announcement(*connection);
    if (connection->stage == Stage::kUpgraded) upgraded_ready(*connection, ready);
    return;
  }
  if (ready.writable) drain_output(*connection);
  if (connection->stage != Stage::kOpen) return;
  if (!ready.readable && !ready.ended && !ready.gone) return;
  if (wants_input(*connection)) {
    if (has_headroom()) read(*connection);
  } else if (ready.gone) {
    destroy(*connection, CLOSED_RESET);
  } else {
    // Nobody wants its bytes for now: stop being told about them, and of its FIN once.
    if (ready.ended) notice_end(*connection);
    rewatch(*connection, false, connection->writes_armed);
  }
}

bool Engine::run_batch() {
  int32_t* control = blocks_.control;
  if (control[CTL_EVENT_COUNT] > 0 || slab_.is_starved()) {
    control[CTL_EVENT_CURSOR] = 0;
    // 1: a new slab if this one is held; 2: a new slab whatever.
    control[CTL_SLAB_NEEDED] = slab_.is_starved() ? 2 : slab_.is_used_up() ? 1 : 0;
    in_batch_ = true;
    bool alive = host_.enter(host_.context);
    if (!alive || dead_) return false;
    in_batch_ = false;
    look_at_clock();
    control[CTL_EVENT_COUNT] = 0;
    body_buffers_used_ = 0;
    batches_++;
  }
  process_replies();
  return true;
}

void Engine::end_turn() {
  if (retiring_) let_leave();
  register_fresh();
  for (uint32_t slot : closed_) free_slot(slot);
  closed_.clear();
  if (recorder_.is_on()) recorder_.publish();
  slab_.end_turn(blocks_.control[CTL_SLAB_HELD] != 0);
  blocks_.control[CTL_SLAB_HELD] = 0;
}

void Engine::queue_notify(Connection& connection) {
  if (connection.notify_queued) return;
  connection.notify_queued = true;
  notify_.push_back(connection.slot);
}

void Engine::put_notifications() {
  size_t done = 0;
  for (; done < notify_.size(); done++) {
    if (EVENT_MAX - blocks_.control[CTL_EVENT_COUNT] < 8) break;
    Connection& connection = *table_.at(notify_[done]);
    connection.notify_queued = false;
    if (connection.notify_writable) {
      connection.notify_writable = false;
      bool is_open = connection.stage == Stage::kOpen || connection.stage == Stage::kUpgraded;
      if (is_open) next_event(KIND_WRITABLE, connection);
    }
    if (connection.notify_timeout) {
      connection.notify_timeout = false;
      next_event(KIND_CLOSED, connection)[EVENT_FLAGS] = CLOSED_HANDLER_TIMEOUT;
    }
    if (connection.notify_end) {
      connection.notify_end = false;
      next_event(KIND_CLOSED, connection)[EVENT_FLAGS] = CLOSED_END;
    }
    if (connection.notify_closed) {
      connection.notify_closed = false;
      next_event(KIND_CLOSED, connection)[EVENT_FLAGS] = connection.closed_reason;
      closed_.push_back(connection.slot);
    }
  }
  notify_.erase(notify_.begin(), notify_.begin() + static_cast<long>(done));
  while (!drained_.empty() && EVENT_MAX - blocks_.control[CTL_EVENT_COUNT] > 1) {
    int32_t* event = blocks_.events + blocks_.control[CTL_EVENT_COUNT]++ * EVENT_WORDS;
    event[EVENT_KIND] = KIND_CONTROL;
    event[EVENT_LISTENER] = drained_.back();
    drained_.pop_back();
  }
  if (retired_ == Retired::kDue && EVENT_MAX - blocks_.control[CTL_EVENT_COUNT] > 1) {
    int32_t* event = blocks_.events + blocks_.control[CTL_EVENT_COUNT]++ * EVENT_WORDS;
    event[EVENT_KIND] = KIND_CONTROL;
    event[EVENT_LISTENER] = CONTROL_RETIRED;
    retired_ = Retired::kTold;
  }
}

// Called by the loop before it sleeps, and by JavaScript when a ring is full or a batch is long.
void Engine::flush() {
  if (dead_) return;
  process_replies();
  if (retiring_ && !busy_) let_leave();
  weigh();
}

// Deadlines are counted from here. Handlers may have run for long since the last look, and a clock
// that was set by a time gone by would fire early.
void Engine::look_at_clock() {
  now_tick_ = static_cast<uint32_t>((clock_ms() - started_ms_) / kTickMs) + 1;
}

void Engine::tick_handlers() {
  std::vector<uint32_t>& deadlines = table_.handler_deadlines;
  for (uint32_t slot = 0; slot < deadlines.size(); slot++) {
    if (deadlines[slot] == 0 || deadlines[slot] > now_tick_) continue;
    deadlines[slot] = 0;
    handler_due(*table_.at(slot));
  }
}

void Engine::tick() {
  if (busy_ || dead_) return;
  look_at_clock();
  date_.refresh();
  if (recorder_.is_on()) recorder_.begin_round();
  uint32_t size = table_.size();
  for (uint32_t slot = 0; slot < size; slot++) {
    uint32_t deadline = table_.deadlines[slot];
    if (deadline == 0 || deadline > now_tick_) continue;
    if (!has_headroom()) break;  // the ring is full: the rest has its turn at the next tick
    table_.deadlines[slot] = 0;
    clock_fired(*table_.at(slot));
  }
  tick_handlers();
  pace_bulk();
  flush_output();
  if (recorder_.is_on()) recorder_.publish();
  if (has_work()) turn();
}

}  // namespace millrace
