// An app for a WorkerEngine: it answers each request with its target, if it is to, and keeps what
// it was told.
#pragma once

#include <string>
#include <vector>

#include "worker-engine.h"

namespace millrace::test {

struct EchoApp {
  Engine* engine = nullptr;
  char* slab = nullptr;
  bool answers = true;
  std::vector<std::string> targets;
  std::vector<int32_t> drained;  // listeners, as they were told of

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      const int32_t* event = engine->blocks().events + i * EVENT_WORDS;
      if (event[EVENT_KIND] == KIND_CONTROL) drained.push_back(event[EVENT_LISTENER]);
      if (answers && event[EVENT_KIND] == KIND_REQUEST) answer(event);
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

 private:
  void answer(const int32_t* event) {
    int32_t* control = engine->blocks().control;
    if (control[CTL_REPLY_COUNT] == REPLY_MAX) engine->flush();
    if (control[CTL_REPLY_COUNT] == 0) arena_at_ = 0;
    size_t length = static_cast<size_t>(event[EVENT_TARGET_LENGTHS] & 0xffff);
    targets.emplace_back(slab + event[EVENT_TARGET_OFFSET], length);
    std::memcpy(engine->blocks().arena + arena_at_, targets.back().data(), length);
    int32_t* reply =
        add_reply(*engine, KIND_RESPOND, event[EVENT_SLOT], event[EVENT_GENERATION]);
    reply[REPLY_FLAGS] = event[EVENT_FLAGS];
    reply[REPLY_STATUS] = 200;
    reply[REPLY_BODY_OFFSET] = arena_at_;
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(length);
    arena_at_ += static_cast<int32_t>(length);
  }

  int32_t arena_at_ = 0;
};

}  // namespace millrace::test
