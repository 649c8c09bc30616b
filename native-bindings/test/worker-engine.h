// An engine as the thread of a worker has it, for tests: without libuv, and with an app of the test
// in the place of JavaScript. The app has the members `Engine* engine` and `char* slab`, which are
// set here, and `void batch()`, which is called where JavaScript would be entered.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

#include "check.h"
#include "core/engine.h"

namespace millrace::test {

class WorkerEngine {
 public:
  // Its mailbox is still closed. Listener 0 has the options given.
  template <typename App>
  WorkerEngine(ServerShared& server, int worker, App& app, const ListenerOptions& listener = {})
      : engine_(ServerShared::find(server.id()), worker, EngineOptions{},
                EngineHost{&app, [](void* context) {
                             static_cast<App*>(context)->batch();
                             return true;
                           }}) {
    CHECK(engine_.open());
    app.engine = &engine_;
    app_slab_ = &app.slab;
    set_listener(0, &listener);
  }
  // As a thread ends: the connections go to other workers, or wait with the server.
  ~WorkerEngine() {
    engine_.die();
    engine_.close_poll();
  }
  Engine* operator->() { return &engine_; }

  // As the worker's JavaScript does it, between turns.
  void set_listener(uint16_t index, const ListenerOptions* options) {
    engine_.set_listener(index, options);
    if (engine_.slab_bytes() == slab_bytes_) return;
    slab_bytes_ = engine_.slab_bytes();
    slab_.reset(new char[slab_bytes_]);
    engine_.use_slab(slab_.get());
    *app_slab_ = slab_.get();
  }

  // As the loop does it: turns for as long as there is something to do.
  void run() {
    pollfd entry{engine_.poll_fd(), POLLIN, 0};
    while (engine_.has_work() || poll(&entry, 1, 0) > 0) {
      engine_.turn();
      engine_.flush();
    }
  }

 private:
  char** app_slab_ = nullptr;
  uint32_t slab_bytes_ = 0;
  std::unique_ptr<char[]> slab_;
  Engine engine_;
};

// A reply for the ring; the caller fills in what else it has before the next flush.
inline int32_t* add_reply(Engine& engine, int32_t kind, int32_t slot, int32_t generation) {
  int32_t* control = engine.blocks().control;
  CHECK(control[CTL_REPLY_COUNT] < REPLY_MAX);
  int32_t* reply = engine.blocks().replies + control[CTL_REPLY_COUNT]++ * REPLY_WORDS;
  std::memset(reply, 0, sizeof(int32_t) * REPLY_WORDS);
  reply[REPLY_KIND] = kind;
  reply[REPLY_SLOT] = slot;
  reply[REPLY_GENERATION] = generation;
  return reply;
}

// A descriptor of the listener, placed as the acceptor places it; the server owns it.
inline void place_accepted(ServerShared& server, int fd, uint16_t listener) {
  Handover item;
  item.fd = fd;
  item.listener = listener;
  int64_t room = 1;
  CHECK(server.admit(item, &room));
  uint64_t wake[ServerShared::kWakeWords] = {};
  server.place(item, -1, wake);
  server.wake(wake);
}

// A connection of the listener → the peer's end, which blocks.
inline int connect_to(ServerShared& server, uint16_t listener = 0) {
  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  CHECK(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
  place_accepted(server, pair[1], listener);
  return pair[0];
}

// As connect_to, over TCP, which knows resets and SO_RCVLOWAT.
inline int connect_tcp(ServerShared& server, uint16_t listener = 0) {
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof name;
  CHECK(bind(listening, reinterpret_cast<sockaddr*>(&name), length) == 0);
  CHECK(listen(listening, 1) == 0);
  CHECK(getsockname(listening, reinterpret_cast<sockaddr*>(&name), &length) == 0);
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(peer, reinterpret_cast<sockaddr*>(&name), length) == 0);
  int accepted = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listening);
  CHECK(accepted >= 0);
  place_accepted(server, accepted, listener);
  return peer;
}

}  // namespace millrace::test
