// The peer's end of a connection: what is sent there, and what is seen.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "check.h"

namespace millrace::test {

inline void send_all(int peer, std::string_view bytes) {
  CHECK(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(bytes.size()));
}

// What lies there; nobody is waited for.
inline std::string received(int peer) {
  std::string text;
  char bytes[65536];
  for (;;) {
    ssize_t count = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0) return text;
    text.append(bytes, static_cast<size_t>(count));
  }
}

// The peer sees FIN, or the reset. What has been sent is on its way.
inline bool has_ended(int peer) {
  pollfd entry{peer, POLLIN, 0};
  poll(&entry, 1, 1000);
  char byte;
  return recv(peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

inline bool was_reset(int peer) {
  pollfd entry{peer, POLLERR, 0};
  poll(&entry, 1, 1000);
  received(peer);
  return (entry.revents & POLLERR) != 0;
}

inline void reset(int peer) {
  linger at_once{1, 0};
  CHECK(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  close(peer);
}

}  // namespace millrace::test
