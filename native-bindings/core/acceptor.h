// The accept loop of a listening socket. Accepting needs no JavaScript: the listening descriptor
// is readable, accept4 runs in a bounded loop, the balancer picks a worker and the descriptor goes
// into its mailbox. Thread: the primary's.
#pragma once

#include <cstdint>

#include "listening-socket.h"
#include "server.h"

namespace millrace {

enum class AcceptResult : uint8_t {
  kMore,       // the bound of one loop was reached
  kEmpty,      // the queue is empty
  kExhausted,  // no descriptor or memory: wait before trying again, the queue keeps them
  kFailed,     // the listening socket itself is broken
};

class Acceptor {
 public:
  static constexpr int kAcceptMax = 64;  // per wake-up, so that one listener starves nobody

  // Returns 0 or an errno.
  int listen(const BindAddress& address) { return socket_.open(address); }
  AcceptResult accept_ready(ServerShared& server, uint16_t listener);
  // Removes the file of a Unix socket, serves what waits in the kernel's queue, then closes:
  // closing it full would reset them. One that is handed over is only closed: queue and file are
  // those of the process that has a descriptor of the same socket.
  void close(ServerShared& server, uint16_t listener, bool is_handed_over = false);
  // An adopted descriptor is given back as it came.
  void disown() { socket_.disown(); }
  int fd() const { return socket_.fd(); }
  const ListeningSocket& socket() const { return socket_; }
  // The errno with which accepting was given up last, of kExhausted and kFailed.
  int error() const { return error_; }
  uint16_t port() const { return socket_.port(); }
  // Whether the socket has ever worked.
  bool has_accepted() const { return has_accepted_; }

 private:
  ListeningSocket socket_;
  int error_ = 0;
  bool has_accepted_ = false;
};

}  // namespace millrace
