// Connections that switch protocols: what lies behind the head however it is cut, declined ones,
// bytes both ways and their bounds.
#include <fcntl.h>
#include <netinet/tcp.h>

#include <string>
#include <vector>

#include "../chance.h"
#include "../open-descriptors.h"
#include "../socket-stage.h"

using namespace millrace;
using namespace millrace::test;

namespace {

void cut_everywhere(const std::string& input, void (*check)(SocketStage&, int peer)) {
  SocketStage stage;
  for (size_t cut = 0; cut <= input.size(); cut++) {
    int peer = stage.connect(false);
    if (cut > 0) send_all(peer, std::string_view(input).substr(0, cut));
    stage.run();
    if (cut < input.size()) send_all(peer, std::string_view(input).substr(cut));
    stage.run();
    check(stage, peer);
    close(peer);
    stage.run();
    stage.app.sockets.clear();
    stage.app.targets.clear();
  }
}

void what_lies_behind_the_head_is_the_first_data() {
  static const std::string behind("\r\n\r\n\0GET /x HTTP/1.1\r\n\r\n\n", 24);
  auto check = [](SocketStage& stage, int peer) {
    CHECK(stage.app.sockets.size() == 1 && stage.app.targets.size() == 1);
    CHECK(stage.socket().data == behind && stage.socket().closed == 0);
    CHECK(received(peer).starts_with("HTTP/1.1 101 "));
  };
  std::string chunked = "POST /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n";
  std::string length = "POST /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n"
                       "Content-Length: 3\r\n\r\nabc";
  cut_everywhere(std::string(kUp) + behind, check);
  cut_everywhere("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n" + behind, check);
  cut_everywhere("CONNECT a.test:443 HTTP/1.0\r\nHost: a.test:443\r\n\r\n" + behind, check);
  cut_everywhere(chunked + behind, check);
  cut_everywhere(length + behind, check);
}

// Empty lines before a request are HTTP's again.
void a_declined_upgrade_keeps_the_pipeline() {
  std::string upgrade = "GET /no HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  std::string plain = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  cut_everywhere(plain + upgrade + "\r\n" + plain + upgrade, [](SocketStage& stage, int peer) {
    CHECK((stage.app.targets == std::vector<std::string>{"/1", "/no", "/1", "/no"}));
    std::string answers = received(peer);
    size_t at = 0;
    for (const std::string& target : stage.app.targets) {
      at = answers.find("\r\n\r\n" + target, at);
      CHECK(at++ != std::string::npos);
    }
    CHECK(stage.upgraded() == 0 && stage.live() == 1);
  });
}

// Only its answer, before its body had come, could have resumed the connection.
void a_body_behind_a_declined_upgrade_is_read_over() {
  std::string upgrade = "POST /no HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n";
  std::string plain = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  auto check = [](SocketStage& stage, int peer) {
    CHECK((stage.app.targets == std::vector<std::string>{"/no", "/1"}));
    CHECK(received(peer).ends_with("\r\n\r\n/1") && stage.live() == 1);
  };
  cut_everywhere(upgrade + "Content-Length: 3\r\n\r\nabc" + plain, check);
  cut_everywhere(upgrade + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + plain, check);
}

// A slow reader of what native answers by itself: nothing is tried again before it has read on.
void who_waits_for_output_is_not_resumed_in_vain() {
  ListenerOptions options;
  options.output_bytes_max = 1000;
  options.probes.liveness = "/live";
  options.has_probes = true;
  SocketStage stage(options);
  int peer = stage.connect(false);
  CHECK(fcntl(peer, F_SETFL, O_NONBLOCK) == 0);
  std::string probes;
  for (int i = 0; i < 100; i++) probes += "GET /live HTTP/1.1\r\nHost: a\r\n\r\n";
  const int32_t* words = stage.engine->blocks().slots;
  while (words[SLOT_UNSENT] < 1000) {
    send_all(peer, probes);
    stage.run();
  }
  size_t asked = 0;
  while (::send(peer, probes.data(), probes.size(), MSG_NOSIGNAL) > 0) asked++;
  stage.run();  // comes to rest
  while (words[SLOT_UNSENT] > 0) {
    CHECK(!received(peer).empty());
    stage.run();
  }
  CHECK(asked > 0 && stage.live() == 1);
  close(peer);
}

