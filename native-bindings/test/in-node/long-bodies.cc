// Long bodies in: how often JavaScript is told of one, that its bytes are the ones sent however
// they were chunked and cut into reads, and that requests and trailers behind it are parsed.
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "../bodies.h"
#include "../check.h"
#include "../worker-engine.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr size_t kMebibyte = 1 << 20;

// What stands for JavaScript: it collects the bodies, and answers each request with what it got.
struct App {
  Engine* engine = nullptr;
  char* slab = nullptr;
  std::vector<std::unique_ptr<char[]>> buffers;
  std::string body;
  std::string trailers;
  std::vector<std::string> methods;
  int pieces = 0;
  int whole = 0;  // buffers that were full
  int ended = 0;
  size_t before_ticks = 0;  // of the body

  int told() const { return pieces + ended + static_cast<int>(methods.size()); }

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      take(engine->blocks().events + i * EVENT_WORDS);
    }
    if (control[CTL_BODY_NEEDED] != 0) {
      control[CTL_BODY_NEEDED] = 0;
      for (int i = 0; i < BODY_BUFFERS; i++) {
        buffers.emplace_back(new char[BODY_BUFFER_BYTES]);
        engine->use_body_buffer(i, buffers.back().get());
      }
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

  void take(const int32_t* event) {
    const char* at = slab + event[EVENT_BODY_OFFSET];
    size_t length = static_cast<size_t>(event[EVENT_BODY_LENGTH]);
    switch (event[EVENT_KIND]) {
      case KIND_REQUEST:
        methods.push_back(event[EVENT_METHOD] == kMethodGet ? "GET" : "POST");
        if ((event[EVENT_FLAGS] & FLAG_HAS_BODY) != 0) break;
        respond(event);
        break;
      case KIND_BODY:
        pieces++;
        if (event[EVENT_BODY_BUFFER] >= 0) {
          at = buffers[static_cast<size_t>(event[EVENT_BODY_BUFFER])].get() +
               event[EVENT_BODY_OFFSET];
        }
        whole += length == BODY_BUFFER_BYTES;
        body.append(at, length);
        break;
      case KIND_BODY_END:
        CHECK(event[EVENT_FLAGS] == 0);
        trailers.append(at, length);
        ended++;
        respond(event);
        break;
      default:
        CHECK(event[EVENT_KIND] == KIND_CLOSED);
    }
  }

  void respond(const int32_t* event) {
    int32_t* reply =
        add_reply(*engine, KIND_RESPOND, event[EVENT_SLOT], event[EVENT_GENERATION]);
    reply[REPLY_FLAGS] = FLAG_KEEP_ALIVE;
    reply[REPLY_STATUS] = 200;
  }
};

std::string chunked(const std::string& body, size_t chunk, const std::string& trailers) {
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  char size[32];
  for (size_t at = 0; at < body.size(); at += chunk) {
    size_t length = std::min(chunk, body.size() - at);
    const char* format = at / chunk % 2 == 0 ? "%zx\r\n" : "0%zX;e=ffff\r\n";
    int written = std::snprintf(size, sizeof size, format, length);
    bytes.append(size, static_cast<size_t>(written)).append(body, at, length).append("\r\n");
  }
  return bytes + "0\r\n" + trailers + "\r\n";
}

std::string declared(const std::string& body, size_t length) {
  return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
         "\r\n\r\n" + body;
}

