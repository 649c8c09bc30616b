#include "notify-socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace millrace {

int send_notification(const char* path, const char* text, size_t length) {
  sockaddr_un name{};
  size_t size = std::strlen(path);
  bool is_abstract = path[0] == '@';
  if (size < 2 || (path[0] != '/' && !is_abstract)) return EINVAL;
  // A path needs the zero behind it, an abstract name ends with its length.
  if (size > sizeof name.sun_path - (is_abstract ? 0 : 1)) return ENAMETOOLONG;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path, size);
  if (is_abstract) name.sun_path[0] = 0;
  auto name_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ssize_t sent = ::sendto(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL,
                          reinterpret_cast<const sockaddr*>(&name), name_length);
  int code = sent < 0 ? errno : 0;
  ::close(fd);
  return code;
}

}  // namespace millrace
