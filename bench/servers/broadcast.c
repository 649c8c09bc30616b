/*
 * The least that a WebSocket broadcast costs: one send() for each subscriber, of a frame that was
 * made once. What a server of any language takes beyond this is its own.
 *
 *   broadcast PORT
 *
 * Every connection subscribes with its handshake, and each message that comes goes to all. It knows
 * the messages of bench/clients/messages.c alone: 64 bytes, masked, one frame in a read, and a
 * handshake whose key is always the same. One thread; loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../clients/client.h"
#include "../clients/messages.h"

enum {
  DESCRIPTORS_MAX = 32768,
  EVENTS_MAX = 512,
  BACKLOG = 4096,
  INPUT_BYTES = 4096,
};

static const char SWITCHED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: " ACCEPT_VALUE "\r\n\r\n";

static int epoll_fd;
static int listening_fd;
static int subscribers[DESCRIPTORS_MAX];
static int subscriber_count;
static unsigned char is_subscriber[DESCRIPTORS_MAX]; /* by descriptor */

/* What came is none of the messages that this knows. */
static void refuse(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void accept_all(void) {
  int fd;
  while ((fd = accept4(listening_fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= DESCRIPTORS_MAX) close(fd);
    else watch(fd);
  }
}

static void drop(int fd) {
  if (is_subscriber[fd]) {
    int at = 0;
    while (subscribers[at] != fd) at++;
    subscribers[at] = subscribers[--subscriber_count];
    is_subscriber[fd] = 0;
  }
  close(fd);
}

static void broadcast(const unsigned char *frame) {
  unsigned char out[FRAME_HEAD + MESSAGE] = {0x81, MESSAGE};
  const unsigned char *mask = frame + FRAME_HEAD;
  for (int i = 0; i < MESSAGE; i++) out[FRAME_HEAD + i] = frame[MASK_HEAD + i] ^ mask[i & 3];
  for (int i = 0; i < subscriber_count; i++) {
    if (send(subscribers[i], out, sizeof out, MSG_NOSIGNAL) != sizeof out) fail("send");
  }
}

static void receive(int fd) {
  unsigned char input[INPUT_BYTES];
  ssize_t length = recv(fd, input, sizeof input, 0);
  if (length <= 0) {
    drop(fd);
  } else if (is_subscriber[fd]) {
    if (length != MASK_HEAD + MESSAGE) refuse("a frame of another length");
    broadcast(input);
  } else if (length >= 4 && memcmp(input + length - 4, "\r\n\r\n", 4) == 0) {
    if (send(fd, SWITCHED, sizeof SWITCHED - 1, MSG_NOSIGNAL) < 0) fail("send");
    is_subscriber[fd] = 1;
    subscribers[subscriber_count++] = fd;
  } else {
    refuse("a handshake in pieces");
  }
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: broadcast PORT\n");
    return 2;
  }
  int on = 1;
  listening_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listening_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listening_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* inherited */
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listening_fd, (void *)&address, sizeof address)) fail("bind");
  if (listen(listening_fd, BACKLOG)) fail("listen");
  epoll_fd = epoll_create1(0);
  watch(listening_fd);
  struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listening_fd) accept_all();
      else receive(events[i].data.fd);
    }
  }
}
