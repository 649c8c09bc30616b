// Engines that give connections to each other while clients keep asking: workers come, give some
// of theirs away, are retired and end, and every request gets its answer, in order, on the
// connection that it was sent on. Nothing is closed, no descriptor is left.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "../chance.h"
#include "../check.h"
#include "../open-descriptors.h"
#include "../peer.h"
#include "../worker-engine.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr int kWorkers = 3;       // at a time
constexpr int kPeers = 60;        // connections
constexpr int kLives = 150;       // workers that have been retired when it ends
constexpr int kAheadMax = 6;      // requests that are sent before their answers are read
constexpr int kTurnsMax = 60;     // of a worker's life

struct Stage {
  ServerShared* server = ServerShared::create();
  std::atomic<bool> ending{false};
  std::atomic<int> given{0};
  std::atomic<int> retired{0};
};

// What stands for JavaScript: each request is answered with its target, some of them later.
class App {
 public:
  explicit App(uint32_t seed) : chance_{seed} {}
  Engine* engine = nullptr;
  bool is_retired = false;

  void batch() {
    const int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      const int32_t* event = engine->blocks().events + i * EVENT_WORDS;
      engine->blocks().control[CTL_EVENT_CURSOR] = i + 1;
      if (event[EVENT_KIND] == KIND_REQUEST) {
        take(event);
      } else {
        CHECK(event[EVENT_KIND] == KIND_CONTROL && event[EVENT_LISTENER] == CONTROL_RETIRED);
        CHECK(!is_retired);
        is_retired = true;
      }
    }
  }

  // Answers what waits, all or a part: those of one connection in their order.
  void answer_some() {
    size_t count = waiting_.size();
    if (chance_.below(2) == 0) count = count / 2;
    for (size_t i = 0; i < count; i++) respond(waiting_[i]);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<long>(count));
  }

  char* slab = nullptr;

 private:
  struct Request {
    int32_t slot, generation, flags;
    std::string target;
  };

  void take(const int32_t* event) {
    size_t length = static_cast<size_t>(event[EVENT_TARGET_LENGTHS] & 0xffff);
    Request request{event[EVENT_SLOT], event[EVENT_GENERATION], event[EVENT_FLAGS],
                    std::string(slab + event[EVENT_TARGET_OFFSET], length)};
    bool waits = false;
    for (const Request& each : waiting_) waits = waits || each.slot == request.slot;
    if (waits || chance_.below(3) == 0) {
      waiting_.push_back(request);
    } else {
      respond(request);
    }
  }

  void respond(const Request& request) {
    int32_t* control = engine->blocks().control;
    if (control[CTL_REPLY_COUNT] == 0) arena_at_ = 0;
    if (control[CTL_REPLY_COUNT] == REPLY_MAX - 1) engine->flush();
    std::memcpy(engine->blocks().arena + arena_at_, request.target.data(), request.target.size());
    int32_t* reply = add_reply(*engine, KIND_RESPOND, request.slot, request.generation);
    reply[REPLY_FLAGS] = request.flags;
    reply[REPLY_STATUS] = 200;
    reply[REPLY_BODY_OFFSET] = arena_at_;
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(request.target.size());
    arena_at_ += static_cast<int32_t>(request.target.size());
  }

  Chance chance_;
  std::vector<Request> waiting_;
  int32_t arena_at_ = 0;
};

// The life of one worker: serve, give, be retired, end with the last connection.
void work(Stage& stage, int self, uint32_t seed) {
  Chance chance{seed};
  App app(chance.below(1u << 30) + 1);
  WorkerEngine engine(*stage.server, self, app);
  CHECK(engine->open_mailbox());
  int turns = 1 + static_cast<int>(chance.below(kTurnsMax));
  for (int i = 0; !app.is_retired; i++) {
    pollfd entry{engine->poll_fd(), POLLIN, 0};
    if (poll(&entry, 1, engine->has_work() ? 0 : 1) > 0 || engine->has_work()) engine->turn();
    app.answer_some();
    engine->flush();
    if (i % 16 == 0) engine->tick();
    if (i < turns && chance.below(8) == 0) {
      int to = static_cast<int>(chance.below(kWorkers + 2)) - 1;
      stage.given.fetch_add(engine->give(1 + static_cast<int>(chance.below(8)), to));
    }
    // The last ones serve until every client has had its answers.
    if (i >= turns && !stage.ending.load(std::memory_order_relaxed)) engine->retire();
    if (stage.ending.load(std::memory_order_relaxed)) break;
  }
  if (app.is_retired) stage.retired.fetch_add(1);
  CHECK(!app.is_retired || stage.server->worker(self)->connections.load() == 0);
}

