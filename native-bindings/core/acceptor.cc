#include "acceptor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace {

int Acceptor::listen(const BindAddress& address) {
  int code = address.path != nullptr ? bind_unix(address) : bind_inet(address);
  if (code == 0 && ::listen(fd_, address.backlog) != 0) code = errno;
  if (code != 0 && fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
  return code;
}

int Acceptor::bind_inet(const BindAddress& address) {
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
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&storage), length) != 0) return errno;
  length = sizeof storage;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return errno;
  port_ = ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
  return 0;
}

namespace {

// A socket file that nobody listens on is left over from a process that died.
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

int Acceptor::bind_unix(const BindAddress& address) {
  sockaddr_un name{};
  size_t length = std::strlen(address.path);
  if (length == 0) return EINVAL;
  if (length >= sizeof name.sun_path) return ENAMETOOLONG;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.path, length);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  if (is_stale(name)) ::unlink(name.sun_path);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return errno;
  std::memcpy(path_, name.sun_path, length + 1);
  return 0;
}

AcceptResult Acceptor::accept_ready(ServerShared& server, uint16_t listener) {
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  AcceptResult result = AcceptResult::kMore;
  bool by_address = server.needs_addresses();
  int64_t room = server.room();
  for (int i = 0; i < kAcceptMax; i++) {
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int fd = ::accept4(fd_, by_address ? reinterpret_cast<sockaddr*>(&peer) : nullptr,
                       by_address ? &length : nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      error_ = errno;
      if (errno == EAGAIN) {
        result = AcceptResult::kEmpty;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        result = AcceptResult::kExhausted;
      } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
        result = AcceptResult::kFailed;
      } else {
        continue;  // a network error of the connection itself (accept(2)): the next one may do
      }
      break;
    }
    Handover item;
    item.fd = fd;
    item.listener = listener;
    if (by_address) item.address = AddressTable::key_of(peer);
    if (server.admit(item, &room)) server.place(item, -1, wake_bits);
  }
  server.wake(wake_bits);
  return result;
}

void Acceptor::close(ServerShared& server, uint16_t listener) {
  if (fd_ < 0) return;
  // Bounded by the backlog: whoever comes faster than this loop finds the socket closed.
  for (int i = 0; i < 1024; i++) {
    if (accept_ready(server, listener) != AcceptResult::kMore) break;
  }
  ::close(fd_);
  fd_ = -1;
  if (path_[0] != 0) ::unlink(path_);
  path_[0] = 0;
}

}  // namespace millrace
