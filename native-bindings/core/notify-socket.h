// One datagram to a Unix socket: how a service tells systemd how it is (sd_notify(3)). Any thread.
#pragma once

#include <cstddef>

namespace millrace {

// `path` as $NOTIFY_SOCKET has it: absolute, or an abstract name behind `@`. Never waits. Returns 0
// or an errno: EAGAIN when the receiver's queue is full, EINVAL for what is no such path.
int send_notification(const char* path, const char* text, size_t length);

}  // namespace millrace
