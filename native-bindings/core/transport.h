// The seam to the kernel. A connection asks its transport to receive or to send and is told what
// came of it; readiness, partial writes and error numbers stay below this line. This is the plain
// transport over epoll; TLS, io_uring and kqueue would stand beside it.
//
// Thread: the worker's. The epoll descriptor is private to one engine and is itself polled by the
// worker's event loop.
#pragma once

#include <cstddef>
#include <cstdint>

#include "peer-address.h"

struct epoll_event;
struct iovec;

namespace millrace {

enum class IoStatus : uint8_t {
  kDone,     // `length` bytes moved
  kBlocked,  // try again when ready
  kEnd,      // the peer has sent FIN
  kError,    // the connection is gone
};

struct IoResult {
  IoStatus status;
  size_t length;
};

struct Ready {
  uint64_t token;
  bool readable;
  bool ended;  // the peer has sent FIN; unread bytes may lie before it
  bool writable;
  bool gone;  // error or full hang-up: reported by the kernel whatever was asked for
};

class Transport {
 public:
  static constexpr int kReadyMax = 256;

  bool open();
  void close();
  int poll_fd() const { return epoll_fd_; }

  // Edge-triggered, for an eventfd: its counter never needs to be read.
  bool watch_wakeup(int fd, uint64_t token);
  // `end`: tell of the peer's FIN, also while nobody wants to read. Level-triggered: without end.
  bool watch(int fd, uint64_t token, bool read, bool write, bool end);
  bool rewatch(int fd, uint64_t token, bool read, bool write, bool end);
  void unwatch(int fd);
  // What is ready now; never waits.
  int poll(Ready* out);

  static IoResult receive(int fd, char* into, size_t capacity);
  static IoResult send(int fd, const char* bytes, size_t length);
  // Several pieces, in this order.
  static IoResult send(int fd, const iovec* parts, size_t count);
  // The same for what is followed at once by more.
  static IoResult send_on(int fd, const char* bytes, size_t length);
  // From a file, without a copy to user space. kEnd: the file has nothing there, or gives none.
  static IoResult send_file(int fd, int file, uint64_t offset, size_t length);
  // Reads and drops what has come, bounded: closing with unread input would send a reset. kDone if
  // there may be more, else how the last read ended.
  static IoStatus discard(int fd);
  // FIN out; the peer may still send.
  static void end(int fd);
  static void close_socket(int fd);
  // The close to come sends a reset, not FIN. Not on Unix sockets, which know no such thing.
  static void reset_on_close(int fd);
  // Probes the peer of a quiet connection: one that has gone altogether answers with a reset.
  static void probe_peer(int fd);
  // Whether small pieces leave at once.
  static bool set_no_delay(int fd, bool is_on);
  // Below so many bytes the socket is not readable, but for FIN or an error. 1: as by default.
  static void set_low_water(int fd, int bytes);
  // Probes the peer when it has been quiet for so long; 0: never.
  static bool set_keep_alive(int fd, int seconds);
  // Where the connection came from; the family stays unknown when it has gone already.
  static void read_peer(int fd, PeerAddress& peer);
  // Its own end, likewise.
  static void read_local(int fd, PeerAddress& local);
  // Bytes sent that the peer has not acknowledged: a measure of its progress.
  static uint32_t unacknowledged(int fd);
  // True when the peer has sent bytes that nobody has read: closing now would send a reset.
  static bool has_unread(int fd);
  // True when it was an error that has ended the connection. The kernel tells once.
  static bool has_failed(int fd);

 private:
  int epoll_fd_ = -1;
};

}  // namespace millrace