// Serves one connection until all of `input` has been taken; at most `step` bytes are sent before
// each turn. Then come `ticks` of the clock, each behind a pause of two.
void serve(App& app, const std::string& input, size_t step, bool over_tcp = false, int ticks = 0) {
  ServerShared* server = ServerShared::create();
  int worker = server->add_worker();
  int peer = over_tcp ? connect_tcp(*server) : connect_to(*server);
  int room = 4 << 20;
  setsockopt(peer, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  {
    WorkerEngine engine(*server, worker, app);
    CHECK(engine->open_mailbox());
    size_t sent = 0;
    int idle = 0;
    auto turn = [&] {
      int before = app.told();
      engine->turn();
      engine->flush();
      idle = sent == input.size() && before == app.told() ? idle + 1 : 0;
    };
    while (idle < 4) {
      ssize_t written = 0;
      if (sent < input.size()) {
        size_t length = std::min(step, input.size() - sent);
        written = send(peer, input.data() + sent, length, MSG_DONTWAIT);
      }
      if (written > 0) sent += static_cast<size_t>(written);
      turn();
    }
    app.before_ticks = app.body.size();
    for (int i = 0; i < ticks; i++) {
      usleep(2 * Engine::kTickMs * 1000);
      engine->tick();
      for (idle = 0; idle < 4;) turn();
    }
  }
  close(peer);
  server->remove_worker(worker);
  server->release();
}

void large_chunks_take_few_events() {
  std::string body = bytes_of(4 * kMebibyte);
  for (size_t chunk : {size_t{65536}, size_t{300000}, body.size()}) {
    App app;
    serve(app, chunked(body, chunk, ""), body.size());
    CHECK(app.body == body && app.ended == 1);
    std::printf("chunks of %zu: %d events, %d whole buffers\n", chunk, app.pieces, app.whole);
    // Through the slab it would be 32 a mebibyte. No byte of a full buffer is copied again.
    CHECK(app.pieces <= 4 * 8 && app.whole >= 4 * 2);
  }
}

// A size that nobody can send is one all the same: what comes of the chunk is taken. It is read
// into a buffer from its first byte on.
void a_chunk_of_almost_all_there_can_be() {
  std::string body = bytes_of(kMebibyte);
  for (const char* size : {"ffffffffffff8000", "ffffffffffffc000", "ffffffffffffffff"}) {
    std::string front = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n30000\r\n";
    front += body.substr(0, 0x30000) + "\r\n" + size + "\r\n";
    App app;
    serve(app, front + body, front.size());
    CHECK(app.body == body.substr(0, 0x30000) + body && app.ended == 0);
  }
}

// Sent a little at a time but fast, a body of known length is read when a buffer can be filled. Its
// end and what lies behind it wait for nothing.
void a_fast_sender_fills_buffers() {
  std::string body = bytes_of(8 * kMebibyte);
  std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  App app;
  serve(app, declared(body, body.size()) + get + declared(body, body.size()) + get, 50000, true);
  CHECK(app.body == body + body && app.ended == 2 && app.methods.size() == 4);
  std::printf("2 * 8 MiB, 50,000 at a time: %d pieces, %d whole buffers\n", app.pieces, app.whole);
  CHECK(app.pieces <= 200 && app.whole >= 16);  // of 336 sends
}

// Then it stops, far from its end: what has come is read all the same.
void a_sender_that_stops_is_heard() {
  std::string body = bytes_of(2 * kMebibyte);
  App app;
  serve(app, declared(body, 8 * kMebibyte), 50000, true, 2);
  CHECK(app.before_ticks < body.size());
  CHECK(app.body == body && app.ended == 0);
}

// Long, but slow: it is read as it comes.
void a_slow_sender_is_heard_at_once() {
  std::string body = bytes_of(kMebibyte - 100000);
  App app;
  serve(app, declared(body, 8 * kMebibyte), 50000, true);
  CHECK(app.body == body && app.before_ticks == body.size());
}

void intact_however_it_is_cut() {
  std::string body = bytes_of(400000);
  std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t chunk : {size_t{1}, size_t{100}, size_t{5000}, size_t{40000}, size_t{262144}}) {
    for (size_t step : {size_t{977}, size_t{32768}, size_t{100003}, 2 * kMebibyte}) {
      if (chunk == 1 && step == 977) continue;
      size_t length = chunk == 1 ? 60000 : body.size();
      std::string message = chunked(body.substr(0, length), chunk, "X-Sum: 1\r\nX-Two:\r\n");
      App app;
      // Enough behind it that no slab could hold what a buffer can.
      std::string behind;
      for (int i = 0; i < 2000; i++) behind += get;
      serve(app, message + behind + message + get, step);
      CHECK(app.body == body.substr(0, length) + body.substr(0, length));
      CHECK(app.ended == 2);
      CHECK(app.trailers == "X-Sum\n1\nX-Two\n\nX-Sum\n1\nX-Two\n\n");
      CHECK(app.methods.size() == 2 * 1 + 2000 + 1);
      CHECK(app.methods.front() == "POST" && app.methods.back() == "GET");
    }
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  large_chunks_take_few_events();
  a_chunk_of_almost_all_there_can_be();
  a_fast_sender_fills_buffers();
  a_sender_that_stops_is_heard();
  a_slow_sender_is_heard_at_once();
  intact_however_it_is_cut();
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
