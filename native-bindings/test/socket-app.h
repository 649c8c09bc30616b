// An app for a WorkerEngine that takes sockets over: a request for /up is upgraded at once, one for
// /wait when the test says so, any other is answered with its target. What it is told of a socket
// is kept, and the order checked in which it is told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker-engine.h"

namespace millrace::test {

struct Socket {
  int32_t slot = 0;
  int32_t generation = 0;
  std::string data;
  bool is_ended = false;
  bool is_done = false;  // the test's own
  int closed = 0;  // the reason
  int writable = 0;
};

class SocketApp {
 public:
  Engine* engine = nullptr;
  char* slab = nullptr;
  bool starts_paused = false;
  std::vector<Socket> sockets;  // in the order of their upgrades
  std::vector<std::string> targets;
  std::vector<int32_t> drained;
  int retired = 0;
  size_t data_bytes = 0;
  std::vector<std::pair<int32_t, int32_t>> waiting;  // slots and generations

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      take(engine->blocks().events + i * EVENT_WORDS);
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

  void upgrade(int32_t slot, int32_t generation) {
    // Lines as JavaScript writes them.
    constexpr std::string_view kLines = "Upgrade: echo\r\nConnection: Upgrade\r\n";
    int32_t* reply = record(KIND_UPGRADE, slot, generation, kLines.size());
    reply[REPLY_STATUS] = 101;
    reply[REPLY_HEAD_OFFSET] = put(kLines);
    reply[REPLY_HEAD_LENGTH] = static_cast<int32_t>(kLines.size());
    Socket& added = sockets.emplace_back();
    added.slot = slot;
    added.generation = generation;
    if (starts_paused) signal(added, KIND_PAUSE_BODY);
  }

  void upgrade_waiting() {
    for (auto [slot, generation] : waiting) upgrade(slot, generation);
    waiting.clear();
  }

  void decline_waiting() {
    for (auto [slot, generation] : waiting) respond(slot, generation, FLAG_KEEP_ALIVE, "no");
    waiting.clear();
  }

  void send(const Socket& socket, std::string_view bytes, bool notify = false) {
    int32_t* reply = record(KIND_SEND, socket.slot, socket.generation, bytes.size());
    reply[REPLY_FLAGS] = notify ? REPLY_NOTIFY : 0;
    reply[REPLY_BODY_OFFSET] = put(bytes);
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(bytes.size());
  }

  // The same bytes to all: they lie in the arena once.
  void broadcast(std::string_view bytes) {
    engine->flush();
    arena_at_ = 0;
    int32_t at = put(bytes);
    for (const Socket& socket : sockets) {
      int32_t* reply = add_reply(*engine, KIND_SEND, socket.slot, socket.generation);
      reply[REPLY_BODY_OFFSET] = at;
      reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(bytes.size());
    }
  }

  void signal(const Socket& socket, int32_t kind, int32_t flags = 0) {
    record(kind, socket.slot, socket.generation, 0)[REPLY_FLAGS] = flags;
  }

  int32_t unsent(const Socket& socket) const {
    return engine->blocks().slots[socket.slot * SLOT_WORDS + SLOT_UNSENT];
  }

 private:
  void take(const int32_t* event) {
    int32_t slot = event[EVENT_SLOT];
    int32_t generation = event[EVENT_GENERATION];
    Socket* socket = find(slot, generation);
    switch (event[EVENT_KIND]) {
      case KIND_REQUEST:
        CHECK(socket == nullptr);
        request(event);
        break;
      case KIND_DATA: {
        CHECK(socket != nullptr && !socket->is_ended && socket->closed == 0);
        CHECK(event[EVENT_BODY_BUFFER] == -1);
        size_t length = static_cast<size_t>(event[EVENT_BODY_LENGTH]);
        CHECK(length > 0);
        socket->data.append(slab + event[EVENT_BODY_OFFSET], length);
        data_bytes += length;
        break;
      }
      case KIND_DATA_END:
        CHECK(socket != nullptr && !socket->is_ended && socket->closed == 0);
        socket->is_ended = true;
        break;
      case KIND_WRITABLE:
        CHECK(socket == nullptr || socket->closed == 0);
        if (socket != nullptr) socket->writable++;
        break;
      case KIND_CLOSED:
        if (socket == nullptr || event[EVENT_FLAGS] == CLOSED_END) break;
        CHECK(socket->closed == 0);
        socket->closed = event[EVENT_FLAGS];
        break;
      case KIND_CONTROL:
        if (event[EVENT_LISTENER] == CONTROL_RETIRED) retired++;
        else drained.push_back(event[EVENT_LISTENER]);
        break;
      case KIND_BODY:
        break;
      case KIND_BODY_END:
        CHECK(event[EVENT_FLAGS] == 0);
        upgrade(slot, generation);  // of a request whose body did not come with its head
        break;
      default:
        CHECK(false);
    }
  }

  void request(const int32_t* event) {
    size_t length = static_cast<size_t>(event[EVENT_TARGET_LENGTHS] & 0xffff);
    targets.emplace_back(slab + event[EVENT_TARGET_OFFSET], length);
    const std::string& target = targets.back();
    int32_t flags = event[EVENT_FLAGS];
    bool has_more = (flags & (FLAG_HAS_BODY | FLAG_BODY_COMPLETE)) == FLAG_HAS_BODY;
    bool upgrades = target == "/up" || target.find(':') != std::string::npos;
    if (target == "/wait") {
      waiting.emplace_back(event[EVENT_SLOT], event[EVENT_GENERATION]);
    } else if (!upgrades) {
      respond(event[EVENT_SLOT], event[EVENT_GENERATION], flags, target);
    } else if (!has_more) {
      upgrade(event[EVENT_SLOT], event[EVENT_GENERATION]);
    }
  }

  void respond(int32_t slot, int32_t generation, int32_t flags, std::string_view body) {
    int32_t* reply = record(KIND_RESPOND, slot, generation, body.size());
    reply[REPLY_FLAGS] = flags;
    reply[REPLY_STATUS] = 200;
    reply[REPLY_BODY_OFFSET] = put(body);
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(body.size());
  }

  Socket* find(int32_t slot, int32_t generation) {
    for (auto at = sockets.rbegin(); at != sockets.rend(); ++at) {
      if (at->slot == slot && at->generation == generation) return &*at;
    }
    return nullptr;
  }

  int32_t* record(int32_t kind, int32_t slot, int32_t generation, size_t room) {
    int32_t* control = engine->blocks().control;
    bool is_full = arena_at_ + room > ARENA_BYTES || control[CTL_REPLY_COUNT] == REPLY_MAX;
    if (control[CTL_REPLY_COUNT] > 0 && is_full) engine->flush();
    if (control[CTL_REPLY_COUNT] == 0) arena_at_ = 0;
    return add_reply(*engine, kind, slot, generation);
  }

  int32_t put(std::string_view bytes) {
    int32_t at = static_cast<int32_t>(arena_at_);
    std::memcpy(engine->blocks().arena + arena_at_, bytes.data(), bytes.size());
    arena_at_ += bytes.size();
    return at;
  }

  size_t arena_at_ = 0;
};

}  // namespace millrace::test
