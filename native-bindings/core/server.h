// What the threads of one server share: its listeners' states, its workers' mailboxes, loads and
// counters, and the connections that wait for a worker. Also the registry of servers, the only
// process-wide state of the addon.
//
// Lifetime: reference-counted. The primary holds one reference and each engine one; the registry
// itself is never destroyed, because threads outlive environments (the addon is linked nodelete).
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "address-table.h"
#include "balancer.h"
#include "mailbox.h"
#include "probes.h"
#include "refusals.h"

namespace millrace {

inline constexpr int kListenersMax = 128;  // per server; each costs a row of counters per worker
inline constexpr int kWorkersMax = 256;    // slots per server, those of dying workers included

enum class ListenerState : uint32_t { kNone, kOpen, kPaused, kStopping, kStopped };

struct ListenerShared {
  // Written by the primary (release), read by workers when they encode an answer (acquire).
  std::atomic<uint32_t> state{0};
  // Accepted and not yet closed, wherever they are. Relaxed where it is a count; taken from with
  // release, so that who finds none left (is_unused) sees all that was counted for them.
  std::atomic<int64_t> connections{0};
  // Of those, the ones that have switched protocols. Relaxed: a count, changed by the workers that
  // have them, read for statistics.
  std::atomic<int64_t> upgraded{0};
  // Turned away when they were accepted, or by a worker without a slot. Relaxed: a count, added to
  // by the primary and the workers, read for statistics.
  std::atomic<uint64_t> refused{0};
  // Closed because they required a PROXY header and had none, or their peer is not trusted to send
  // one. Relaxed: a count, added to by the workers, read for statistics.
  std::atomic<uint64_t> unannounced{0};
};

// One writer (the worker's thread), relaxed: plain counts that the primary sums up.
struct Counters {
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> bytes_in{0};
  std::atomic<uint64_t> bytes_out{0};
  std::atomic<uint64_t> rejected{0};  // requests answered with 503, for want of room
  std::atomic<uint32_t> connections{0};  // of the listener that this worker's engine has

  static void add(std::atomic<uint64_t>& counter, uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
};

struct WorkerShared {
  Mailbox mailbox;
  // Added to by the acceptor, taken from by whoever closes or moves a connection. Relaxed counts.
  std::atomic<int32_t> connections{0};
  // The worker's loop: 0 before it sleeps, the time when it has woken. Relaxed: a hint.
  std::atomic<uint64_t> awake_since_ns{0};
  // What its loop has worked, and its share of about the last second. Relaxed: written by the
  // worker before it sleeps, read by the balancer and for statistics.
  std::atomic<uint64_t> busy_ns{0};
  std::atomic<uint32_t> utilisation{0};
  // What the engine holds for its connections, and its handlers' requests. Relaxed: written by the
  // worker once a turn, 0 when it dies; read for statistics.
  std::atomic<uint64_t> held_bytes{0};
  std::atomic<uint32_t> in_flight{0};
  // What addresses are bound to, see balancer.h. Relaxed: set by the primary before it is used.
  std::atomic<uint32_t> seat{0};
  // An engine uses the slot: set by its constructor, cleared (release) with its last access, read
  // by add_worker (acquire). A thread that dies may still be cleaning up when its task has ended.
  std::atomic<bool> in_use{false};
  // The worker is being retired: nobody gives it connections any more. Relaxed: set by the primary
  // before it asks the worker, whose mailbox closes a little later; that is what decides.
  std::atomic<bool> is_leaving{false};
  // The primary ends its thread because it does not yield. Set (release) before the thread is
  // terminated, read by `die` (acquire).
  std::atomic<bool> is_condemned{false};
  // The number of the route whose handler JavaScript has entered last, -1: none in this phase of
  // the loop. Written for each call of a handler by plain stores of 32 bits, so it lies with the
  // counters, which have the same writer. Relaxed: a hint for messages.
  alignas(64) std::atomic<int32_t> route{-1};
  Counters counters[kListenersMax];
};

class AccessLog;

class ServerShared {
 public:
  static ServerShared* create();
  // A new reference to a living server, or null.
  static ServerShared* find(int id);

  void release();
  int id() const { return id_; }

  ListenerShared& listener(int index) { return listeners_[index]; }
  WorkerShared* worker(int index) { return workers_[index].load(std::memory_order_acquire); }
  // The primary: a free slot, or -1. Slots are used again once their worker has gone. Two may
  // have one seat: a worker that leaves and the one that takes its place.
  int add_worker(uint32_t seat = 0);
  void remove_worker(int index);
  // The primary: from now on the balancer passes the worker over, also before it has heard of it.
  void leave_worker(int index);

