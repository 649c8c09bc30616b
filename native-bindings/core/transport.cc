#include "transport.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace {

namespace {

uint32_t interest(bool read, bool write, bool end) {
  return (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u) | (end ? EPOLLRDHUP : 0u);
}

// Of a peer that has sent FIN and then nothing; Linux forgets a socket whose owner has closed it
// after 60 s, and answers a probe with a reset from then on.
constexpr int kProbeIdleS = 75;
constexpr int kProbeIntervalS = 30;
constexpr int kProbesMax = 3;

// What an app asks for, as net.Socket has it: a second between probes, ten of them. The kernel
// takes no longer time than this.
constexpr int kKeepAliveIntervalS = 1;
constexpr int kKeepAliveProbes = 10;
constexpr int kKeepAliveMaxS = 32767;

// recv, send, sendmsg and epoll_wait of the C library are cancellation points: in a process with
// threads each of them makes two atomic operations on its way, 4 % of a small request's time. These
// threads are never cancelled, so the calls go to the kernel directly. errno is set as usual.
ssize_t kernel_receive(int fd, void* into, size_t capacity) {
  return ::syscall(SYS_recvfrom, fd, into, capacity, 0, nullptr, nullptr);
}

ssize_t kernel_send(int fd, const void* from, size_t length) {
  return ::syscall(SYS_sendto, fd, from, length, MSG_NOSIGNAL, nullptr, 0);
}

ssize_t kernel_send(int fd, const msghdr& message) {
  return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

int kernel_poll(int epoll_fd, epoll_event* events, int count) {
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll_fd, events, count, 0, nullptr, 0));
}

IoStatus status_of_errno() {
  return errno == EAGAIN || errno == EINTR ? IoStatus::kBlocked : IoStatus::kError;
}

// sendfile has no MSG_NOSIGNAL. Node.js ignores SIGPIPE, but not any more once an app has listened
// for it and stopped: then a peer that goes away would end the process.
void block_broken_pipes() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

bool Transport::open() {
  block_broken_pipes();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  return epoll_fd_ >= 0;
}

void Transport::close() {
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
  epoll_fd_ = -1;
}

bool Transport::watch_wakeup(int fd, uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = token;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Transport::watch(int fd, uint64_t token, bool read, bool write, bool end) {
  epoll_event event{};
  event.events = interest(read, write, end);
  event.data.u64 = token;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Transport::rewatch(int fd, uint64_t token, bool read, bool write, bool end) {
  epoll_event event{};
  event.events = interest(read, write, end);
  event.data.u64 = token;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0;
}

void Transport::unwatch(int fd) { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

int Transport::poll(Ready* out) {
  epoll_event events[kReadyMax];
  int count = kernel_poll(epoll_fd_, events, kReadyMax);
  for (int i = 0; i < count; i++) {
    uint32_t bits = events[i].events;
    out[i].token = events[i].data.u64;
    out[i].readable = (bits & EPOLLIN) != 0;
    out[i].ended = (bits & EPOLLRDHUP) != 0;
    out[i].writable = (bits & EPOLLOUT) != 0;
    out[i].gone = (bits & (EPOLLERR | EPOLLHUP)) != 0;
  }
  return count < 0 ? 0 : count;
}

IoResult Transport::receive(int fd, char* into, size_t capacity) {
  ssize_t count = kernel_receive(fd, into, capacity);
  if (count > 0) return {IoStatus::kDone, static_cast<size_t>(count)};
  if (count == 0) return {IoStatus::kEnd, 0};
  return {status_of_errno(), 0};
}

IoResult Transport::send(int fd, const char* bytes, size_t length) {
  ssize_t count = kernel_send(fd, bytes, length);
  if (count >= 0) return {IoStatus::kDone, static_cast<size_t>(count)};
  return {status_of_errno(), 0};
}

IoResult Transport::send(int fd, const iovec* parts, size_t count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  ssize_t sent = kernel_send(fd, message);
  if (sent >= 0) return {IoStatus::kDone, static_cast<size_t>(sent)};
  return {status_of_errno(), 0};
}

IoResult Transport::send_on(int fd, const char* bytes, size_t length) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_MORE;
  ssize_t count = ::syscall(SYS_sendto, fd, bytes, length, kFlags, nullptr, 0);
  if (count >= 0) return {IoStatus::kDone, static_cast<size_t>(count)};
  return {status_of_errno(), 0};
}

IoResult Transport::send_file(int fd, int file, uint64_t offset, size_t length) {
  auto at = static_cast<off_t>(offset);
  ssize_t count = ::sendfile(fd, file, &at, length);
  if (count > 0) return {IoStatus::kDone, static_cast<size_t>(count)};
  if (count == 0) return {IoStatus::kEnd, 0};
  bool is_peer = errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT;
  IoStatus status = status_of_errno();
  return {status == IoStatus::kBlocked || is_peer ? status : IoStatus::kEnd, 0};
}

IoStatus Transport::discard(int fd) {
  char dropped[16384];
  for (int i = 0; i < 8; i++) {
    IoStatus status = receive(fd, dropped, sizeof dropped).status;
    if (status != IoStatus::kDone) return status;
  }
  return IoStatus::kDone;
}

void Transport::end(int fd) { ::shutdown(fd, SHUT_WR); }

void Transport::close_socket(int fd) { ::close(fd); }

void Transport::reset_on_close(int fd) {
  linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Transport::probe_peer(int fd) {
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kProbeIdleS, sizeof kProbeIdleS);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeIntervalS, sizeof kProbeIntervalS);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbesMax, sizeof kProbesMax);
}

bool Transport::set_no_delay(int fd, bool is_on) {
  int on = is_on ? 1 : 0;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

void Transport::set_low_water(int fd, int bytes) {
  ::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

bool Transport::set_keep_alive(int fd, int seconds) {
  int on = seconds > 0 ? 1 : 0;
  if (::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0) return false;
  if (on == 0) return true;
  if (seconds > kKeepAliveMaxS) seconds = kKeepAliveMaxS;
  return ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds) == 0 &&
         ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepAliveIntervalS,
                      sizeof kKeepAliveIntervalS) == 0 &&
         ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepAliveProbes,
                      sizeof kKeepAliveProbes) == 0;
}

void Transport::read_peer(int fd, PeerAddress& peer) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0) peer.set(storage);
}

void Transport::read_local(int fd, PeerAddress& local) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0) local.set(storage);
}

uint32_t Transport::unacknowledged(int fd) {
  int count = 0;
  return ::ioctl(fd, SIOCOUTQ, &count) == 0 && count > 0 ? static_cast<uint32_t>(count) : 0;
}

bool Transport::has_unread(int fd) {
  int count = 0;
  return ::ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

bool Transport::has_failed(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0;
}

}  // namespace millrace
