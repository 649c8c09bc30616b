// Files as answers: every byte of them arrives once and in its place however little the peer takes,
// what goes wrong costs the connection and nothing else, and the descriptor is closed exactly once
// whoever ends first: the answer, JavaScript, the peer, the file or the thread.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../chance.h"
#include "../check.h"
#include "../file-stage.h"
#include "../open-descriptors.h"
#include "../peer.h"

using namespace millrace;
using namespace millrace::test;

namespace {

void whole_files_of_all_sizes_arrive() {
  for (size_t length : {size_t{1}, size_t{1000}, size_t{70000}, size_t{3000001}}) {
    TestFile file(length);
    FileStage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.answer(asked, file);
    if (length > 3000000) CHECK(stage.app.unsent(asked) > 0);
    stage.app.text(asked, "", REPLY_NOTIFY);
    std::string answer = stage.take(peer, length + 1000);
    CHECK(body_of(answer) == file.text && stage.app.unsent(asked) == 0);
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
  TestFile file(4000000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.answer(asked, file);
  stage.app.text(asked, "", REPLY_NOTIFY);
  int32_t before = stage.app.unsent(asked);
  std::string got;
  Chance chance{77};
  while (got.size() < file.text.size()) {
    char bytes[40000];
    ssize_t count = recv(peer, bytes, 1 + chance.below(sizeof bytes), MSG_DONTWAIT);
    if (count > 0) got.append(bytes, static_cast<size_t>(count));
    stage.engine.run();
    CHECK(stage.app.unsent(asked) <= before);
    before = stage.app.unsent(asked);
    CHECK((stage.app.writable == 1) == (before == 0));
  }
  got += stage.take(peer, 1000);
  CHECK(body_of(got) == file.text);
  close(peer);
}

void parts_lie_between_other_bytes() {
  TestFile file(200000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, 3 + 1000 + 3 + 199000);
  stage.app.text(asked, "one");
  stage.app.file(asked, *file.file, 500, 1000);
  CHECK(stage.app.unsent(asked) == 0);
  stage.app.text(asked, "two");
  stage.app.file(asked, *file.file, 1000, 199000);
  std::string answer = body_of(stage.take(peer, 201000));
  CHECK(answer == "one" + file.text.substr(500, 1000) + "two" + file.text.substr(1000));
  stage.app.end(asked);
  close(peer);
}

// It waits behind bytes that the socket has not taken.
void a_file_waits_behind_other_output() {
  TestFile file(300000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  std::string front(700000, 'f');
  stage.app.head(asked, front.size() + 300000);
  stage.app.text(asked, front);
  CHECK(stage.app.unsent(asked) > 0);
  stage.app.file(asked, *file.file, 0, 300000);
  CHECK(stage.app.unsent(asked) > 300000);
  CHECK(body_of(stage.take(peer, 1000100)) == front + file.text);
  close(peer);
}

// The cache has let go of it in the middle: the answer is whole, then the descriptor is closed.
void a_file_that_is_given_up_is_sent_to_its_end() {
  TestFile file(2500000);
  FileStage stage;
  int before = open_descriptors();
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.answer(asked, file);
  CHECK(stage.app.unsent(asked) > 0);
  file.file->close();
  file.file->close();
  CHECK(!file.file->is_open() && open_descriptors() == before + 2);
  CHECK(body_of(stage.take(peer, file.text.size() + 1000)) == file.text);
  CHECK(open_descriptors() == before + 1);  // two ends of the connection, without the file
  stage.app.end(asked);
  send_all(peer, kGet);
  stage.engine.run();
  stage.app.head(stage.app.asked[1], 10);
  stage.app.file(stage.app.asked[1], *file.file, 0, 10);
  stage.engine.run();
  CHECK(body_of(received(peer)).empty() && has_ended(peer));
  close(peer);
}

void a_file_that_shrinks_cuts_the_connection() {
  TestFile file(3000000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.answer(asked, file);
  file.truncate(1000);
  std::string got = stage.take(peer, file.text.size() + 1000);
  CHECK(got.size() < file.text.size() && stage.app.closed == CLOSED_GONE && has_ended(peer));
  close(peer);
  FileStage other;  // shorter before its first byte
  int late = other.peer();
  other.app.head(other.app.asked[0], 2000);
  other.app.file(other.app.asked[0], *file.file, 5000, 2000);
  other.engine.run();
  CHECK(other.app.closed == CLOSED_GONE);
  close(late);
}

void a_peer_that_goes_takes_its_send_along() {
  ::signal(SIGPIPE, SIG_DFL);  // as an app leaves it that has listened for it
  TestFile file(3000000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.answer(asked, file);
  close(peer);
  stage.engine.run();
  CHECK(stage.app.closed == CLOSED_RESET || stage.app.closed == CLOSED_GONE);
  int gone = stage.peer();
  Asked again = stage.app.asked[1];
  close(gone);  // before the first byte, and before it is noticed
  stage.app.head(again, 10);
  stage.app.engine->flush();
  stage.engine.run();
  CHECK(file.file->is_open());
}

// sendfile itself finds nobody there.
void a_broken_pipe_is_no_signal() {
  TestFile file(3000000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, file.text.size());
  stage.app.engine->flush();  // the head has left
  close(peer);
  stage.app.file(asked, *file.file, 0, file.text.size());
  stage.engine.run();
  CHECK(stage.app.closed == CLOSED_RESET);
}

void the_end_of_the_thread_ends_the_send() {
  TestFile file(3000000);
  int before = open_descriptors();
  int peer = -1;
  {
    FileStage stage;
    peer = stage.peer();
    stage.answer(stage.app.asked[0], file);
    CHECK(stage.app.unsent(stage.app.asked[0]) > 0);
    file.file->close();
    file.file->release();
    file.file = nullptr;
  }
  CHECK(open_descriptors() == before);  // one more for the peer, one less for the file
  CHECK(received(peer).size() < file.text.size() && has_ended(peer));
  close(peer);
  TestFile half(1000);
  FileStage stage;  // JavaScript was ended between the record and its flush
  peer = stage.peer();
  stage.app.head(stage.app.asked[0], 1000);
  add_reply(*stage.app.engine, KIND_FILE, stage.app.asked[0].slot, stage.app.asked[0].generation);
  stage.engine->die();
  CHECK(body_of(received(peer)).empty() && has_ended(peer));
  close(peer);
}

// Each would be a fault of our own, and costs the connection.
void what_is_out_of_order_cuts_the_connection() {
  TestFile file(3000000);
  size_t size = file.text.size();
  for (int fault = 0; fault < 6; fault++) {
    FileStage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.app.head(asked, fault == 0 ? size - 1 : size + 10);
    stage.app.file(asked, *file.file, 0, fault == 1 ? size + 11 : size);
    if (fault == 2) stage.app.file(asked, *file.file, 0, 1);
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
  TestFile file(1000);
  FileStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  asked.flags |= FLAG_HEAD;
  stage.app.head(asked, 1000);
  stage.app.file(asked, *file.file, 0, 1000);
  stage.app.end(asked);
  CHECK(body_of(received(peer)).empty());
  asked.generation++;
  stage.app.file(asked, *file.file, 0, 1000);
  CHECK(received(peer).empty());
  close(peer);
}

void a_peer_that_takes_nothing_is_cut() {
  ListenerOptions options;
  options.write_timeout_ms = 100;
  TestFile file(3000000);
  FileStage stage(options);
  int peer = stage.peer();
  stage.answer(stage.app.asked[0], file);
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
