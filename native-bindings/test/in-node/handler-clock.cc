// The clock of a handler: it runs whatever the client sends or takes meanwhile, once for each
// request, and only until its answer has begun. And those of body and writing that a handler sets.
#include <unistd.h>

#include <string>
#include <vector>

#include "../check.h"
#include "../engine-stage.h"
#include "../peer.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr uint32_t kHandlerMs = 2 * Engine::kTickMs;
constexpr int32_t kAnswerBytes = 250000;  // many of them are more than a socket takes

// Its handlers answer when the test says so.
struct SlowApp {
  Engine* engine = nullptr;
  char* slab = nullptr;
  std::vector<std::vector<int32_t>> requests;
  int timeouts = 0;
  int ended = 0;
  int bodies_ended = 0;  // or given up

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      const int32_t* event = engine->blocks().events + i * EVENT_WORDS;
      if (event[EVENT_KIND] == KIND_REQUEST) requests.emplace_back(event, event + EVENT_WORDS);
      if (event[EVENT_KIND] == KIND_BODY_END) bodies_ended++;
      if (event[EVENT_KIND] != KIND_CLOSED) continue;
      if (event[EVENT_FLAGS] == CLOSED_HANDLER_TIMEOUT) timeouts++;
      else ended++;
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

  int32_t* reply(size_t index, int32_t kind) {
    const std::vector<int32_t>& event = requests[index];
    int32_t* reply = add_reply(*engine, kind, event[EVENT_SLOT], event[EVENT_GENERATION]);
    reply[REPLY_FLAGS] = FLAG_KEEP_ALIVE;
    reply[REPLY_STATUS] = 200;
    return reply;
  }
  // What the ring says of a body names its request.
  void signal(size_t index, int32_t kind, int32_t value = 0) {
    int32_t* record = reply(index, kind);
    record[REPLY_FLAGS] = requests[index][EVENT_SEQUENCE];
    record[REPLY_STATUS] = value;
    engine->flush();
  }
};

struct Stage : EngineStage<SlowApp> {
  int peer;

  explicit Stage(const ListenerOptions& options) : EngineStage(options) {
    peer = connect_tcp(*server);
    engine.run();
  }
  ~Stage() {
    close(peer);
    engine.run();
  }
  void send(const std::string& bytes) {
    send_all(peer, bytes);
    engine.run();
  }
  void wait_ticks(int count) {
    for (int i = 0; i < count; i++) {
      usleep(Engine::kTickMs * 1000);
      engine->tick();
      engine.run();
    }
  }
  void answer(size_t index) {
    app.reply(index, KIND_RESPOND);
    engine->flush();
    engine.run();
  }
};

ListenerOptions clocks() {
  ListenerOptions options;
  options.handler_timeout_ms = kHandlerMs;
  return options;
}

const char* const kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const char* const kPost = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc";

// Each waits for longer than the clock and the two ticks that it may be late.
constexpr int kLongTicks = 6;

void it_runs_while_a_body_is_incomplete() {
  Stage stage(clocks());
  stage.send(kPost);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 1);
}

void bytes_of_a_body_do_not_stop_it() {
  Stage stage(clocks());
  stage.send(kPost);
  for (int i = 0; i < kLongTicks; i++) {
    stage.send("x");
    stage.wait_ticks(1);
  }
  CHECK(stage.app.timeouts == 1);
}

void a_reader_that_pauses_does_not_start_it_anew() {
  Stage stage(clocks());
  stage.send(kPost);
  for (int i = 0; i < kLongTicks; i++) {
    stage.app.signal(0, KIND_PAUSE_BODY);
    stage.wait_ticks(1);
    stage.app.signal(0, KIND_RESUME_BODY);
  }
  CHECK(stage.app.timeouts == 1);
}

void the_other_clocks_still_run_beside_it() {
  ListenerOptions options = clocks();
  options.handler_timeout_ms = 60000;
  options.body_timeout_ms = kHandlerMs;
  Stage stage(options);
  stage.send(kPost);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 0);
  stage.answer(0);
  stage.wait_ticks(1);
  // The stalled body has cost the connection.
  CHECK(received(stage.peer).find("Connection: close") != std::string::npos);
}

