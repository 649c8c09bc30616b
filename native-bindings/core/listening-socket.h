// A listening socket: binds an address, a Unix path or an abstract name, or adopts a descriptor
// that another process has bound, and tells where it listens. Knows nothing of connections.
// Thread: the primary's.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace millrace {

struct BindAddress {
  const char* host = nullptr;  // a numeric address; null for a Unix socket
  uint16_t port = 0;
  // A Unix socket's path, of which it becomes the owner; `@` at the front makes an abstract name.
  // Null otherwise.
  const char* path = nullptr;
  int backlog = 511;
  int fd = -1;    // a listening descriptor to adopt instead of binding
  int mode = -1;  // of the file of a Unix socket; -1: as the process's umask has it
};

class ListeningSocket {
 public:
  // Returns 0 or an errno. A descriptor that is refused stays open: it is the caller's still.
  int open(const BindAddress& address);
  // Removes the file of its path, unless another socket has taken the place: nobody comes any more.
  void remove_path();
  void close();
  // It stays open and is the caller's.
  void disown() { fd_ = -1; }
  int fd() const { return fd_; }
  uint16_t port() const { return port_; }
  // The numeric address; empty for Unix sockets.
  const char* host() const { return host_; }
  // As BindAddress has it; empty for others and for one without a name.
  const char* path() const { return path_; }

 private:
  int bind_inet(const BindAddress& address);
  int bind_unix(const BindAddress& address);
  int adopt(const BindAddress& address);
  int read_name();
  void own_path();

  int fd_ = -1;
  uint16_t port_ = 0;
  char host_[46] = {};   // INET6_ADDRSTRLEN
  char path_[109] = {};  // the size of sun_path and an end
  // The file that this socket has made or taken over; 0: none.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace millrace
