// Stops of a listener while connections are still on their way to the engine: in its mailbox, come
// back because nobody took them, gone before they were adopted. Each is served, closed or reported.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "../check.h"
#include "../echo-app.h"
#include "../peer.h"

using namespace millrace;
using namespace millrace::test;

namespace {

struct Stage {
  ServerShared* server = ServerShared::create();
  int worker = server->add_worker();
  EchoApp app;
  WorkerEngine engine{*server, worker, app};

  Stage() { CHECK(engine->open_mailbox()); }
  ~Stage() {
    engine->die();
    server->drop_orphans(-1);
    CHECK(live() == 0 && server->worker(worker)->connections.load() == 0);
    server->remove_worker(worker);
    server->release();
  }
  int64_t live(uint16_t listener = 0) { return server->listener(listener).connections.load(); }
  void stop(uint16_t listener, bool force) {
    server->set_listener_state(listener, ListenerState::kStopping);
    engine->stop_listener(listener, force);
  }
};

void ask(int peer, const std::string& target) {
  send_all(peer, "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
}

// Nobody has taken a connection that was to leave, and then its listener stops: it is listened to.
void a_connection_that_came_back_is_served_after_a_stop() {
  Stage stage;
  int peer = connect_to(*stage.server);
  stage.engine.run();
  CHECK(stage.engine->give(1, -1) == 0);
  stage.stop(0, false);
  stage.engine.run();
  ask(peer, "/late");
  stage.engine.run();
  std::string answer = received(peer);
  CHECK(answer.find("Connection: close") != std::string::npos && answer.ends_with("/late"));
  close(peer);
  stage.engine.run();
  CHECK(stage.app.drained == std::vector<int32_t>{0});
}

// JavaScript may be told of several things before the next turn: a stop, and a listener whose
// heads need a larger slab. Requests are read from the slab that they were received into.
void a_new_slab_does_not_move_requests() {
  Stage stage;
  int peer = connect_to(*stage.server);
  ask(peer, "/here");
  stage.stop(0, false);
  ListenerOptions larger;
  larger.limits.head_bytes_max = 60000;
  stage.engine.set_listener(1, &larger);
  stage.engine.run();
  CHECK(stage.app.targets == std::vector<std::string>{"/here"});
  CHECK(received(peer).ends_with("/here"));
  close(peer);
  stage.engine.run();
  CHECK(stage.app.drained == std::vector<int32_t>{0});
}

void whoever_is_gone_when_it_is_adopted_counts_as_drained() {
  Stage stage;
  int first = connect_to(*stage.server);
  int second = connect_to(*stage.server);
  close(first);
  close(second);
  stage.stop(0, false);
  CHECK(stage.app.drained.empty());
  stage.engine.run();
  CHECK(stage.app.drained == std::vector<int32_t>{0} && stage.live() == 0);
}

void whoever_is_turned_away_counts_as_drained() {
  Stage stage;
  int peer = connect_to(*stage.server, 5);  // a listener that the engine does not know any more
  stage.stop(5, false);
  stage.engine.run();
  CHECK(stage.app.drained == std::vector<int32_t>{5} && stage.live(5) == 0);
  CHECK(received(peer).starts_with("HTTP/1.1 503 "));
  close(peer);
}

// More than the ring has room for, so that not all of them could be adopted first.
void a_forced_stop_ends_what_was_not_adopted_yet() {
  Stage stage;
  std::vector<int> peers;
  for (int i = 0; i < 60; i++) {
    peers.push_back(connect_to(*stage.server));
    for (int k = 0; k < 64; k++) ask(peers.back(), "/" + std::to_string(k));
  }
  int other = connect_to(*stage.server, 1);
  ListenerOptions options;
  stage.engine.set_listener(1, &options);
  stage.stop(0, true);
  for (int peer : peers) {
    CHECK(has_ended(peer));
    close(peer);
  }
  stage.engine.run();
  CHECK(stage.live() == 0);
  CHECK(stage.app.drained == std::vector<int32_t>{0} && stage.app.targets.empty());
  char byte;
  CHECK(stage.live(1) == 1 && recv(other, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
  close(other);
  stage.engine.run();
  CHECK(stage.live(1) == 0);
}

// FIN, and what the peers go on to send is read: a reset could reach them before the FIN does.
void a_forced_stop_resets_nobody() {
  const std::string begun[] = {
      "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nbody"};
  for (bool arrives : {false, true}) {
    for (const std::string& bytes : begun) {
      Stage stage;
      stage.app.answers = false;
      int peer = connect_tcp(*stage.server);
      send_all(peer, bytes);
      if (!arrives) stage.engine.run();
      stage.stop(0, true);
      CHECK(stage.live() == 1 && has_ended(peer));
      for (int i = 0; i < 3; i++) {
        send_all(peer, std::string(60000, 'x'));
        stage.engine.run();
        CHECK(has_ended(peer) && stage.app.drained.empty());
      }
      close(peer);
      stage.engine.run();
      CHECK(stage.live() == 0 && stage.app.drained == std::vector<int32_t>{0});
    }
  }
}

// A quiet one is closed at once, and so is what lingered when its time is over.
void a_forced_stop_ends_by_itself() {
  Stage stage;
  stage.app.answers = false;
  int quiet = connect_tcp(*stage.server);
  ask(quiet, "/waits");
  stage.engine.run();
  int sending = connect_tcp(*stage.server, 1);
  ListenerOptions options;
  stage.engine.set_listener(1, &options);
  stage.engine.run();
  send_all(sending, "GET / HT");
  stage.engine.run();
  stage.stop(0, true);
  CHECK(stage.live() == 0 && has_ended(quiet));
  stage.stop(1, true);
  CHECK(stage.live(1) == 1);
  stage.stop(1, true);  // again: it has no more time for that
  pollfd nothing{-1, 0, 0};
  for (int i = 0; i < 100 && stage.live(1) > 0; i++) {
    poll(&nothing, 1, 100);
    stage.engine->tick();
    stage.engine.run();
  }
  CHECK(stage.live(1) == 0 && has_ended(sending));
  CHECK((stage.app.drained == std::vector<int32_t>{0, 1}));
  close(quiet);
  close(sending);
}

// Those wait for no worker any more.
void an_orphan_is_not_reset_when_it_is_dropped() {
  Stage stage;
  stage.engine->die();
  int peer = connect_tcp(*stage.server);
  ask(peer, "/nobody");
  CHECK(stage.server->drop_orphans(0) == 1 && has_ended(peer));
  close(peer);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  a_connection_that_came_back_is_served_after_a_stop();
  a_new_slab_does_not_move_requests();
  whoever_is_gone_when_it_is_adopted_counts_as_drained();
  whoever_is_turned_away_counts_as_drained();
  a_forced_stop_ends_what_was_not_adopted_yet();
  a_forced_stop_resets_nobody();
  a_forced_stop_ends_by_itself();
  an_orphan_is_not_reset_when_it_is_dropped();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
