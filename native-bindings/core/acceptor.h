// Listening sockets and the accept loop. Accepting needs no JavaScript: the listening descriptor
// is readable, accept4 runs in a bounded loop, the balancer picks a worker and the descriptor goes
// into its mailbox. Thread: the primary's.
#pragma once

#include <cstdint>

#include "server.h"

namespace millrace {

struct BindAddress {
  const char* host;  // a numeric address; null for a Unix socket
  uint16_t port;
  const char* path;  // a Unix socket's path; null otherwise
  int backlog;
};

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
  int listen(const BindAddress& address);
  AcceptResult accept_ready(ServerShared& server, uint16_t listener);
  // Serves what waits in the kernel's queue, then closes: closing it full would reset them.
  void close(ServerShared& server, uint16_t listener);
  int fd() const { return fd_; }
  // The errno with which accepting was given up last, of kExhausted and kFailed.
  int error() const { return error_; }
  uint16_t port() const { return port_; }

 private:
  int bind_inet(const BindAddress& address);
  int bind_unix(const BindAddress& address);

  int fd_ = -1;
  int error_ = 0;
  uint16_t port_ = 0;
  char path_[108] = {};  // a Unix socket's path, removed on close; the size of sun_path
};

}  // namespace millrace
