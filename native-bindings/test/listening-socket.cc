// Listening sockets: abstract names, modes, files of others, and descriptors that are adopted.
#include "core/listening-socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "check.h"
#include "paths.h"

using millrace::BindAddress;
using millrace::ListeningSocket;
using millrace::test::exists;
using millrace::test::own_path;

namespace {

BindAddress unix_address(const std::string& path, int mode = -1) {
  BindAddress address;
  address.path = path.c_str();
  address.mode = mode;
  return address;
}

BindAddress descriptor(int fd, const char* path = nullptr) {
  BindAddress address;
  address.fd = fd;
  address.path = path;
  return address;
}

void an_abstract_name_has_no_file_and_no_zeros_behind_it() {
  std::string name = "@millrace-test-" + std::to_string(getpid());
  ListeningSocket socket;
  CHECK(socket.open(unix_address(name)) == 0);
  CHECK(socket.path() == name);
  CHECK(!exists(name));
  sockaddr_un peer{};
  peer.sun_family = AF_UNIX;
  std::memcpy(peer.sun_path + 1, name.c_str() + 1, name.size() - 1);
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  CHECK(connect(fd, reinterpret_cast<sockaddr*>(&peer), length) == 0);
  close(fd);
  ListeningSocket second;
  CHECK(second.open(unix_address(name)) == EADDRINUSE);
  socket.close();
  CHECK(second.open(unix_address(name)) == 0);
  second.close();
  CHECK(second.open(unix_address("@")) == EINVAL);
}

void a_mode_is_set_before_anybody_can_connect() {
  std::string path = own_path("mode");
  ListeningSocket socket;
  CHECK(socket.open(unix_address(path, 0600)) == 0);
  struct stat info;
  CHECK(stat(path.c_str(), &info) == 0 && (info.st_mode & 0777) == 0600);
  socket.remove_path();
  CHECK(!exists(path));
  socket.close();
}

void a_file_of_another_socket_is_left_alone() {
  std::string path = own_path("other");
  ListeningSocket first;
  CHECK(first.open(unix_address(path)) == 0);
  CHECK(unlink(path.c_str()) == 0);
  ListeningSocket second;
  CHECK(second.open(unix_address(path)) == 0);
  first.remove_path();
  first.close();
  CHECK(exists(path));
  second.remove_path();
  second.close();
  CHECK(!exists(path));
}

void a_listening_descriptor_is_adopted() {
  ListeningSocket made;
  BindAddress address;
  address.host = "127.0.0.1";
  CHECK(made.open(address) == 0);
  int fd = made.fd();
  CHECK(fcntl(fd, F_SETFL, 0) == 0);
  CHECK(fcntl(fd, F_SETFD, 0) == 0);
  ListeningSocket adopted;
  CHECK(adopted.open(descriptor(fd)) == 0);
  CHECK(adopted.fd() == fd);
  CHECK(adopted.port() == made.port());
  CHECK(std::string(adopted.host()) == "127.0.0.1");
  CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  adopted.close();
  CHECK(fcntl(fd, F_GETFD) == -1);
  made.disown();
}

void a_path_is_taken_over_only_if_it_is_given_too() {
  std::string path = own_path("taken-over");
  ListeningSocket made;
  CHECK(made.open(unix_address(path)) == 0);
  int copy = dup(made.fd());
  ListeningSocket guest;
  CHECK(guest.open(descriptor(copy)) == 0);
  CHECK(guest.path() == path);
  guest.remove_path();
  guest.close();
  CHECK(exists(path));
  ListeningSocket heir;
  CHECK(heir.open(descriptor(dup(made.fd()), path.c_str())) == 0);
  heir.remove_path();
  CHECK(!exists(path));
  heir.close();
  made.close();
}

void what_does_not_listen_is_refused_and_stays_open() {
  ListeningSocket socket;
  CHECK(socket.open(descriptor(99999)) == EBADF);
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  CHECK(socket.open(descriptor(pipes[0])) == ENOTSOCK);
  int plain = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(socket.open(descriptor(plain)) == EINVAL);
  int datagrams = ::socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(socket.open(descriptor(datagrams)) == EINVAL);
  CHECK(socket.fd() == -1);
  for (int fd : {pipes[0], pipes[1], plain, datagrams}) CHECK(close(fd) == 0);
}

}  // namespace

int main() {
  an_abstract_name_has_no_file_and_no_zeros_behind_it();
  a_mode_is_set_before_anybody_can_connect();
  a_file_of_another_socket_is_left_alone();
  a_listening_descriptor_is_adopted();
  a_path_is_taken_over_only_if_it_is_given_too();
  what_does_not_listen_is_refused_and_stays_open();
}
