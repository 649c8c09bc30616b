// Notifications: paths and abstract names, what is refused, and a receiver that reads nothing.
#include "core/notify-socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "check.h"
#include "paths.h"

using millrace::send_notification;
using millrace::test::own_path;

namespace {

int receiver(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size());
  if (path[0] == '@') name.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&name), length) == 0);
  return fd;
}

std::string received(int fd) {
  char text[256];
  ssize_t size = recv(fd, text, sizeof text, MSG_DONTWAIT);
  return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
}

int send(const std::string& path, const std::string& text) {
  return send_notification(path.c_str(), text.data(), text.size());
}

void a_path_and_an_abstract_name_are_reached() {
  for (const std::string& path : {own_path("notify"), "@millrace-" + std::to_string(getpid())}) {
    int fd = receiver(path);
    CHECK(send(path, "READY=1\nSTATUS=well") == 0);
    CHECK(received(fd) == "READY=1\nSTATUS=well");
    CHECK(received(fd).empty());
    close(fd);
    if (path[0] == '/') unlink(path.c_str());
  }
}

void an_abstract_name_may_fill_the_address() {
  std::string path = "@" + std::string(107, 'x');
  int fd = receiver(path);
  CHECK(send(path, "a") == 0);
  CHECK(received(fd) == "a");
  CHECK(send(path + "x", "a") == ENAMETOOLONG);
  close(fd);
}

void what_is_no_path_is_refused() {
  CHECK(send("", "x") == EINVAL);
  CHECK(send("@", "x") == EINVAL);
  CHECK(send("/", "x") == EINVAL);
  CHECK(send("relative", "x") == EINVAL);
  CHECK(send("vsock:2:1234", "x") == EINVAL);
  CHECK(send("/" + std::string(107, 'x'), "x") == ENAMETOOLONG);
  CHECK(send(own_path("notify"), "x") == ENOENT);
}

void a_full_queue_is_not_waited_for() {
  std::string path = own_path("notify");
  int fd = receiver(path);
  int code = 0;
  for (int i = 0; i < 100000 && code == 0; i++) code = send(path, "WATCHDOG=1");
  CHECK(code == EAGAIN);
  CHECK(received(fd) == "WATCHDOG=1");
  close(fd);
  unlink(path.c_str());
}

}  // namespace

int main() {
  a_path_and_an_abstract_name_are_reached();
  an_abstract_name_may_fill_the_address();
  what_is_no_path_is_refused();
  a_full_queue_is_not_waited_for();
  return 0;
}
