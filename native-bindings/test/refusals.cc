// Connections that are turned away: the answer arrives whole, also when the peer has sent much;
// the descriptors are bounded and closed.
#include "core/refusals.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "check.h"

using millrace::Refusals;

namespace {

struct Pair {
  int ours;
  int peer;
};

// TCP: only there does closing with unread input destroy what has been sent.
Pair connect_tcp() {
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(listening, name, length) == 0 && listen(listening, 1) == 0);
  CHECK(getsockname(listening, name, &length) == 0);
  int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(peer, name, length) == 0);
  int ours = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  CHECK(ours >= 0 && close(listening) == 0);
  return {ours, peer};
}

// To the FIN; -1 of read is a reset.
std::string read_all(int fd) {
  std::string all;
  char bytes[256];
  for (;;) {
    ssize_t count = read(fd, bytes, sizeof bytes);
    CHECK(count >= 0);
    if (count == 0) return all;
    all.append(bytes, static_cast<size_t>(count));
  }
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

void the_answer_arrives_though_a_request_was_sent() {
  Refusals refusals;
  Pair pair = connect_tcp();
  CHECK(write(pair.peer, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
  refusals.add(pair.ours, 1000);
  CHECK(write(pair.peer, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
  refusals.expire(1000);
  CHECK(is_open(pair.ours) && refusals.size() == 1);
  std::string answer = read_all(pair.peer);
  CHECK(answer.substr(0, 34) == "HTTP/1.1 503 Service Unavailable\r\n");
  CHECK(answer.find("\r\nRetry-After: 1\r\n") != std::string::npos);
  size_t body = answer.find("\r\n\r\n") + 4;
  std::string length = "\r\nContent-Length: " + std::to_string(answer.size() - body) + "\r\n";
  CHECK(answer.find(length) != std::string::npos);
  close(pair.peer);
  refusals.expire(1001);
  CHECK(refusals.size() == 0 && !is_open(pair.ours));
}

void who_stays_is_closed_after_a_while() {
  Refusals refusals;
  Pair first = connect_tcp();
  Pair second = connect_tcp();
  refusals.add(first.ours, 1000);
  refusals.add(second.ours, 1500);
  refusals.expire(999 + Refusals::kAgeMs);
  CHECK(refusals.size() == 2);
  refusals.expire(1000 + Refusals::kAgeMs);
  CHECK(refusals.size() == 1 && !is_open(first.ours) && is_open(second.ours));
  refusals.clear();
  CHECK(refusals.size() == 0 && !is_open(second.ours));
  close(first.peer);
  close(second.peer);
}

void a_flood_is_bounded() {
  Refusals refusals;
  Pair pairs[Refusals::kMax + 10];
  for (Pair& pair : pairs) {
    pair = connect_tcp();
    refusals.add(pair.ours, 1000);
    CHECK(refusals.size() <= Refusals::kMax);
  }
  for (const Pair& pair : pairs) {
    CHECK(read_all(pair.peer).size() > 100);
    close(pair.peer);
  }
}

}  // namespace

int main() {
  the_answer_arrives_though_a_request_was_sent();
  who_stays_is_closed_after_a_while();
  a_flood_is_bounded();
}
