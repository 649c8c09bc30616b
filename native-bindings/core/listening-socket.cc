#include "listening-socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace millrace {

static_assert(sizeof(sockaddr_un::sun_path) == 108);
static_assert(INET6_ADDRSTRLEN == 46);

int ListeningSocket::open(const BindAddress& address) {
  if (address.fd >= 0) return adopt(address);
  int code = address.path != nullptr ? bind_unix(address) : bind_inet(address);
  if (code == 0 && ::listen(fd_, address.backlog) != 0) code = errno;
  if (code == 0) code = read_name();
  if (code != 0) {
    remove_path();
    close();
  }
  return code;
}

int ListeningSocket::bind_inet(const BindAddress& address) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  socklen_t length;
  if (inet_pton(AF_INET, address.host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    length = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    length = sizeof *v6;
  } else {
    return EINVAL;
  }
  fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it: one system call here instead of one for each of them.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return ::bind(fd_, reinterpret_cast<sockaddr*>(&storage), length) == 0 ? 0 : errno;
}

namespace {

// A socket file that nobody listens on is left over from a process that died. Any other answer
// than a refusal, a full queue included, means that somebody does.
bool is_stale(const sockaddr_un& name) {
  struct stat info;
  if (::stat(name.sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

}  // namespace

int ListeningSocket::bind_unix(const BindAddress& address) {
  sockaddr_un name{};
  size_t length = std::strlen(address.path);
  bool is_abstract = address.path[0] == '@';
  if (length == 0 || (is_abstract && length == 1)) return EINVAL;
  if (length >= sizeof name.sun_path) return ENAMETOOLONG;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path, length);
  if (is_abstract) name.sun_path[0] = 0;
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  // The length ends an abstract name: zeros behind it would belong to it.
  socklen_t size = sizeof name;
  if (is_abstract) size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  if (!is_abstract && is_stale(name)) ::unlink(name.sun_path);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) != 0) return errno;
  if (is_abstract) return 0;
  std::memcpy(path_, address.path, length + 1);
  own_path();
  // Nobody can connect yet: it listens only afterwards.
  if (address.mode >= 0 && ::chmod(path_, static_cast<mode_t>(address.mode)) != 0) return errno;
  return 0;
}

int ListeningSocket::adopt(const BindAddress& address) {
  int listens = 0;
  int type = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(address.fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0) return errno;
  length = sizeof type;
  if (::getsockopt(address.fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return errno;
  if (listens == 0 || type != SOCK_STREAM) return EINVAL;
  int flags = ::fcntl(address.fd, F_GETFL);
  if (flags < 0 || ::fcntl(address.fd, F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  // Programs that this process starts are not to have it.
  if (::fcntl(address.fd, F_SETFD, FD_CLOEXEC) != 0) return errno;
  fd_ = address.fd;
  int code = read_name();
  if (code != 0) {
    fd_ = -1;
    return code;
  }
  int on = 1;
  if (host_[0] != 0) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Who gives the path as well hands over its file; else whoever has bound it removes it.
  if (address.path != nullptr && std::strcmp(address.path, path_) == 0) own_path();
  return 0;
}

int ListeningSocket::read_name() {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return errno;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    port_ = ntohs(v4.sin_port);
    inet_ntop(AF_INET, &v4.sin_addr, host_, sizeof host_);
  } else if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    port_ = ntohs(v6.sin6_port);
    inet_ntop(AF_INET6, &v6.sin6_addr, host_, sizeof host_);
  } else if (storage.ss_family == AF_UNIX) {
    const auto& name = reinterpret_cast<const sockaddr_un&>(storage);
    size_t size = length - offsetof(sockaddr_un, sun_path);
    if (size > sizeof name.sun_path) size = sizeof name.sun_path;
    std::memset(path_, 0, sizeof path_);
    std::memcpy(path_, name.sun_path, size);
    if (size > 1 && path_[0] == 0) path_[0] = '@';
  } else {
    return EAFNOSUPPORT;
  }
  return 0;
}

void ListeningSocket::own_path() {
  struct stat info;
  if (::stat(path_, &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

void ListeningSocket::remove_path() {
  struct stat info;
  bool is_ours = inode_ != 0 && ::stat(path_, &info) == 0 && info.st_ino == inode_ &&
                 info.st_dev == device_;
  if (is_ours) ::unlink(path_);
  inode_ = 0;
}

void ListeningSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  inode_ = 0;
}

}  // namespace millrace