// HTTP/1.0 and a connection that closes cannot switch: their requests hold nothing back.
void who_cannot_switch_is_not_waited_for() {
  SocketStage stage;
  int peer = stage.connect(false);
  send_all(peer, "GET /wait HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: x\r\n\r\n"
                 "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  stage.run();
  CHECK(stage.app.targets.size() == 2);
  close(peer);
}

void nothing_is_read_before_the_answer() {
  SocketStage stage;
  int peer = stage.connect(false);
  std::string slow = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
  send_all(peer, slow + slow + std::string(kWait) + "first");
  stage.run();
  send_all(peer, " second");
  stage.run();
  CHECK(stage.app.waiting.size() == 3 && stage.app.data_bytes == 0);
  auto last = stage.app.waiting.back();
  stage.app.waiting.pop_back();
  stage.app.decline_waiting();
  stage.run();
  CHECK(stage.app.waiting.empty() && stage.app.data_bytes == 0 && stage.upgraded() == 0);
  stage.app.upgrade(last.first, last.second);
  stage.run();
  CHECK(stage.socket().data == "first second" && stage.upgraded() == 1 && stage.live() == 1);
  std::string answers = received(peer);
  CHECK(answers.find("HTTP/1.1 101 ") > answers.rfind("HTTP/1.1 200 "));
  close(peer);
  stage.run();
  CHECK(stage.socket().is_ended);
}

// It would be our own fault, and must not be one of memory.
void a_switch_out_of_turn_cuts_the_connection() {
  for (std::string_view request :
       {"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /wait HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"}) {
    SocketStage stage;
    int peer = stage.connect(false);
    send_all(peer, request);
    stage.run();
    stage.app.upgrade(stage.app.waiting[0].first, stage.app.waiting[0].second);
    stage.run();
    CHECK(stage.upgraded() == 0 && stage.live() == 0 && received(peer).empty());
    close(peer);
  }
}

// Who never reads costs a bounded amount of memory and then its connection.
void unsent_output_is_bounded() {
  ListenerOptions options;
  options.output_hard_bytes_max = 300000;
  SocketStage stage(options);
  int peer = upgraded_peer(stage, false);
  size_t sent = 0;
  int32_t most = 0;
  while (stage.socket().closed == 0) {
    stage.app.send(stage.socket(), std::string(20000, 'x'));
    stage.run();
    if (stage.socket().closed == 0) most = std::max(most, stage.app.unsent(stage.socket()));
    CHECK((sent += 20000) < 8000000);
  }
  CHECK(stage.socket().closed == CLOSED_GONE);
  CHECK(most > 200000 && most <= 300000);
  close(peer);
}

void writable_is_told_when_all_has_left() {
  SocketStage stage;
  int peer = upgraded_peer(stage, false);
  stage.app.send(stage.socket(), "little", true);
  stage.run();
  CHECK(stage.socket().writable == 1);
  std::string much(500000, 'x');
  stage.app.send(stage.socket(), much, true);
  stage.run();
  CHECK(stage.socket().writable == 1 && stage.app.unsent(stage.socket()) > 0);
  std::string got;
  while (got.size() < much.size() + 6) {
    got += received(peer);
    stage.run();
    CHECK((stage.socket().writable == 2) == (stage.app.unsent(stage.socket()) == 0));
  }
  CHECK(stage.socket().writable == 2 && stage.app.unsent(stage.socket()) == 0);
  CHECK(got == "little" + much);
  close(peer);
}

void a_broadcast_names_the_same_bytes() {
  SocketStage stage;
  std::vector<int> peers;
  for (int i = 0; i < 300; i++) peers.push_back(upgraded_peer(stage, false));
  for (size_t length : {size_t{10}, size_t{20000}}) {
    std::string message(length, 'b');
    stage.app.broadcast(message);
    stage.run();
    for (int peer : peers) CHECK(received(peer) == message);
  }
  close(peers[7]);  // gone in the middle of it: the others get theirs
  stage.app.broadcast("again");
  stage.run();
  for (size_t i = 0; i < peers.size(); i++) {
    if (i == 7) continue;
    CHECK(received(peers[i]) == "again");
    close(peers[i]);
  }
  CHECK(stage.upgraded() == 300 - 1);
}

// One that sends without end takes its share of a turn, not more.
void reads_of_a_turn_are_bounded() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  int quiet = upgraded_peer(stage, false);
  std::string much(1 << 20, 'm');
  fcntl(peer, F_SETFL, O_NONBLOCK);
  size_t written = 0;
  for (int i = 0; i < 20; i++) {
    ssize_t count = ::send(peer, much.data(), much.size(), MSG_NOSIGNAL);
    if (count > 0) written += static_cast<size_t>(count);
    send_all(quiet, "q");
    size_t before = stage.app.data_bytes;
    size_t quiet_before = stage.socket(1).data.size();
    stage.engine->turn();
    CHECK(stage.app.data_bytes - before <= 4 * (32768 + 1));
    CHECK(stage.socket(1).data.size() == quiet_before + 1);
  }
  stage.run();
  CHECK(stage.socket().data.size() == written && written > 500000);
  close(peer);
  close(quiet);
}

void records_of_one_that_has_gone_are_dropped() {
  SocketStage stage;
  int first = upgraded_peer(stage);
  Socket gone = stage.socket();
  close(first);
  stage.run();
  stage.app.signal(gone, KIND_FINISH);
  stage.run();
  CHECK(stage.socket().closed == CLOSED_GONE);
  int second = upgraded_peer(stage);
  CHECK(stage.socket(1).slot == gone.slot && stage.socket(1).generation != gone.generation);
  stage.app.send(gone, "for nobody");
  stage.app.signal(gone, KIND_ABORT);
  stage.run();
  CHECK(received(second).empty() && stage.socket(1).closed == 0);
  send_all(second, "mine");
  stage.run();
  CHECK(stage.socket(1).data == "mine");
  close(second);
}

