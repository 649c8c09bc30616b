// Pieces of a body that leave from where the app has them: every byte arrives once and in its place
// however little the peer takes, and nothing is read of the app's memory once the flush is over.
//
// The same file runs under ThreadSanitizer (../alone/llhttp.cc) and in a Node.js.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "../bodies.h"
#include "../chance.h"
#include "../check.h"
#include "../file-stage.h"
#include "../open-descriptors.h"
#include "../peer.h"

using namespace millrace;
using namespace millrace::test;

namespace {

std::string framed(const std::string& bytes) {
  char head[20];
  std::snprintf(head, sizeof head, "%zx\r\n", bytes.size());
  return head + bytes + "\r\n";
}

struct BytesStage : FileStage {
  void chunked_head(const Asked& to) {
    int32_t* reply = add_reply(*app.engine, KIND_HEAD, to.slot, to.generation);
    reply[REPLY_FLAGS] = to.flags;
    reply[REPLY_STATUS] = 200;
  }
  // The memory is the app's again at once, which writes other things there and gives it up.
  void bytes(const Asked& to, const std::string& bytes, int32_t flags = 0) {
    int32_t* reply = add_reply(*app.engine, KIND_BYTES, to.slot, to.generation);
    reply[REPLY_FLAGS] = flags;
    std::vector<char> memory(bytes.begin(), bytes.end());
    app.engine->flush_bytes(memory.data(), memory.size());
    std::fill(memory.begin(), memory.end(), '#');
  }
};

void pieces_of_all_sizes_arrive() {
  for (size_t length : {size_t{1}, size_t{15}, size_t{16}, size_t{4095}, size_t{65536},
                        size_t{1048575}, size_t{3000001}}) {
    std::string body = bytes_of(length);
    BytesStage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.chunked_head(asked);
    stage.bytes(asked, body, REPLY_FRAMED | REPLY_NOTIFY);
    if (length > 3000000) CHECK(stage.app.unsent(asked) > 0);
    std::string want = framed(body);
    std::string answer = stage.take(peer, length + 1000);
    CHECK(body_of(answer) == want && stage.app.unsent(asked) == 0);
    CHECK(answer.find("Transfer-Encoding: chunked\r\n") != answer.npos);
    CHECK(stage.app.writable == 1);
    stage.app.text(asked, "0\r\n\r\n");
    stage.app.end(asked);
    send_all(peer, kGet);  // the connection goes on
    stage.engine.run();
    CHECK(stage.app.asked.size() == 2);
    close(peer);
  }
}

// One behind the other, also while the socket takes nothing, with other bytes between them.
void pieces_wait_behind_other_output() {
  Chance chance{4242};
  for (int round = 0; round < 20; round++) {
    BytesStage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.chunked_head(asked);
    std::string want;
    for (int i = 0; i < 12; i++) {
      std::string piece = bytes_of(1 + chance.below(300000));
      if (chance.below(3) == 0) {
        stage.app.text(asked, framed(piece.substr(0, 1000)));
        want += framed(piece.substr(0, 1000));
      } else {
        stage.bytes(asked, piece, REPLY_FRAMED);
        want += framed(piece);
      }
    }
    std::string got;
    Chance pace{static_cast<uint32_t>(round) + 1};
    while (body_of(got).size() < want.size()) {
      char some[50000];
      ssize_t count = recv(peer, some, 1 + pace.below(sizeof some), MSG_DONTWAIT);
      if (count > 0) got.append(some, static_cast<size_t>(count));
      stage.engine.run();
    }
    CHECK(body_of(got) == want);
    CHECK(stage.app.unsent(asked) == 0 && stage.app.closed == 0);
    close(peer);
  }
}

void a_piece_counts_towards_the_announced_length() {
  std::string body = bytes_of(40000);
  BytesStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, body.size() + 3);
  stage.bytes(asked, body);
  stage.app.text(asked, "end");
  stage.app.end(asked);
  CHECK(body_of(stage.take(peer, body.size() + 100)) == body + "end");
  CHECK(stage.app.closed == 0);
  close(peer);
}

// Each would be a fault of our own, and costs the connection.
void what_is_out_of_order_cuts_the_connection() {
  std::string body = bytes_of(50000);
  for (int fault = 0; fault < 4; fault++) {
    BytesStage stage;
    int peer = stage.peer();
    Asked asked = stage.app.asked[0];
    stage.app.head(asked, fault == 0 ? body.size() - 1 : body.size() + 10);
    if (fault == 1) {  // a record without its bytes
      add_reply(*stage.app.engine, KIND_BYTES, asked.slot, asked.generation);
      stage.app.engine->flush();
    } else if (fault == 2) {  // which were given up meanwhile
      stage.bytes(asked, "");
    } else {
      stage.bytes(asked, body);
    }
    if (fault == 3) stage.app.end(asked);
    stage.engine.run();
    CHECK(stage.app.closed == CLOSED_GONE);
    CHECK(stage.server->listener(0).connections.load() == 0);
    close(peer);
  }
}

// HEAD, what follows the end, and a record of a connection that has gone.
void what_is_not_to_be_sent_is_not() {
  std::string body = bytes_of(50000);
  BytesStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  asked.flags |= FLAG_HEAD;
  stage.app.head(asked, body.size());
  stage.bytes(asked, body);
  stage.app.end(asked);
  stage.bytes(asked, body);
  CHECK(body_of(received(peer)).empty());
  asked.generation++;
  stage.bytes(asked, body);
  CHECK(received(peer).empty() && stage.app.closed == 0);
  close(peer);
}

void a_peer_that_has_gone_costs_its_connection() {
  std::string body = bytes_of(200000);
  BytesStage stage;
  int peer = stage.peer();
  Asked asked = stage.app.asked[0];
  stage.app.head(asked, body.size() * 20);
  stage.app.engine->flush();
  close(peer);
  for (int i = 0; i < 20; i++) stage.bytes(asked, body);
  stage.engine.run();
  CHECK(stage.app.closed == CLOSED_RESET || stage.app.closed == CLOSED_GONE);
  BytesStage other;  // JavaScript was ended between the record and its flush
  peer = other.peer();
  other.app.head(other.app.asked[0], 1000);
  add_reply(*other.app.engine, KIND_BYTES, other.app.asked[0].slot, other.app.asked[0].generation);
  other.engine->die();
  CHECK(body_of(received(peer)).empty() && has_ended(peer));
  close(peer);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  int before = open_descriptors();
  pieces_of_all_sizes_arrive();
  pieces_wait_behind_other_output();
  a_piece_counts_towards_the_announced_length();
  what_is_out_of_order_cuts_the_connection();
  what_is_not_to_be_sent_is_not();
  a_peer_that_has_gone_costs_its_connection();
  CHECK(open_descriptors() == before);
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