// Like generations: whoever has ended is replaced.
void supervise(Stage& stage, int lane) {
  Chance chance{static_cast<uint32_t>(lane) * 7919 + 1};
  static std::mutex slots;  // add_worker is the primary's
  while (!stage.ending.load(std::memory_order_relaxed)) {
    int slot;
    {
      std::lock_guard<std::mutex> guard(slots);
      slot = stage.server->add_worker();
    }
    CHECK(slot >= 0);
    std::thread worker(work, std::ref(stage), slot, chance.below(1u << 30) + 1);
    if (chance.below(2) == 0) stage.server->leave_worker(slot);
    worker.join();
    std::lock_guard<std::mutex> guard(slots);
    stage.server->remove_worker(slot);
  }
}

// Reads until `text` ends with `end`.
void read_until(int fd, std::string& text, std::string_view end) {
  char buffer[4096];
  while (!text.ends_with(end)) {
    ssize_t count = read(fd, buffer, sizeof buffer);
    CHECK(count > 0);  // nobody closes, nobody resets
    text.append(buffer, static_cast<size_t>(count));
  }
}

// Asks for as long as workers come and go: some requests ahead, some heads cut in two.
void ask(Stage& stage, int fd, int self) {
  Chance chance{static_cast<uint32_t>(self) + 17};
  int asked = 0;
  while (stage.retired.load(std::memory_order_relaxed) < kLives) {
    int ahead = 1 + static_cast<int>(chance.below(kAheadMax));
    std::string requests;
    std::string last;
    for (int i = 0; i < ahead; i++) {
      last = "/" + std::to_string(self) + "-" + std::to_string(asked++);
      requests += "GET " + last + " HTTP/1.1\r\nHost: a.test\r\n\r\n";
    }
    size_t cut = chance.below(static_cast<uint32_t>(requests.size()));
    send_all(fd, std::string_view(requests).substr(0, cut));
    if (chance.below(3) == 0) std::this_thread::yield();
    send_all(fd, std::string_view(requests).substr(cut));
    std::string answers;
    read_until(fd, answers, "\r\n\r\n" + last);
    size_t count = 0;
    for (size_t at = 0; (at = answers.find("HTTP/1.1 200 OK", at)) != std::string::npos; at++) {
      count++;
    }
    CHECK(count == static_cast<size_t>(ahead));
    CHECK(answers.find("onnection: close") == std::string::npos);
  }
}

void every_request_is_answered() {
  int before = open_descriptors();
  Stage stage;
  int mine[kPeers];
  for (int& end : mine) end = connect_to(*stage.server);  // they wait for the first worker
  std::vector<std::thread> lanes;
  for (int i = 0; i < kWorkers; i++) lanes.emplace_back(supervise, std::ref(stage), i);
  std::vector<std::thread> peers;
  for (int i = 0; i < kPeers; i++) peers.emplace_back(ask, std::ref(stage), mine[i], i);
  for (std::thread& peer : peers) peer.join();
  CHECK(stage.server->listener(0).connections.load() == kPeers);
  stage.ending.store(true, std::memory_order_relaxed);
  for (std::thread& lane : lanes) lane.join();
  CHECK(stage.server->drop_orphans(-1) == kPeers);
  for (int end : mine) close(end);
  CHECK(stage.server->listener(0).connections.load() == 0);
  for (int i = 0; stage.server->worker(i) != nullptr; i++) {
    CHECK(stage.server->worker(i)->connections.load() == 0);
  }
  std::printf("%d given, %d workers retired\n", stage.given.load(), stage.retired.load());
  CHECK(stage.given.load() > 0);
  stage.server->release();
  CHECK(open_descriptors() == before);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  every_request_is_answered();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
