// Files as answers: every byte of them arrives once and in its place however little the peer takes,
// what goes wrong costs the connection and nothing else, and the descriptor is closed exactly once
// whoever ends first: the answer, JavaScript, the peer, the file or the thread.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../chance.h"
#include "../check.h"
#include "../open-descriptors.h"
#include "../peer.h"
#include "../worker-engine.h"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr std::string_view kGet = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";

struct Asked {
  int32_t slot;
  int32_t generation;
  int32_t flags;
};

// What stands for JavaScript: keeps who asks, and answers when the test says so.
struct App {
  Engine* engine = nullptr;
  char* slab = nullptr;
  std::vector<Asked> asked;
  int writable = 0;
  int closed = 0;

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      const int32_t* event = engine->blocks().events + i * EVENT_WORDS;
      writable += event[EVENT_KIND] == KIND_WRITABLE;
      if (event[EVENT_KIND] == KIND_CLOSED && event[EVENT_FLAGS] != CLOSED_END) {
        closed = event[EVENT_FLAGS];
      }
      if (event[EVENT_KIND] != KIND_REQUEST) continue;
      asked.push_back({event[EVENT_SLOT], event[EVENT_GENERATION], event[EVENT_FLAGS]});
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

  void head(const Asked& to, uint64_t length) {
    int32_t* reply = add_reply(*engine, KIND_HEAD, to.slot, to.generation);
    reply[REPLY_FLAGS] = to.flags | REPLY_LENGTH;
    reply[REPLY_STATUS] = 200;
    put_number(reply + REPLY_LENGTH_F64, length);
  }

  void file(const Asked& to, OpenFile& file, uint64_t offset, uint64_t length) {
    int32_t* reply = add_reply(*engine, KIND_FILE, to.slot, to.generation);
    put_number(reply + REPLY_OFFSET_F64, offset);
    put_number(reply + REPLY_LENGTH_F64, length);
    engine->flush_file(file);
  }

  void text(const Asked& to, std::string_view bytes, int32_t flags = 0) {
    std::memcpy(engine->blocks().arena, bytes.data(), bytes.size());
    int32_t* reply = add_reply(*engine, KIND_CHUNK, to.slot, to.generation);
    reply[REPLY_FLAGS] = flags;
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(bytes.size());
    engine->flush();
  }

  void end(const Asked& to) {
    add_reply(*engine, KIND_END, to.slot, to.generation);
    engine->flush();
  }

  int32_t unsent(const Asked& to) const {
    return engine->blocks().slots[to.slot * SLOT_WORDS + SLOT_UNSENT];
  }

 private:
  static void put_number(int32_t* words, uint64_t value) {
    double number = static_cast<double>(value);
    std::memcpy(words, &number, sizeof number);
  }
};

struct Stage {
  ServerShared* server = ServerShared::create();
  int worker = server->add_worker();
  App app;
  WorkerEngine engine;

  explicit Stage(const ListenerOptions& options = {}) : engine(*server, worker, app, options) {
    CHECK(engine->open_mailbox());
  }
  ~Stage() {
    engine->die();
    server->drop_orphans(-1);
    CHECK(server->listener(0).connections.load() == 0);
    CHECK(server->worker(worker)->in_flight.load() == 0);
    server->remove_worker(worker);
    server->release();
  }
  int peer() {
    int fd = connect_to(*server);
    send_all(fd, kGet);
    engine.run();
    CHECK(!app.asked.empty());
    return fd;
  }
  // What comes while the engine has its turns, until `length` bytes are there or no more come.
  std::string take(int fd, size_t length) {
    std::string got;
    for (int idle = 0; got.size() < length && idle < 1000; idle++) {
      std::string more = received(fd);
      if (!more.empty()) idle = 0;
      got += more;
      engine.run();
    }
    return got;
  }
};

// A file of so many bytes, of which each says where it lies; removed when it has been opened.
struct Folder {
  std::string path;
  std::string text;
  OpenFile* file = nullptr;

  explicit Folder(size_t length) {
    char name[] = "/tmp/millrace-file-XXXXXX";
    int fd = mkstemp(name);
    CHECK(fd >= 0);
    path = name;
    text.resize(length);
    for (size_t i = 0; i < length; i++) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    CHECK(::write(fd, text.data(), length) == static_cast<ssize_t>(length));
    ::close(fd);
    int error = 0;
    file = OpenFile::open(path.c_str(), "", error);
    CHECK(file != nullptr && file->size() == length);
  }
  void truncate(size_t length) { CHECK(::truncate(path.c_str(), static_cast<off_t>(length)) == 0); }
  ~Folder() {
    if (file != nullptr) {
      file->close();
      file->release();
    }
    ::unlink(path.c_str());
  }
};

std::string body_of(const std::string& answer) {
  size_t end = answer.find("\r\n\r\n");
  return end == answer.npos ? "" : answer.substr(end + 4);
}

