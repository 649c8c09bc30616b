#include "server.h"

#include <unistd.h>

#include "access-log.h"
#include "clock.h"
#include "transport.h"

namespace millrace {

namespace {

// Meeting place of the threads; never destroyed.
std::mutex& registry_lock() {
  static std::mutex* lock = new std::mutex;
  return *lock;
}

std::vector<ServerShared*>& registry() {
  static std::vector<ServerShared*>* servers = new std::vector<ServerShared*>;
  return *servers;
}

int g_next_server_id = 1;  // guarded by registry_lock, as is the registry

}  // namespace

ServerShared* ServerShared::create() {
  auto* server = new ServerShared;
  std::lock_guard<std::mutex> guard(registry_lock());
  server->id_ = g_next_server_id++;
  registry().push_back(server);
  return server;
}

ServerShared* ServerShared::find(int id) {
  std::lock_guard<std::mutex> guard(registry_lock());
  for (ServerShared* server : registry()) {
    if (server->id_ != id) continue;
    server->references_.fetch_add(1, std::memory_order_acq_rel);
    return server;
  }
  return nullptr;
}

void ServerShared::release() {
  {
    std::lock_guard<std::mutex> guard(registry_lock());
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    auto& servers = registry();
    for (size_t i = 0; i < servers.size(); i++) {
      if (servers[i] != this) continue;
      servers.erase(servers.begin() + static_cast<long>(i));
      break;
    }
  }
  delete this;
}

ServerShared::~ServerShared() {
  drop_orphans(-1);
  if (access_log_ != nullptr) {
    access_log_->end();
    access_log_->release();
  }
  for (auto& slot : workers_) delete slot.load(std::memory_order_relaxed);
}

int ServerShared::add_worker(uint32_t seat) {
  for (int i = 0; i < kWorkersMax; i++) {
    if (reserved_[i]) continue;
    WorkerShared* worker = workers_[i].load(std::memory_order_relaxed);
    if (worker != nullptr && worker->in_use.load(std::memory_order_acquire)) continue;
    reserved_[i] = true;
    bool is_new = worker == nullptr;
    if (is_new) worker = new WorkerShared;
    worker->awake_since_ns.store(0, std::memory_order_relaxed);
    worker->is_leaving.store(false, std::memory_order_relaxed);
    worker->route.store(-1, std::memory_order_relaxed);
    worker->is_condemned.store(false, std::memory_order_relaxed);
    worker->seat.store(seat, std::memory_order_relaxed);
    if (is_new) workers_[i].store(worker, std::memory_order_release);  // pairs with worker()
    return i;
  }
  return -1;
}

void ServerShared::remove_worker(int index) { reserved_[index] = false; }

void ServerShared::leave_worker(int index) {
  WorkerShared* leaving = worker(index);
  if (leaving == nullptr) return;
  leaving->is_leaving.store(true, std::memory_order_relaxed);  // read by read_loads
}

// The load table as it is now, without `except`; returns how many slots it has.
int ServerShared::read_loads(WorkerLoad* loads, int except) {
  int count = 0;
  for (int i = 0; i < kWorkersMax; i++) {
    WorkerShared* candidate = worker(i);
    if (candidate == nullptr) break;  // slots are filled from the front
    count = i + 1;
    bool is_leaving = candidate->is_leaving.load(std::memory_order_relaxed);
    loads[i].open = i != except && !is_leaving && candidate->mailbox.is_open();
    if (!loads[i].open) continue;
    loads[i].connections = candidate->connections.load(std::memory_order_relaxed);
    loads[i].utilisation = candidate->utilisation.load(std::memory_order_relaxed);
    loads[i].awake_since_ns = candidate->awake_since_ns.load(std::memory_order_relaxed);
    loads[i].seat = candidate->seat.load(std::memory_order_relaxed);
  }
  return count;
}

bool ServerShared::push_to_best(const Handover& item, int except, uint64_t* wake_bits) {
  // Not on the stack: 6 KiB of initial values would be written for each connection.
  static thread_local WorkerLoad loads[kWorkersMax];
  int count = read_loads(loads, except);
  for (;;) {
    int last = last_worker_.load(std::memory_order_relaxed);
    Placement placement{last, item.address, clock_ns(), stuck_ns_};
    int index = count == 0 ? -1 : pick_worker(policy_, loads, count, placement);
    if (index < 0) return false;
    if (push_to(item, index, wake_bits)) {
      last_worker_.store(index, std::memory_order_relaxed);
      return true;
    }
    loads[index].open = false;  // closed meanwhile: each round has one candidate less
  }
}

bool ServerShared::push_to(const Handover& item, int index, uint64_t* wake_bits) {
  WorkerShared* chosen = worker(index);
  chosen->connections.fetch_add(1, std::memory_order_relaxed);
  Mailbox::Push pushed = chosen->mailbox.push(item);
  if (pushed == Mailbox::Push::kWakeNeeded) wake_bits[index / 64] |= 1ull << (index % 64);
  if (pushed != Mailbox::Push::kClosed) return true;
  chosen->connections.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

bool ServerShared::offer(const Handover& item, int except, int to, uint64_t* wake_bits) {
  if (to < 0) return push_to_best(item, except, wake_bits);
  return to < kWorkersMax && worker(to) != nullptr && push_to(item, to, wake_bits);
}

void ServerShared::place(const Handover& item, int except, uint64_t* wake_bits) {
  if (push_to_best(item, except, wake_bits)) return;
  // A worker may have opened its mailbox just now and found nobody waiting. It looks with this
  // lock after it has opened; so looking again with the lock held misses neither order.
  std::lock_guard<std::mutex> guard(orphans_lock_);
  if (push_to_best(item, except, wake_bits)) return;
  if (has_ended_) {
    forget(item);
    return;
  }
  orphans_.push_back({item, clock_ms()});
}

void ServerShared::wake(const uint64_t* wake_bits) {
  for (int word = 0; word < kWakeWords; word++) {
    for (uint64_t bits = wake_bits[word]; bits != 0; bits &= bits - 1) {
      worker(word * 64 + __builtin_ctzll(bits))->mailbox.wake();
    }
  }
}

void ServerShared::take_orphans(std::vector<Handover>& into) {
  std::lock_guard<std::mutex> guard(orphans_lock_);
  for (Orphan& orphan : orphans_) into.push_back(orphan.item);
  orphans_.clear();
}

void ServerShared::forget(const Handover& item) {
  if (item.fd >= 0) {
    Transport::end(item.fd);
    Transport::discard(item.fd);
    Transport::close_socket(item.fd);
  }
  Bytes input = item.input;
  input.release();
  delete item.announced;
  connection_ended(item.listener, item.address);
}

void ServerShared::set_listener_state(int index, ListenerState state) {
  int used = listeners_used_.load(std::memory_order_relaxed);
  if (index >= used) listeners_used_.store(index + 1, std::memory_order_relaxed);
  // Pairs with the engines' is_stopping.
  listeners_[index].state.store(static_cast<uint32_t>(state), std::memory_order_release);
}

bool ServerShared::is_unused(int index) const {
  return listeners_[index].connections.load(std::memory_order_acquire) == 0;
}

void ServerShared::set_connection_limits(int64_t connections_max, uint32_t per_address_max) {
  connections_max_ = connections_max;
  per_address_max_ = per_address_max;
}

int64_t ServerShared::connections() const {
  int64_t sum = 0;
  int used = listeners_used_.load(std::memory_order_relaxed);
  for (int i = 0; i < used; i++) sum += listeners_[i].connections.load(std::memory_order_relaxed);
  return sum;
}

// Summed up from the listeners' counts, which are right wherever a connection is and whatever
// happens to its worker: a count of its own could only go wrong.
int64_t ServerShared::room() const {
  if (connections_max_ == INT64_MAX) return INT64_MAX;
  int64_t room = connections_max_;
  std::lock_guard<std::mutex> guard(registry_lock());
  for (const ServerShared* server : registry()) room -= server->connections();
  return room;
}

bool ServerShared::admit(Handover& item, int64_t* room) {
  bool is_full = *room <= 0;
  bool is_counted = per_address_max_ > 0 && item.address != 0;
  if (!is_full && is_counted) is_full = !addresses_.enter(item.address, per_address_max_);
  if (is_full) {
    listeners_[item.listener].refused.fetch_add(1, std::memory_order_relaxed);
    refusals_.add(item.fd, clock_ms());
    return false;
  }
  (*room)--;
  listeners_[item.listener].connections.fetch_add(1, std::memory_order_relaxed);
  item.id = next_connection_id();
  return true;
}

void ServerShared::connection_ended(uint16_t listener, uint64_t address) {
  // Pairs with is_unused.
  listeners_[listener].connections.fetch_sub(1, std::memory_order_release);
  if (per_address_max_ > 0 && address != 0) addresses_.leave(address);
}

void ServerShared::refuse(const Handover& item) {
  listeners_[item.listener].refused.fetch_add(1, std::memory_order_relaxed);
  Refusals::answer(item.fd);
  forget(item);
}

void ServerShared::expire_refused() { refusals_.expire(clock_ms()); }

int ServerShared::expire_orphans(uint64_t age_ms) {
  std::lock_guard<std::mutex> guard(orphans_lock_);
  uint64_t now = clock_ms();
  int expired = 0;
  for (size_t i = 0; i < orphans_.size();) {
    if (now - orphans_[i].since_ms < age_ms) {
      i++;
      continue;
    }
    forget(orphans_[i].item);
    orphans_.erase(orphans_.begin() + static_cast<long>(i));
    expired++;
  }
  return expired;
}

int ServerShared::drop_orphans(int listener) {
  if (listener < 0) refusals_.clear();
  std::lock_guard<std::mutex> guard(orphans_lock_);
  if (listener < 0) has_ended_ = true;
  int dropped = 0;
  for (size_t i = 0; i < orphans_.size();) {
    if (listener >= 0 && orphans_[i].item.listener != listener) {
      i++;
      continue;
    }
    forget(orphans_[i].item);
    orphans_.erase(orphans_.begin() + static_cast<long>(i));
    dropped++;
  }
  return dropped;
}

}  // namespace millrace
