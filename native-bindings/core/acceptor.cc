#include "acceptor.h"

#include <sys/socket.h>

#include <cerrno>

namespace millrace {

AcceptResult Acceptor::accept_ready(ServerShared& server, uint16_t listener) {
  uint64_t wake_bits[ServerShared::kWakeWords] = {};
  AcceptResult result = AcceptResult::kMore;
  bool by_address = server.needs_addresses();
  int64_t room = server.room();
  for (int i = 0; i < kAcceptMax; i++) {
    sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int fd = ::accept4(socket_.fd(), by_address ? reinterpret_cast<sockaddr*>(&peer) : nullptr,
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
    has_accepted_ = true;
    Handover item;
    item.fd = fd;
    item.listener = listener;
    if (by_address) item.address = AddressTable::key_of(peer);
    if (server.admit(item, &room)) server.place(item, -1, wake_bits);
  }
  server.wake(wake_bits);
  return result;
}

void Acceptor::close(ServerShared& server, uint16_t listener, bool is_handed_over) {
  if (fd() < 0) return;
  if (!is_handed_over) {
    // Without its file a Unix socket gets nobody more, so who is in the queue then is all.
    socket_.remove_path();
    // Bounded by the backlog: whoever comes faster than this loop finds the socket closed.
    for (int i = 0; i < 1024; i++) {
      if (accept_ready(server, listener) != AcceptResult::kMore) break;
    }
  }
  socket_.close();
}

}  // namespace millrace