void whole_files_of_all_sizes_arrive() {
  for (size_t length : {size_t{1}, size_t{1000}, size_t{70000}, size_t{3000001}}) {
    Folder folder(length);
    Stage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.app.head(asked, length);
    stage.app.file(asked, *folder.file, 0, length);
    if (length > 3000000) CHECK(stage.app.unsent(asked) > 0);
    stage.app.text(asked, "", REPLY_NOTIFY);
    std::string answer = stage.take(peer, length + 1000);
    CHECK(body_of(answer) == folder.text && stage.app.unsent(asked) == 0);
    CHECK(answer.find("Content-Length: " + std::to_string(length) + "\r\n") != answer.npos);
    CHECK(stage.app.writable == 1);
    stage.app.end(asked);
    send_all(peer, kGet);  // the connection goes on
    stage.engine.run();
    CHECK(stage.app.asked.size() == 2);
    close(peer);
  }
}

// JavaScript is told when the last byte has left, not before, and what is left only gets less.
void a_slow_reader_gets_it_piece_by_piece() {
  Folder folder(4000000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, folder.text.size());
  stage.app.file(asked, *folder.file, 0, folder.text.size());
  stage.app.text(asked, "", REPLY_NOTIFY);
  int32_t before = stage.app.unsent(asked);
  std::string got;
  Chance chance{77};
  while (got.size() < folder.text.size()) {
    char bytes[40000];
    ssize_t count = recv(peer, bytes, 1 + chance.below(sizeof bytes), MSG_DONTWAIT);
    if (count > 0) got.append(bytes, static_cast<size_t>(count));
    stage.engine.run();
    CHECK(stage.app.unsent(asked) <= before);
    before = stage.app.unsent(asked);
    CHECK((stage.app.writable == 1) == (before == 0));
  }
  got += stage.take(peer, 1000);
  CHECK(body_of(got) == folder.text);
  close(peer);
}

void parts_lie_between_other_bytes() {
  Folder folder(200000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, 3 + 1000 + 3 + 199000);
  stage.app.text(asked, "one");
  stage.app.file(asked, *folder.file, 500, 1000);
  CHECK(stage.app.unsent(asked) == 0);
  stage.app.text(asked, "two");
  stage.app.file(asked, *folder.file, 1000, 199000);
  std::string answer = body_of(stage.take(peer, 201000));
  CHECK(answer == "one" + folder.text.substr(500, 1000) + "two" + folder.text.substr(1000));
  stage.app.end(asked);
  close(peer);
}

// It waits behind bytes that the socket has not taken.
void a_file_waits_behind_other_output() {
  Folder folder(300000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  std::string front(700000, 'f');
  stage.app.head(asked, front.size() + 300000);
  stage.app.text(asked, front);
  CHECK(stage.app.unsent(asked) > 0);
  stage.app.file(asked, *folder.file, 0, 300000);
  CHECK(stage.app.unsent(asked) > 300000);
  CHECK(body_of(stage.take(peer, 1000100)) == front + folder.text);
  close(peer);
}

// The cache has let go of it in the middle: the answer is whole, then the descriptor is closed.
void a_file_that_is_given_up_is_sent_to_its_end() {
  Folder folder(2500000);
  Stage stage;
  int before = open_descriptors();
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, folder.text.size());
  stage.app.file(asked, *folder.file, 0, folder.text.size());
  CHECK(stage.app.unsent(asked) > 0);
  folder.file->close();
  folder.file->close();
  CHECK(!folder.file->is_open() && open_descriptors() == before + 2);
  CHECK(body_of(stage.take(peer, folder.text.size() + 1000)) == folder.text);
  CHECK(open_descriptors() == before + 1);  // two ends of the connection, without the file
  stage.app.end(asked);
  send_all(peer, kGet);
  stage.engine.run();
  stage.app.head(stage.app.asked[1], 10);
  stage.app.file(stage.app.asked[1], *folder.file, 0, 10);
  stage.engine.run();
  CHECK(body_of(received(peer)).empty() && has_ended(peer));
  close(peer);
}

void a_file_that_shrinks_cuts_the_connection() {
  Folder folder(3000000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, folder.text.size());
  stage.app.file(asked, *folder.file, 0, folder.text.size());
  folder.truncate(1000);
  std::string got = stage.take(peer, folder.text.size() + 1000);
  CHECK(got.size() < folder.text.size() && stage.app.closed == CLOSED_GONE && has_ended(peer));
  close(peer);
  Stage other;  // shorter before its first byte
  int late = other.peer();
  other.app.head(other.app.asked[0], 2000);
  other.app.file(other.app.asked[0], *folder.file, 5000, 2000);
  other.engine.run();
  CHECK(other.app.closed == CLOSED_GONE);
  close(late);
}