  // Set by the primary before there are workers; released with the server.
  void set_access_log(AccessLog* log) { access_log_ = log; }
  AccessLog* access_log() { return access_log_; }
  void set_listener_state(int index, ListenerState state);
  // The primary: the index can be another listener's, for nothing of the one before is alive.
  bool is_unused(int index) const;
  // Written by the primary (release), read by the engines that answer a readiness probe (acquire):
  // who is told of a drain finds done what the primary has done before it.
  void set_readiness(Readiness readiness) {
    readiness_.store(static_cast<uint32_t>(readiness), std::memory_order_release);
  }
  Readiness readiness() const {
    return static_cast<Readiness>(readiness_.load(std::memory_order_acquire));
  }
  // The primary, before anyone accepts. A connection too many is answered with 503 and closed; 0
  // of the limit per address: none.
  void set_connection_limits(int64_t connections_max, uint32_t per_address_max);
  void set_policy(Policy policy) { policy_ = policy; }  // the primary, before anyone accepts
  bool needs_addresses() const { return per_address_max_ > 0 || policy_ == Policy::kAddress; }
  // How many more connections the process may have; taken from once per batch of accepts.
  int64_t room() const;
  // Counts an accepted connection and gives it its id. False: it has been turned away.
  bool admit(Handover& item, int64_t* room);
  // The end of a counted connection, wherever it is.
  void connection_ended(uint16_t listener, uint64_t address);
  // A connection of a worker that has no slot for it.
  void refuse(const Handover& item);
  void expire_refused();  // the primary, a few times a second

  uint64_t next_connection_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }
  void set_stuck_ns(uint64_t ns) { stuck_ns_ = ns; }
  uint64_t stuck_ns() const { return stuck_ns_; }

  // Gives a connection to a worker other than `except`; without one it waits here. The mailbox
  // that must be woken is set in `wake` (one bit a worker). Never fails, never blocks on a thread.
  void place(const Handover& item, int except, uint64_t* wake_bits);
  // The same, but false instead of waiting: without a worker the caller stays owner. `to`: the only
  // worker that may have it, or -1.
  bool offer(const Handover& item, int except, int to, uint64_t* wake_bits);
  void wake(const uint64_t* wake_bits);
  // A worker that has opened its mailbox: those that waited are its.
  void take_orphans(std::vector<Handover>& into);
  // Connections without a worker for longer than `age_ms` are closed with FIN; returns how many.
  int expire_orphans(uint64_t age_ms);
  // Closes what waits for a worker, of one listener or of all (-1): the server has ended then, and
  // what a dying thread still brings is closed too, as is who was turned away. The primary.
  int drop_orphans(int listener);
  void forget(const Handover& item);

  static constexpr int kWakeWords = kWorkersMax / 64;

 private:
  struct Orphan {
    Handover item;
    uint64_t since_ms;
  };

  ServerShared() = default;
  ~ServerShared();
  int read_loads(WorkerLoad* loads, int except);
  bool push_to_best(const Handover& item, int except, uint64_t* wake_bits);
  bool push_to(const Handover& item, int index, uint64_t* wake_bits);
  int64_t connections() const;

  int id_ = 0;
  std::atomic<int> references_{1};  // acq_rel: the last release sees all writes
  std::atomic<uint64_t> next_id_{1};  // relaxed: nothing but that each is given once
  uint64_t stuck_ns_ = 250000000;
  Policy policy_ = Policy::kLeastConnections;
  std::atomic<uint32_t> readiness_{0};  // a Readiness; see set_readiness
  AccessLog* access_log_ = nullptr;
  ListenerShared listeners_[kListenersMax];
  // Listeners that have ever had a state. Relaxed: written by the primary before they accept, read
  // by any primary that counts the process's connections.
  std::atomic<int> listeners_used_{0};
  int64_t connections_max_ = INT64_MAX;  // the primary's
  uint32_t per_address_max_ = 0;         // the primary's
  AddressTable addresses_;
  Refusals refusals_;  // the primary's
  // Set by the primary (release), read by any thread (acquire); never unset while the server is.
  std::atomic<WorkerShared*> workers_[kWorkersMax] = {};
  bool reserved_[kWorkersMax] = {};  // the primary's
  std::atomic<int> last_worker_{0};  // relaxed: where the round begins
  // Guards orphans_ and has_ended_; a mailbox's lock may be taken within it.
  std::mutex orphans_lock_;
  bool has_ended_ = false;
  std::vector<Orphan> orphans_;
};

}  // namespace millrace