// Many at once, in all orders: each byte arrives once and in its place, both ways.
void both_ways_at_random() {
  constexpr size_t kEach = 300000;
  for (uint32_t seed = 1; seed <= 6; seed++) {
    Chance chance{seed * 2654435761u + 1};
    SocketStage stage;
    struct Peer {
      int fd;
      size_t sent;
      size_t got;
      size_t answered;
      bool is_paused;
      bool has_ended;
    };
    std::string text(kEach, ' ');
    for (char& c : text) c = static_cast<char>('a' + chance.below(26));
    std::vector<Peer> peers;
    for (int i = 0; i < 12; i++) {
      peers.push_back(Peer{upgraded_peer(stage, i % 2 == 0), 0, 0, 0, false, false});
      fcntl(peers.back().fd, F_SETFL, O_NONBLOCK);
    }
    stage.patience_ms = 0;  // the next round looks again
    size_t done = 0;
    for (int round = 0; done < peers.size(); round++) {
      CHECK(round < 2000000);
      size_t index = chance.below(static_cast<uint32_t>(peers.size()));
      Peer& peer = peers[index];
      Socket& socket = stage.socket(index);
      size_t piece = 1 + chance.below(chance.below(4) == 0 ? 60000 : 300);
      if (peer.sent < kEach) {
        size_t count = std::min(piece, kEach - peer.sent);
        ssize_t written = ::send(peer.fd, text.data() + peer.sent, count, MSG_NOSIGNAL);
        if (written > 0) peer.sent += static_cast<size_t>(written);
        if (peer.sent == kEach) shutdown(peer.fd, SHUT_WR);
      }
      if (chance.below(3) == 0) {
        stage.app.signal(socket, peer.is_paused ? KIND_RESUME_BODY : KIND_PAUSE_BODY);
        peer.is_paused = !peer.is_paused;
      }
      if (socket.data.size() > peer.answered && chance.below(2) == 0) {
        std::string_view rest = std::string_view(socket.data).substr(peer.answered, piece);
        stage.app.send(socket, rest);
        peer.answered += rest.size();
      }
      bool is_over = socket.is_ended && peer.answered == kEach && !peer.has_ended;
      if (is_over) stage.app.signal(socket, KIND_FINISH);
      peer.has_ended = peer.has_ended || is_over;
      stage.run();
      std::string got = received(peer.fd);
      CHECK(text.compare(peer.got, got.size(), got) == 0);
      peer.got += got.size();
      done = 0;
      for (const Socket& each : stage.app.sockets) done += each.closed == CLOSED_GONE;
    }
    for (Peer& peer : peers) {
      std::string got = received(peer.fd);
      CHECK(peer.got + got.size() == kEach && has_ended(peer.fd));
      close(peer.fd);
    }
    for (const Socket& each : stage.app.sockets) CHECK(each.data == text);
  }
}

void options_reach_the_socket() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  const Socket& socket = stage.socket();
  auto slot = static_cast<uint32_t>(socket.slot);
  auto generation = static_cast<uint32_t>(socket.generation);
  int fd = stage.engine->connection(slot, generation)->fd;
  auto read = [fd](int level, int option) {
    int value = -1;
    socklen_t length = sizeof value;
    CHECK(getsockopt(fd, level, option, &value, &length) == 0);
    return value;
  };
  CHECK(stage.engine->set_socket_option(slot, generation, SocketOption::kKeepAlive, 100));
  CHECK(read(SOL_SOCKET, SO_KEEPALIVE) == 1 && read(IPPROTO_TCP, TCP_KEEPIDLE) == 100);
  CHECK(stage.engine->set_socket_option(slot, generation, SocketOption::kKeepAlive, 1 << 30));
  CHECK(read(IPPROTO_TCP, TCP_KEEPIDLE) == 32767);
  CHECK(stage.engine->set_socket_option(slot, generation, SocketOption::kKeepAlive, 0));
  CHECK(read(SOL_SOCKET, SO_KEEPALIVE) == 0);
  CHECK(stage.engine->set_socket_option(slot, generation, SocketOption::kNoDelay, 1));
  CHECK(read(IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(stage.engine->set_socket_option(slot, generation, SocketOption::kNoDelay, 0));
  CHECK(read(IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(!stage.engine->set_socket_option(slot, generation + 1, SocketOption::kNoDelay, 1));
  close(peer);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  int before = open_descriptors();
  what_lies_behind_the_head_is_the_first_data();
  a_declined_upgrade_keeps_the_pipeline();
  a_body_behind_a_declined_upgrade_is_read_over();
  who_waits_for_output_is_not_resumed_in_vain();
  who_cannot_switch_is_not_waited_for();
  nothing_is_read_before_the_answer();
  a_switch_out_of_turn_cuts_the_connection();
  unsent_output_is_bounded();
  writable_is_told_when_all_has_left();
  a_broadcast_names_the_same_bytes();
  reads_of_a_turn_are_bounded();
  records_of_one_that_has_gone_are_dropped();
  both_ways_at_random();
  options_reach_the_socket();
  CHECK(open_descriptors() == before);
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