void a_peer_that_goes_takes_its_send_along() {
  ::signal(SIGPIPE, SIG_DFL);  // as an app leaves it that has listened for it
  Folder folder(3000000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, folder.text.size());
  stage.app.file(asked, *folder.file, 0, folder.text.size());
  close(peer);
  stage.engine.run();
  CHECK(stage.app.closed == CLOSED_RESET || stage.app.closed == CLOSED_GONE);
  int gone = stage.peer();
  Asked again = stage.app.asked[1];
  close(gone);  // before the first byte, and before it is noticed
  stage.app.head(again, 10);
  stage.app.engine->flush();
  stage.engine.run();
  CHECK(folder.file->is_open());
}

// sendfile itself finds nobody there.
void a_broken_pipe_is_no_signal() {
  Folder folder(3000000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, folder.text.size());
  stage.app.engine->flush();  // the head has left
  close(peer);
  stage.app.file(asked, *folder.file, 0, folder.text.size());
  stage.engine.run();
  CHECK(stage.app.closed == CLOSED_RESET);
}

void the_end_of_the_thread_ends_the_send() {
  Folder folder(3000000);
  int before = open_descriptors();
  int peer = -1;
  {
    Stage stage;
    peer = stage.peer();
    stage.app.head(stage.app.asked[0], folder.text.size());
    stage.app.file(stage.app.asked[0], *folder.file, 0, folder.text.size());
    CHECK(stage.app.unsent(stage.app.asked[0]) > 0);
    folder.file->close();
    folder.file->release();
    folder.file = nullptr;
  }
  CHECK(open_descriptors() == before);  // one more for the peer, one less for the file
  CHECK(received(peer).size() < folder.text.size() && has_ended(peer));
  close(peer);
  Folder half(1000);
  Stage stage;  // JavaScript was ended between the record and its flush
  peer = stage.peer();
  stage.app.head(stage.app.asked[0], 1000);
  add_reply(*stage.app.engine, KIND_FILE, stage.app.asked[0].slot, stage.app.asked[0].generation);
  stage.engine->die();
  CHECK(body_of(received(peer)).empty() && has_ended(peer));
  close(peer);
}

// Each would be a fault of our own, and costs the connection.
void what_is_out_of_order_cuts_the_connection() {
  Folder folder(3000000);
  size_t size = folder.text.size();
  for (int fault = 0; fault < 6; fault++) {
    Stage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.app.head(asked, fault == 0 ? size - 1 : size + 10);
    stage.app.file(asked, *folder.file, 0, fault == 1 ? size + 11 : size);
    if (fault == 2) stage.app.file(asked, *folder.file, 0, 1);
    if (fault == 3) stage.app.text(asked, "before its turn");
    if (fault == 4) stage.app.end(asked);
    if (fault == 5) {
      add_reply(*stage.app.engine, KIND_FILE, asked.slot, asked.generation);
      stage.app.engine->flush();
    }
    stage.engine.run();
    CHECK(stage.app.closed == CLOSED_GONE);
    CHECK(stage.server->listener(0).connections.load() == 0);
    close(peer);
  }
}

// HEAD, and a record of a connection that has gone.
void what_is_not_to_be_sent_is_not() {
  Folder folder(1000);
  Stage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  asked.flags |= FLAG_HEAD;
  stage.app.head(asked, 1000);
  stage.app.file(asked, *folder.file, 0, 1000);
  stage.app.end(asked);
  CHECK(body_of(received(peer)).empty());
  asked.generation++;
  stage.app.file(asked, *folder.file, 0, 1000);
  CHECK(received(peer).empty());
  close(peer);
}

void a_peer_that_takes_nothing_is_cut() {
  ListenerOptions options;
  options.write_timeout_ms = 100;
  Folder folder(3000000);
  Stage stage(options);
  int peer = stage.peer();
  stage.app.head(stage.app.asked[0], folder.text.size());
  stage.app.file(stage.app.asked[0], *folder.file, 0, folder.text.size());
  for (int i = 0; i < 100 && stage.app.closed == 0; i++) {
    poll(nullptr, 0, 20);
    stage.engine->tick();
    stage.engine.run();
  }
  CHECK(stage.app.closed == CLOSED_TIMEOUT);
  close(peer);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  int before = open_descriptors();
  whole_files_of_all_sizes_arrive();
  a_slow_reader_gets_it_piece_by_piece();
  parts_lie_between_other_bytes();
  a_file_waits_behind_other_output();
  a_file_that_is_given_up_is_sent_to_its_end();
  a_file_that_shrinks_cuts_the_connection();
  a_peer_that_goes_takes_its_send_along();
  a_broken_pipe_is_no_signal();
  the_end_of_the_thread_ends_the_send();
  what_is_out_of_order_cuts_the_connection();
  what_is_not_to_be_sent_is_not();
  a_peer_that_takes_nothing_is_cut();
  CHECK(open_descriptors() == before);
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
