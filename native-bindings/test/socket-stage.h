// What the tests of upgraded connections share: an engine with a SocketApp, and the peer's side.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "check.h"
#include "engine-stage.h"
#include "peer.h"
#include "socket-app.h"

namespace millrace::test {

inline constexpr std::string_view kUp = "GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                                 "Upgrade: echo\r\n\r\n";
inline constexpr std::string_view kWait = "GET /wait HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                                   "Upgrade: echo\r\n\r\n";

struct SocketStage : EngineStage<SocketApp> {
  int patience_ms = 0;

  explicit SocketStage(const ListenerOptions& options = {}) : EngineStage(options) {}
  ~SocketStage() {
    engine->die();
    CHECK(upgraded() == 0);
  }

  int64_t upgraded() { return server->listener(0).upgraded.load(); }
  Socket& socket(size_t index = 0) { return app.sockets[index]; }

  // The peer's end. Over TCP, which knows resets, bytes may take a moment.
  int connect(bool is_tcp) {
    patience_ms = is_tcp ? 3 : patience_ms;
    return is_tcp ? connect_tcp(*server) : connect_to(*server);
  }

  // As the loop does it: turns for as long as there is something to do, which must have an end.
  void run() {
    engine->flush();
    pollfd entry{engine->poll_fd(), POLLIN, 0};
    for (int turns = 0; engine->has_work() || poll(&entry, 1, patience_ms) > 0; turns++) {
      CHECK(turns < 10000);
      engine->turn();
      engine->flush();
    }
  }

  void stop(bool force) {
    server->set_listener_state(0, ListenerState::kStopping);
    engine->stop_listener(0, force);
  }
};

// → the peer's end of a connection that has switched, with its head read.
inline int upgraded_peer(SocketStage& stage, bool is_tcp = true) {
  int peer = stage.connect(is_tcp);
  send_all(peer, kUp);
  stage.run();
  std::string head = received(peer);
  CHECK(head.starts_with("HTTP/1.1 101 Switching Protocols\r\nDate: "));
  CHECK(head.ends_with("\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"));
  return peer;
}

}  // namespace millrace::test
