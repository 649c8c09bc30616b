// What the threads of a server share: placing, waiting without a worker, expiry, references.
#include "core/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>

#include "check.h"

using millrace::Handover;
using millrace::kWorkersMax;
using millrace::ServerShared;

namespace {

struct Pair {
  int ours;
  int peer;
};

// One end for the server, as an accepted connection of listener 0.
Pair connect_to(ServerShared& server, uint64_t id, Handover& item) {
  int fds[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
  server.listener(0).connections.fetch_add(1);
  item = Handover{};
  item.fd = fds[0];
  item.id = id;
  item.input.append("GET", 3);
  return {fds[0], fds[1]};
}

bool sees_fin(int fd) {
  char byte;
  return read(fd, &byte, 1) == 0;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

void slots_are_used_again_and_bounded() {
  ServerShared* server = ServerShared::create();
  for (int i = 0; i < kWorkersMax; i++) CHECK(server->add_worker() == i);
  CHECK(server->add_worker() == -1);
  server->remove_worker(3);
  CHECK(server->add_worker() == 3);
  server->release();
}

void two_workers_may_have_one_seat() {
  ServerShared* server = ServerShared::create();
  auto seat = [&](int slot) { return server->worker(slot)->seat.load(); };
  for (uint32_t i = 0; i < 3; i++) CHECK(seat(server->add_worker(i)) == i);
  int next = server->add_worker(1);
  CHECK(next == 3 && seat(next) == 1);
  server->worker(0)->in_use.store(true);
  server->remove_worker(0);  // its thread still cleans up: another slot
  int after = server->add_worker(0);
  CHECK(after == 4 && seat(after) == 0);
  server->release();
}

void a_server_is_found_while_it_lives() {
  ServerShared* server = ServerShared::create();
  int id = server->id();
  CHECK(ServerShared::find(id) == server);
  server->release();
  CHECK(ServerShared::find(id) == server);  // the reference of the first find kept it
  server->release();
  server->release();
  CHECK(ServerShared::find(id) == nullptr);
}

void it_places_on_the_least_loaded_but_one() {
  ServerShared* server = ServerShared::create();
  for (int i = 0; i < 3; i++) {
    CHECK(server->add_worker() == i);
    CHECK(server->worker(i)->mailbox.open());
  }
  server->worker(1)->connections.store(5);
  uint64_t wake[ServerShared::kWakeWords] = {};
  Handover item;
  Pair pair = connect_to(*server, 1, item);
  server->place(item, 0, wake);
  CHECK(wake[0] == 4 && server->worker(2)->connections.load() == 1);
  server->wake(wake);
  pollfd entry{server->worker(2)->mailbox.wake_fd(), POLLIN, 0};
  CHECK(poll(&entry, 1, 0) == 1);
  std::vector<Handover> taken;
  server->worker(2)->mailbox.drain(taken);
  CHECK(taken.size() == 1 && taken[0].fd == pair.ours && taken[0].input.length == 3);
  server->forget(taken[0]);
  CHECK(sees_fin(pair.peer) && server->listener(0).connections.load() == 0);
  close(pair.peer);
  for (int i = 0; i < 3; i++) server->worker(i)->mailbox.close(taken);
  server->release();
}

void without_a_worker_connections_wait_for_the_next() {
  ServerShared* server = ServerShared::create();
  CHECK(server->add_worker() == 0);
  uint64_t wake[ServerShared::kWakeWords] = {};
  Handover item;
  Pair pair = connect_to(*server, 1, item);
  server->place(item, -1, wake);
  CHECK(wake[0] == 0 && is_open(pair.ours));
  CHECK(server->expire_orphans(60000) == 0);
  CHECK(server->worker(0)->mailbox.open());
  std::vector<Handover> taken;
  server->take_orphans(taken);
  CHECK(taken.size() == 1 && taken[0].fd == pair.ours);
  server->forget(taken[0]);
  close(pair.peer);
  server->worker(0)->mailbox.close(taken);
  server->release();
}

void those_that_wait_too_long_are_ended() {
  ServerShared* server = ServerShared::create();
  uint64_t wake[ServerShared::kWakeWords] = {};
  Handover item;
  Pair pair = connect_to(*server, 1, item);
  server->place(item, -1, wake);
  CHECK(server->expire_orphans(1000) == 0);
  timespec pause{0, 20000000};
  nanosleep(&pause, nullptr);
  CHECK(server->expire_orphans(10) == 1);
  CHECK(sees_fin(pair.peer) && !is_open(pair.ours));
  close(pair.peer);
  server->release();
}

void dropping_is_by_listener_and_the_last_release_drops_all() {
  ServerShared* server = ServerShared::create();
  uint64_t wake[ServerShared::kWakeWords] = {};
  Handover item;
  Pair first = connect_to(*server, 1, item);
  item.listener = 7;
  server->listener(7).connections.fetch_add(1);
  server->place(item, -1, wake);
  Pair second = connect_to(*server, 2, item);
  server->place(item, -1, wake);
  CHECK(server->drop_orphans(3) == 0);
  CHECK(server->drop_orphans(7) == 1 && sees_fin(first.peer) && is_open(second.ours));
  server->release();
  CHECK(sees_fin(second.peer) && !is_open(second.ours));
  close(first.peer);
  close(second.peer);
}

}  // namespace

int main() {
  two_workers_may_have_one_seat();
  slots_are_used_again_and_bounded();
  a_server_is_found_while_it_lives();
  it_places_on_the_least_loaded_but_one();
  without_a_worker_connections_wait_for_the_next();
  those_that_wait_too_long_are_ended();
  dropping_is_by_listener_and_the_last_release_drops_all();
}
