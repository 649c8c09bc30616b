// The acceptor: binding, bounded accepts, what it does without descriptors, closing a full queue.
#include "core/acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "check.h"
#include "paths.h"

using millrace::Acceptor;
using millrace::AcceptResult;
using millrace::BindAddress;
using millrace::Handover;
using millrace::ServerShared;
using millrace::test::exists;
using millrace::test::own_path;

namespace {

int connect_inet(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  return fd;
}

int connect_unix(const std::string& path) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  CHECK(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  return fd;
}

std::vector<Handover> orphans_of(ServerShared& server) {
  std::vector<Handover> items;
  server.take_orphans(items);
  return items;
}

void port_zero_becomes_a_real_one() {
  Acceptor acceptor;
  CHECK(acceptor.listen({"127.0.0.1", 0, nullptr, 16}) == 0);
  CHECK(acceptor.port() != 0);
  Acceptor second;
  CHECK(second.listen({"127.0.0.1", acceptor.port(), nullptr, 16}) == EADDRINUSE);
  CHECK(second.fd() == -1);
  ServerShared* server = ServerShared::create();
  acceptor.close(*server, 0);
  CHECK(acceptor.fd() == -1);
  server->release();
}

void wrong_addresses_are_refused() {
  Acceptor acceptor;
  CHECK(acceptor.listen({"nowhere", 0, nullptr, 16}) == EINVAL);
  CHECK(acceptor.listen({"203.0.113.1", 0, nullptr, 16}) == EADDRNOTAVAIL);
  CHECK(acceptor.listen({nullptr, 0, "", 16}) == EINVAL);
  std::string longest(200, 'x');
  CHECK(acceptor.listen({nullptr, 0, longest.c_str(), 16}) == ENAMETOOLONG);
  CHECK(acceptor.listen({nullptr, 0, "/no/such/folder/socket", 16}) == ENOENT);
  CHECK(acceptor.fd() == -1);
}

void one_wake_up_accepts_a_bounded_number() {
  ServerShared* server = ServerShared::create();
  Acceptor acceptor;
  CHECK(acceptor.listen({"127.0.0.1", 0, nullptr, 256}) == 0);
  std::vector<int> peers;
  for (int i = 0; i < Acceptor::kAcceptMax + 10; i++) {
    peers.push_back(connect_inet(acceptor.port()));
  }
  CHECK(acceptor.accept_ready(*server, 5) == AcceptResult::kMore);
  CHECK(server->listener(5).connections.load() == Acceptor::kAcceptMax);
  CHECK(acceptor.accept_ready(*server, 5) == AcceptResult::kEmpty);
  std::vector<Handover> items = orphans_of(*server);
  CHECK(items.size() == peers.size());
  for (size_t i = 0; i < items.size(); i++) {
    int on = 0;
    socklen_t length = sizeof on;
    CHECK(getsockopt(items[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0 && on != 0);
    CHECK(items[i].listener == 5 && (i == 0 || items[i].id > items[i - 1].id));
    server->forget(items[i]);
    close(peers[i]);
  }
  CHECK(server->listener(5).connections.load() == 0);
  acceptor.close(*server, 5);
  server->release();
}

void without_descriptors_it_waits_and_loses_nobody() {
  ServerShared* server = ServerShared::create();
  Acceptor acceptor;
  CHECK(acceptor.listen({"127.0.0.1", 0, nullptr, 16}) == 0);
  int peer = connect_inet(acceptor.port());
  rlimit usual;
  CHECK(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  int lowest = dup(peer);  // the next free number is above every open one's lowest gap
  close(lowest);
  rlimit tight{static_cast<rlim_t>(lowest), usual.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
  CHECK(acceptor.accept_ready(*server, 0) == AcceptResult::kExhausted);
  CHECK(setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK(acceptor.accept_ready(*server, 0) == AcceptResult::kEmpty);
  CHECK(server->drop_orphans(-1) == 1);
  close(peer);
  acceptor.close(*server, 0);
  server->release();
}

void closing_serves_what_waits_in_the_queue() {
  ServerShared* server = ServerShared::create();
  Acceptor acceptor;
  CHECK(acceptor.listen({"127.0.0.1", 0, nullptr, 256}) == 0);
  std::vector<int> peers;
  for (int i = 0; i < 150; i++) peers.push_back(connect_inet(acceptor.port()));
  acceptor.close(*server, 0);
  CHECK(server->drop_orphans(-1) == 150);
  for (int peer : peers) {
    char byte;
    CHECK(read(peer, &byte, 1) == 0);  // FIN, not a reset
    close(peer);
  }
  server->release();
}

void a_socket_file_is_made_and_removed() {
  ServerShared* server = ServerShared::create();
  std::string path = own_path("acceptor");
  Acceptor acceptor;
  CHECK(acceptor.listen({nullptr, 0, path.c_str(), 16}) == 0);
  int peer = connect_unix(path);
  CHECK(acceptor.accept_ready(*server, 0) == AcceptResult::kEmpty);
  CHECK(server->drop_orphans(-1) == 1);
  Acceptor second;
  CHECK(second.listen({nullptr, 0, path.c_str(), 16}) == EADDRINUSE);
  CHECK(exists(path));
  acceptor.close(*server, 0);
  CHECK(!exists(path));
  close(peer);
  server->release();
}

void a_socket_that_is_handed_over_keeps_its_queue_and_its_file() {
  ServerShared* server = ServerShared::create();
  std::string path = own_path("handed");
  Acceptor acceptor;
  CHECK(acceptor.listen({nullptr, 0, path.c_str(), 16}) == 0);
  int other = dup(acceptor.fd());
  int peer = connect_unix(path);
  acceptor.close(*server, 0, true);
  CHECK(exists(path));
  BindAddress taken;
  taken.fd = other;
  taken.path = path.c_str();
  Acceptor successor;
  CHECK(successor.listen(taken) == 0);
  CHECK(successor.accept_ready(*server, 0) == AcceptResult::kEmpty);
  CHECK(server->drop_orphans(-1) == 1);
  successor.close(*server, 0);
  CHECK(!exists(path));
  close(peer);
  server->release();
}

void a_socket_file_left_over_is_replaced_but_a_file_is_not() {
  ServerShared* server = ServerShared::create();
  std::string path = own_path("stale");
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind(dead, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  close(dead);
  Acceptor acceptor;
  CHECK(acceptor.listen({nullptr, 0, path.c_str(), 16}) == 0);
  acceptor.close(*server, 0);
  FILE* file = std::fopen(path.c_str(), "w");
  CHECK(file != nullptr && std::fclose(file) == 0);
  CHECK(acceptor.listen({nullptr, 0, path.c_str(), 16}) == EADDRINUSE);
  CHECK(exists(path));
  CHECK(unlink(path.c_str()) == 0);
  server->release();
}

void a_broken_socket_is_reported() {
  ServerShared* server = ServerShared::create();
  Acceptor acceptor;
  CHECK(acceptor.listen({"127.0.0.1", 0, nullptr, 16}) == 0);
  CHECK(shutdown(acceptor.fd(), SHUT_RDWR) == 0);
  CHECK(acceptor.accept_ready(*server, 0) == AcceptResult::kFailed);
  acceptor.close(*server, 0);
  server->release();
}

}  // namespace

int main() {
  port_zero_becomes_a_real_one();
  wrong_addresses_are_refused();
  one_wake_up_accepts_a_bounded_number();
  without_descriptors_it_waits_and_loses_nobody();
  closing_serves_what_waits_in_the_queue();
  a_socket_file_is_made_and_removed();
  a_socket_that_is_handed_over_keeps_its_queue_and_its_file();
  a_socket_file_left_over_is_replaced_but_a_file_is_not();
  a_broken_socket_is_reported();
}
