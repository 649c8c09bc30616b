// Options of a listener that come and go while its connections live: each connection keeps those
// that it was adopted with until its slot is freed, and they live no longer than that.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include <string>
#include <vector>

#include "../check.h"
#include "../echo-app.h"
#include "../peer.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

ListenerOptions version(int number) {
  ListenerOptions options;
  options.default_lines = "X-Version: " + std::to_string(number) + "\r\n";
  return options;
}

bool has_version(const std::string& answer, int number) {
  return answer.starts_with("HTTP/1.1 200 ") &&
         answer.find("\r\nX-Version: " + std::to_string(number) + "\r\n") != std::string::npos;
}

struct Stage {
  ServerShared* server = ServerShared::create();
  int worker = server->add_worker();
  EchoApp app;
  WorkerEngine engine{*server, worker, app, version(1)};

  Stage() { CHECK(engine->open_mailbox()); }
  ~Stage() {
    engine->die();
    CHECK(server->listener(0).connections.load() == server->drop_orphans(-1));
    server->remove_worker(worker);
    server->release();
  }
  int connect() {
    int peer = connect_to(*server);
    engine.run();
    return peer;
  }
  void put(int peer, const std::string& bytes) {
    send_all(peer, bytes);
    engine.run();
  }
  std::string ask(int peer, const std::string& bytes) {
    put(peer, bytes);
    return received(peer);
  }
  void set(const ListenerOptions& options) { engine.set_listener(0, &options); }
  void end(int peer) {
    close(peer);
    engine.run();
  }
};

void a_connection_keeps_the_options_that_it_came_with() {
  Stage stage;
  std::vector<int> peers;
  for (int i = 1; i <= 5; i++) {
    if (i > 1) stage.set(version(i));
    peers.push_back(stage.connect());
  }
  for (int round = 0; round < 2; round++) {
    for (int i = 1; i <= 5; i++) CHECK(has_version(stage.ask(peers[i - 1], kGet), i));
  }
  // The slot of one that ends is another's, with the options of now.
  stage.end(peers[1]);
  peers[1] = stage.connect();
  CHECK(has_version(stage.ask(peers[1], kGet), 5));
  CHECK(has_version(stage.ask(peers[2], kGet), 3));
  for (int peer : peers) stage.end(peer);
}

// In the same turn: its answer has left with the options that are replaced before its slot is free.
void options_may_be_replaced_between_an_end_and_the_turn_that_frees_the_slot() {
  Stage stage;
  int peer = stage.connect();
  stage.server->set_listener_state(0, ListenerState::kStopping);
  stage.engine->stop_listener(0, true);
  stage.set(version(2));
  stage.server->set_listener_state(0, ListenerState::kOpen);
  stage.set(version(3));
  stage.engine.run();
  stage.end(peer);
  int next = stage.connect();
  CHECK(has_version(stage.ask(next, kGet), 3));
  stage.end(next);
}

// Larger limits are those of new connections; one in the middle of a head goes on with its parser.
void limits_that_grow_are_those_of_new_connections() {
  Stage stage;
  int before = stage.connect();
  int halfway = stage.connect();
  stage.put(halfway, "GET /half HTTP/1.1\r\nHost: a\r\nX-Field: ");
  ListenerOptions larger = version(2);
  larger.limits = {60000, 3000, 50000, kHttpMethods};
  stage.set(larger);
  int after = stage.connect();
  CHECK(has_version(stage.ask(halfway, "b\r\n\r\n"), 1));
  std::string fields;
  for (int i = 0; i < 2000; i++) fields += "X:" + std::to_string(i) + "\r\n";
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  CHECK(has_version(stage.ask(after, many), 2));
  CHECK(stage.ask(halfway, many).starts_with("HTTP/1.1 431 "));
  std::string longer = "GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  CHECK(has_version(stage.ask(after, longer), 2));
  CHECK(stage.ask(before, longer).starts_with("HTTP/1.1 414 "));
  for (int peer : {before, halfway, after}) stage.end(peer);
}

void a_listener_that_is_taken_away_leaves_its_connections() {
  Stage stage;
  int peer = stage.connect();
  stage.engine.set_listener(0, nullptr);
  CHECK(has_version(stage.ask(peer, kGet), 1));
  int late = stage.connect();
  CHECK(received(late).starts_with("HTTP/1.1 503 "));
  stage.set(version(2));  // the index has another listener
  CHECK(has_version(stage.ask(peer, kGet), 1));
  int next = stage.connect();
  CHECK(has_version(stage.ask(next, kGet), 2));
  for (int each : {peer, late, next}) stage.end(each);
}

// A stop that is not over says nothing about the listener that has the index afterwards.
void what_was_to_be_told_of_one_listener_is_not_told_of_the_next() {
  Stage stage;
  int peer = stage.connect();
  stage.server->set_listener_state(0, ListenerState::kStopping);
  stage.engine->stop_listener(0, false);
  close(peer);
  stage.engine->stop_listener(0, true);  // what is to be told waits for the turn
  stage.engine.set_listener(0, nullptr);
  stage.server->set_listener_state(0, ListenerState::kOpen);
  stage.set(version(2));
  int next = stage.connect();
  CHECK(has_version(stage.ask(next, kGet), 2));
  stage.end(next);
  CHECK(stage.app.drained.empty());
}

// Of the connection in a slot.
const ListenerOptions* options_of(Stage& stage, uint32_t slot) {
  int32_t generation = stage.engine->blocks().slots[slot * SLOT_WORDS + SLOT_GENERATION];
  const Connection* found =
      stage.engine->connection(slot, static_cast<uint32_t>(generation));
  CHECK(found != nullptr);
  return found->options;
}

// Only this sanitizer tells; the other runs the same calls.
bool is_freed(const ListenerOptions* options) {
#ifdef __SANITIZE_ADDRESS__
  return __asan_address_is_poisoned(options) != 0;
#else
  return options != nullptr;
#endif
}

void replaced_options_go_with_their_last_connection() {
  Stage stage;
  int first = stage.connect();
  int second = stage.connect();
  const ListenerOptions* before = options_of(stage, 0);
  CHECK(options_of(stage, 1) == before);
  stage.set(version(2));
  int third = stage.connect();
  const ListenerOptions* after = options_of(stage, 2);
  CHECK(after != before);
  stage.end(first);
  CHECK(has_version(stage.ask(second, kGet), 1));
  stage.end(second);
  CHECK(is_freed(before));
  stage.end(third);  // its options are not replaced: they are those of the next
  int next = stage.connect();
  CHECK(has_version(stage.ask(next, kGet), 2) && options_of(stage, 2) == after);
  stage.end(next);
  stage.set(version(3));
  CHECK(is_freed(after));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  a_connection_keeps_the_options_that_it_came_with();
  options_may_be_replaced_between_an_end_and_the_turn_that_frees_the_slot();
  limits_that_grow_are_those_of_new_connections();
  a_listener_that_is_taken_away_leaves_its_connections();
  what_was_to_be_told_of_one_listener_is_not_told_of_the_next();
  replaced_options_go_with_their_last_connection();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