void a_reader_that_takes_nothing_does_not_stop_it() {
  Stage stage(clocks());
  std::string all;
  for (int i = 0; i < 60; i++) all += kGet;
  stage.send(all);
  CHECK(stage.app.requests.size() == 60);
  for (size_t i = 0; i < 59; i++) {
    stage.app.reply(i, KIND_RESPOND)[REPLY_BODY_LENGTH] = kAnswerBytes;
    stage.engine->flush();
  }
  const int32_t slot = stage.app.requests[0][EVENT_SLOT];
  CHECK(stage.engine->blocks().slots[slot * SLOT_WORDS + SLOT_UNSENT] > 0);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 1 && stage.app.ended == 0);
}

void each_request_has_one_of_its_own() {
  Stage stage(clocks());
  stage.send(std::string(kGet) + kGet);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 1);
  stage.answer(0);
  CHECK(stage.app.timeouts == 1);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 2);
  stage.answer(1);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 2);
}

void it_ends_where_the_answer_begins() {
  Stage stage(clocks());
  stage.send(kPost);
  stage.app.reply(0, KIND_HEAD);
  stage.engine->flush();
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 0 && stage.app.ended == 0);
}

ListenerOptions others(uint32_t milliseconds) {
  ListenerOptions options;
  options.body_timeout_ms = milliseconds;
  options.write_timeout_ms = milliseconds;
  return options;
}

const char* const kRest = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

void a_body_has_the_time_that_its_handler_gives() {
  Stage stage(others(kHandlerMs));
  stage.send(kPost);
  stage.app.signal(0, KIND_BODY_CLOCK, 60000);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.bodies_ended == 0);
  stage.send(kRest);
  CHECK(stage.app.bodies_ended == 1);
  stage.answer(0);
  // The next one has its listener's.
  stage.send(kPost);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.bodies_ended == 2);
}

void a_late_word_for_a_body_is_not_for_the_next_one() {
  Stage stage(others(60000));
  stage.send(kPost);
  stage.send(kRest);
  stage.answer(0);
  stage.send(kPost);
  stage.app.signal(0, KIND_BODY_CLOCK, kHandlerMs);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.bodies_ended == 1);
  stage.app.signal(1, KIND_BODY_CLOCK, kHandlerMs);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.bodies_ended == 2);
}

void fill(Stage& stage, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    stage.app.reply(i, KIND_RESPOND)[REPLY_BODY_LENGTH] = kAnswerBytes;
    stage.engine->flush();
  }
}

void an_answer_has_the_time_that_its_handler_gives() {
  for (bool is_longer : {true, false}) {
    Stage stage(others(is_longer ? kHandlerMs : 60000));
    std::string all;
    for (int i = 0; i < 60; i++) all += kGet;
    stage.send(all);
    stage.app.signal(59, KIND_WRITE_CLOCK, is_longer ? 60000 : kHandlerMs);
    fill(stage, 0, 60);
    stage.wait_ticks(kLongTicks);
    CHECK(stage.live() == (is_longer ? 1 : 0));
  }
}

// The slot's next connection has nothing of it.
void it_goes_with_its_connection() {
  Stage stage(clocks());
  stage.send(kGet);
  reset(stage.peer);
  stage.wait_ticks(1);
  CHECK(stage.app.ended == 1);
  stage.peer = connect_tcp(*stage.server);
  stage.engine.run();
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 0);
  stage.send(kGet);
  CHECK(stage.app.requests[1][EVENT_SLOT] == stage.app.requests[0][EVENT_SLOT]);
  stage.wait_ticks(kLongTicks);
  CHECK(stage.app.timeouts == 1);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  it_runs_while_a_body_is_incomplete();
  bytes_of_a_body_do_not_stop_it();
  a_reader_that_pauses_does_not_start_it_anew();
  the_other_clocks_still_run_beside_it();
  a_reader_that_takes_nothing_does_not_stop_it();
  each_request_has_one_of_its_own();
  it_ends_where_the_answer_begins();
  it_goes_with_its_connection();
  a_body_has_the_time_that_its_handler_gives();
  a_late_word_for_a_body_is_not_for_the_next_one();
  an_answer_has_the_time_that_its_handler_gives();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
