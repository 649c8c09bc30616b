// Connections that switch protocols on several threads at once, while workers are retired and end
// and the primary looks at the counts: what is echoed is what was sent, whoever loses its worker
// sees an end, and nothing is left of it in any count.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../chance.h"
#include "../open-descriptors.h"
#include "../socket-stage.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr int kWorkers = 3;  // at a time
constexpr int kPeers = 6;
constexpr int kLives = 40;    // connections that each peer has had when it ends
constexpr int kTurnsMax = 400;  // of a worker's life

struct Scene {
  ServerShared* server = ServerShared::create();
  std::mutex slots;  // add_worker and what goes with it is the primary's
  std::atomic<int> peers{kPeers};
  std::atomic<int> echoed{0};
  std::atomic<int> lost{0};  // connections that their worker's end has closed
};

// Sends back what has come, and ends when the peer has.
void echo(SocketApp& app) {
  for (Socket& socket : app.sockets) {
    if (socket.closed != 0 || socket.is_done) continue;
    if (!socket.data.empty()) app.send(socket, socket.data);
    socket.data.clear();
    if (!socket.is_ended) continue;
    app.signal(socket, KIND_FINISH);
    socket.is_done = true;
  }
}

void work(Scene& scene, int self, uint32_t seed) {
  Chance chance{seed};
  SocketApp app;
  WorkerEngine engine(*scene.server, self, app);
  CHECK(engine->open_mailbox());
  int turns = 1 + static_cast<int>(chance.below(kTurnsMax));
  bool retires = chance.below(2) == 0;
  for (int i = 0; i < turns && scene.peers.load(std::memory_order_relaxed) > 0; i++) {
    pollfd entry{engine->poll_fd(), POLLIN, 0};
    if (poll(&entry, 1, engine->has_work() ? 0 : 1) > 0 || engine->has_work()) engine->turn();
    echo(app);
    engine->flush();
    if (i % 16 == 0) engine->tick();
    if (retires && i == turns / 2) engine->retire();
  }
  CHECK(!retires || app.retired <= 1);
}

void supervise(Scene& scene, int lane) {
  Chance chance{static_cast<uint32_t>(lane) * 7919 + 1};
  while (scene.peers.load(std::memory_order_relaxed) > 0) {
    int slot;
    {
      std::lock_guard<std::mutex> guard(scene.slots);
      slot = scene.server->add_worker();
    }
    CHECK(slot >= 0);
    std::thread worker(work, std::ref(scene), slot, chance.below(1u << 30) + 1);
    worker.join();
    std::lock_guard<std::mutex> guard(scene.slots);
    CHECK(scene.server->worker(slot)->connections.load() == 0);
    scene.server->remove_worker(slot);
  }
}

// One connection: some messages, each echoed before the next, and then the end of either side.
void talk(Scene& scene, Chance& chance) {
  int fd;
  {
    std::lock_guard<std::mutex> guard(scene.slots);
    fd = connect_to(*scene.server);
  }
  send_all(fd, kUp);
  std::string got;
  char bytes[4096];
  size_t wanted = 0;
  std::string message;
  int left = 1 + static_cast<int>(chance.below(8));
  for (;;) {
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count <= 0) break;
    got.append(bytes, static_cast<size_t>(count));
    size_t head = got.find("\r\n\r\n");
    if (head == std::string::npos || got.size() < head + 4 + wanted) continue;
    if (wanted > 0) CHECK(got.compare(got.size() - message.size(), message.size(), message) == 0);
    if (wanted > 0) scene.echoed.fetch_add(1, std::memory_order_relaxed);
    if (left-- == 0) {
      shutdown(fd, SHUT_WR);
      continue;
    }
    message = std::string(1 + chance.below(3000), static_cast<char>('a' + chance.below(26)));
    wanted += message.size();
    if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) < 0) break;
  }
  if (left >= 0) scene.lost.fetch_add(1, std::memory_order_relaxed);
  close(fd);
}

void every_byte_comes_back_or_an_end() {
  int before = open_descriptors();
  Scene scene;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWorkers; i++) threads.emplace_back(supervise, std::ref(scene), i);
  for (int i = 0; i < kPeers; i++) {
    threads.emplace_back([&scene, i] {
      Chance chance{static_cast<uint32_t>(i) + 17};
      for (int life = 0; life < kLives; life++) talk(scene, chance);
      scene.peers.fetch_sub(1, std::memory_order_relaxed);
    });
  }
  // As statistics do it, from another thread.
  ListenerShared& listener = scene.server->listener(0);
  while (scene.peers.load(std::memory_order_relaxed) > 0) {
    int64_t upgraded = listener.upgraded.load(std::memory_order_relaxed);
    CHECK(upgraded >= 0 && upgraded <= kPeers * kLives);
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  scene.server->drop_orphans(-1);
  CHECK(listener.upgraded.load() == 0 && listener.connections.load() == 0);
  std::printf("%d echoed, %d lost\n", scene.echoed.load(), scene.lost.load());
  CHECK(scene.echoed.load() > 0 && scene.lost.load() > 0);
  scene.server->release();
  CHECK(open_descriptors() == before);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  every_byte_comes_back_or_an_end();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
