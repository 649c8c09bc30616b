// The limits of connections under stress: an acceptor that admits or turns away, workers that come
// and go, connections handed from one to another. The limits hold at every moment, and when all is
// over nothing is counted any more.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "chance.h"
#include "check.h"
#include "core/server.h"

using millrace::Handover;
using millrace::ListenerState;
using millrace::ServerShared;
using millrace::WorkerShared;
using millrace::test::Chance;

namespace {

constexpr int kAttempts = 20000;
constexpr int kWorkers = 3;
constexpr int kAddresses = 5;
constexpr int64_t kConnectionsMax = 40;
constexpr uint32_t kPerAddressMax = 12;

struct Stage {
  ServerShared* server = ServerShared::create();
  std::atomic<bool> accepting{true};
  std::atomic<int> ended{0};
  // Taken down before the server does: never above what the server counts.
  std::atomic<uint32_t> open[kAddresses + 1] = {};
};

void end(Stage& stage, const Handover& item) {
  stage.open[item.address].fetch_sub(1, std::memory_order_relaxed);
  stage.ended.fetch_add(1, std::memory_order_relaxed);
  stage.server->forget(item);
}

// Most are ended, some are given to another worker.
void serve_some(Stage& stage, int self, Chance& chance, std::vector<Handover>& held, bool dying) {
  uint64_t wake[ServerShared::kWakeWords] = {};
  for (const Handover& item : held) {
    stage.server->worker(self)->connections.fetch_sub(1, std::memory_order_relaxed);
    if (!dying && chance.below(3) > 0) {
      end(stage, item);
    } else {
      stage.server->place(item, self, wake);
    }
  }
  held.clear();
  stage.server->wake(wake);
}

void work(Stage& stage, int self, uint32_t seed) {
  ServerShared* server = ServerShared::find(stage.server->id());
  WorkerShared& shared = *server->worker(self);
  Chance chance{seed};
  std::vector<Handover> held;
  CHECK(shared.mailbox.open());
  server->take_orphans(held);
  shared.connections.fetch_add(static_cast<int32_t>(held.size()), std::memory_order_relaxed);
  for (int turns = 1 + static_cast<int>(chance.below(40)); turns > 0; turns--) {
    pollfd entry{shared.mailbox.wake_fd(), POLLIN, 0};
    if (poll(&entry, 1, 1) > 0) {
      uint64_t count;
      CHECK(read(entry.fd, &count, sizeof count) == sizeof count);
      shared.mailbox.drain(held);
    }
    serve_some(stage, self, chance, held, false);
  }
  std::vector<Handover> left;
  shared.mailbox.close(left);
  serve_some(stage, self, chance, left, true);
  server->release();
}

void supervise(Stage& stage, int self) {
  for (uint32_t life = 1; stage.accepting.load(std::memory_order_relaxed); life++) {
    std::thread worker(work, std::ref(stage), self, life * 7919 + static_cast<uint32_t>(self));
    worker.join();
  }
}

// The primary: admits or turns away, as the acceptor does.
int accept_all(Stage& stage, std::vector<int>& peers) {
  ServerShared& server = *stage.server;
  int admitted = 0;
  for (int i = 0; i < kAttempts; i++) {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    Handover item;
    item.fd = fds[0];
    item.address = 1 + static_cast<uint64_t>(i * i % 7) % kAddresses;
    uint64_t wake[ServerShared::kWakeWords] = {};
    int64_t room = server.room();
    if (server.admit(item, &room)) {
      admitted++;
      CHECK(server.listener(0).connections.load() <= kConnectionsMax);
      CHECK(stage.open[item.address].fetch_add(1) + 1 <= kPerAddressMax);
      server.place(item, -1, wake);
      server.wake(wake);
    }
    peers.push_back(fds[1]);
    if (peers.size() > 200) {
      close(peers.front());
      peers.erase(peers.begin());
    }
    if (i % 64 == 0) server.expire_refused();
  }
  return admitted;
}

void limits_hold_and_counts_come_back() {
  Stage stage;
  ServerShared& server = *stage.server;
  server.set_listener_state(0, ListenerState::kOpen);
  server.set_connection_limits(kConnectionsMax, kPerAddressMax);
  std::thread supervisors[kWorkers];
  for (int i = 0; i < kWorkers; i++) {
    CHECK(server.add_worker() == i);
    supervisors[i] = std::thread(supervise, std::ref(stage), i);
  }
  std::vector<int> peers;
  int admitted = accept_all(stage, peers);
  stage.accepting.store(false, std::memory_order_relaxed);
  for (std::thread& supervisor : supervisors) supervisor.join();
  int dropped = server.drop_orphans(-1);
  int64_t refused = static_cast<int64_t>(server.listener(0).refused.load());
  CHECK(admitted + refused == kAttempts && stage.ended.load() + dropped == admitted);
  CHECK(server.listener(0).connections.load() == 0 && server.room() == kConnectionsMax);
  // Each address may have its full number again.
  for (uint64_t address = 1; address <= kAddresses; address++) {
    Handover item;
    item.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    item.address = address;
    int64_t room = kConnectionsMax;
    for (uint32_t i = 0; i < kPerAddressMax; i++) CHECK(server.admit(item, &room));
    CHECK(!server.admit(item, &room));
    for (uint32_t i = 0; i < kPerAddressMax; i++) server.connection_ended(0, address);
  }
  std::printf("%d admitted, %d refused\n", admitted, static_cast<int>(refused));
  for (int peer : peers) close(peer);
  server.release();
}

}  // namespace

int main() { limits_hold_and_counts_come_back(); }
