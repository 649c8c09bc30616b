// The cross-thread parts under stress: an acceptor, workers that come and go with their mailboxes,
// connections handed from one to another, expiry on the primary. Whatever the threads do, each
// descriptor has one owner at a time and is closed once: owners are counted per connection, and
// open descriptors at the end.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "chance.h"
#include "check.h"
#include "core/acceptor.h"
#include "open-descriptors.h"
#include "paths.h"

using millrace::Acceptor;
using millrace::AcceptResult;
using millrace::Handover;
using millrace::ServerShared;
using millrace::WorkerShared;
using millrace::test::Chance;
using millrace::test::open_descriptors;

namespace {

constexpr int kConnections = 40000;
constexpr int kReaders = 4;  // worker threads at a time
constexpr int kTurnsMax = 60; // of a worker's life
// Connections that nobody has closed yet. A busy machine lets the peer run far ahead of the
// workers, and out of descriptors the test would be of something else.
constexpr int kOpenMax = 300;

struct Stage {
  ServerShared* server = ServerShared::create();
  std::atomic<bool> accepting{true};
  std::atomic<bool> ending{false};
  std::atomic<int> closed{0};
  std::atomic<int> moves{0};
  // By connection id: 1 while a worker holds it. An item in a mailbox has no holder.
  std::unique_ptr<std::atomic<int>[]> holders{new std::atomic<int>[kConnections + 1]()};
};

void hold(Stage& stage, const Handover& item) {
  CHECK(item.id >= 1 && item.id <= kConnections);
  CHECK(stage.holders[item.id].exchange(1, std::memory_order_relaxed) == 0);
}

void let_go(Stage& stage, const Handover& item) {
  CHECK(stage.holders[item.id].exchange(0, std::memory_order_relaxed) == 1);
}

void give(Stage& stage, int self, Handover item, uint64_t* wake) {
  let_go(stage, item);
  if (item.input.length < 64) item.input.append("moved;", 6);
  stage.server->worker(self)->connections.fetch_sub(1, std::memory_order_relaxed);
  stage.moves.fetch_add(1, std::memory_order_relaxed);
  stage.server->place(item, self, wake);
}

void end(Stage& stage, int self, const Handover& item) {
  let_go(stage, item);
  stage.server->worker(self)->connections.fetch_sub(1, std::memory_order_relaxed);
  stage.server->forget(item);
  stage.closed.fetch_add(1, std::memory_order_relaxed);
}

// Closes, keeps or gives away each of its connections, as chance has it.
void serve_some(Stage& stage, int self, Chance& chance, std::vector<Handover>& held) {
  uint64_t wake[ServerShared::kWakeWords] = {};
  std::vector<Handover> kept;
  for (const Handover& item : held) {
    switch (chance.below(4)) {
      case 0:
        end(stage, self, item);
        break;
      case 1:
        give(stage, self, item, wake);
        break;
      default:
        kept.push_back(item);
    }
  }
  held.swap(kept);
  stage.server->wake(wake);
}

// The life of one worker, as its engine lives it: open, adopt, serve, die.
void work(Stage& stage, int self, uint32_t seed) {
  ServerShared* server = ServerShared::find(stage.server->id());
  WorkerShared& shared = *server->worker(self);
  Chance chance{seed};
  std::vector<Handover> held;
  CHECK(shared.mailbox.open());
  server->take_orphans(held);
  shared.connections.fetch_add(static_cast<int32_t>(held.size()), std::memory_order_relaxed);
  for (const Handover& item : held) hold(stage, item);
  int turns = 1 + static_cast<int>(chance.below(kTurnsMax));
  for (int i = 0; i < turns; i++) {
    pollfd entry{shared.mailbox.wake_fd(), POLLIN, 0};
    if (poll(&entry, 1, 1) > 0) {
      uint64_t count;
      CHECK(read(entry.fd, &count, sizeof count) == sizeof count);
      std::vector<Handover> arrived;
      shared.mailbox.drain(arrived);
      for (const Handover& item : arrived) hold(stage, item);
      held.insert(held.end(), arrived.begin(), arrived.end());
    }
    shared.awake_since_ns.store(chance.below(2), std::memory_order_relaxed);
    serve_some(stage, self, chance, held);
  }
  uint64_t wake[ServerShared::kWakeWords] = {};
  std::vector<Handover> left;
  shared.mailbox.close(left);
  for (const Handover& item : left) hold(stage, item);
  held.insert(held.end(), left.begin(), left.end());
  for (const Handover& item : held) give(stage, self, item, wake);
  server->wake(wake);
  server->release();
}

// Like the pool: whenever a worker has died there is a new one, soon, often in the same slot.
void supervise(Stage& stage, uint32_t seed) {
  std::thread readers[kReaders];
  int slots[kReaders];
  Chance chance{seed};
  for (int round = 0; !stage.ending.load(std::memory_order_relaxed); round++) {
    for (int i = 0; i < kReaders; i++) {
      if (readers[i].joinable()) {
        readers[i].join();
        stage.server->remove_worker(slots[i]);
      }
      slots[i] = stage.server->add_worker();
      CHECK(slots[i] >= 0);
      readers[i] = std::thread(work, std::ref(stage), slots[i], chance.below(1u << 30) + 1);
    }
    CHECK(stage.server->expire_orphans(60000) == 0);
  }
  for (std::thread& reader : readers) reader.join();
}

void accept_all(Stage& stage, Acceptor& acceptor) {
  while (stage.accepting.load(std::memory_order_relaxed)) {
    pollfd entry{acceptor.fd(), POLLIN, 0};
    if (poll(&entry, 1, 5) > 0) {
      CHECK(acceptor.accept_ready(*stage.server, 0) != AcceptResult::kFailed);
    }
  }
  acceptor.close(*stage.server, 0);
}

void connect_many(const Stage& stage, const std::string& path, int count) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  for (int i = 0; i < count; i++) {
    while (i - stage.closed.load(std::memory_order_relaxed) >= kOpenMax) usleep(200);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    CHECK(close(fd) == 0);
  }
}

void every_descriptor_ends_with_one_owner() {
  std::string path = millrace::test::own_path("hand-over");
  int before = open_descriptors();
  Stage stage;
  Acceptor acceptor;
  CHECK(acceptor.listen({nullptr, 0, path.c_str(), 128}) == 0);
  std::thread pool(supervise, std::ref(stage), 1);
  std::thread accepting(accept_all, std::ref(stage), std::ref(acceptor));
  connect_many(stage, path, kConnections);
  stage.accepting.store(false, std::memory_order_relaxed);
  accepting.join();
  stage.ending.store(true, std::memory_order_relaxed);
  pool.join();
  int dropped = stage.server->drop_orphans(-1);
  for (int id = 1; id <= kConnections; id++) CHECK(stage.holders[id].load() == 0);
  CHECK(stage.closed.load() + dropped == kConnections);
  CHECK(stage.server->listener(0).connections.load() == 0);
  for (int i = 0; stage.server->worker(i) != nullptr; i++) {
    CHECK(stage.server->worker(i)->connections.load() == 0);
  }
  std::printf("%d closed, %d dropped, %d moves\n", stage.closed.load(), dropped,
              stage.moves.load());
  stage.server->release();
  CHECK(open_descriptors() == before);
}

}  // namespace

int main() {
  every_descriptor_ends_with_one_owner();
}
