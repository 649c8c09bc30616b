/*
 * The client of the workloads whose connections have left HTTP: messages of 64 bytes.
 *
 *   messages PORT CONNECTIONS SECONDS raw|echo|broadcast PATH
 *
 * raw: each connection asks for the protocol "echo" and then sends 64 bytes, reads them back,
 * compares them and sends others. echo: the same over WebSockets, with a masked frame of text. Both
 * have one message on its way per connection. broadcast: one connection sends a message, every
 * connection must get it, and when all have, the next is sent; each one got counts.
 *
 * Prints READY when all connections are open and begins at a line on stdin, so that what it costs a
 * server to open them is in nobody's figure. At the end it prints a line of the shape that churn.c
 * prints, and waits with its connections open until stdin ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "messages.h"

enum {
  INPUT = 4096,
  EVENTS = 256,
  SILENCE_MS = 3000,
  SAMPLES_MAX = 1 << 20
};

enum mode { RAW, ECHO, BROADCAST };

struct connection {
  int fd;
  long number;        /* of the message that is awaited */
  double sent_us;
  int length;         /* of what has come of it */
  char input[MESSAGE + FRAME_HEAD];
};

static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};

static enum mode mode;
static int poll_fd;
static int connections;
static struct connection *all;
static int awaited;             /* of a broadcast: connections that have not got it */
static long requests, mismatches, read_errors, write_errors, timeouts;
static double latencies[SAMPLES_MAX];

/* The awaited message as its sender writes it: its number, and letters that change with it. */
static void compose(char *message, long number) {
  memset(message, 'a' + number % 26, MESSAGE);
  char digits[24];
  memcpy(message, digits, snprintf(digits, sizeof digits, "%ld ", number));
}

static void send_message(struct connection *connection) {
  char bytes[MESSAGE + MASK_HEAD];
  char *message = mode == RAW ? bytes : bytes + MASK_HEAD;
  compose(message, connection->number);
  int length = MESSAGE;
  if (mode != RAW) {
    bytes[0] = (char)0x81;
    bytes[1] = (char)(0x80 | MESSAGE);
    memcpy(bytes + 2, mask, sizeof mask);
    for (int i = 0; i < MESSAGE; i++) message[i] ^= mask[i & 3];
    length += MASK_HEAD;
  }
  connection->sent_us = now_us();
  if (send(connection->fd, bytes, length, MSG_NOSIGNAL) != length) write_errors++;
}

static void send_broadcast(void) {
  awaited = connections;
  double time_us = now_us();
  for (int i = 0; i < connections; i++) {
    all[i].number++;
    all[i].sent_us = time_us;
  }
  send_message(&all[0]);
}

static int is_right(const struct connection *connection) {
  char message[MESSAGE];
  compose(message, connection->number);
  const char *got = connection->input;
  if (mode != RAW) {
    if (got[0] != (char)0x81 || got[1] != MESSAGE) return 0;
    got += FRAME_HEAD;
  }
  return memcmp(got, message, MESSAGE) == 0;
}

static void got_message(struct connection *connection) {
  if (!is_right(connection)) mismatches++;
  latencies[requests++ % SAMPLES_MAX] = now_us() - connection->sent_us;
  connection->length = 0;
  if (mode == BROADCAST) {
    if (--awaited == 0) send_broadcast();
    return;
  }
  connection->number += connections;
  send_message(connection);
}

/* What comes is at most the awaited message: more is nobody's. */
static int receive(struct connection *connection) {
  int wanted = mode == RAW ? MESSAGE : MESSAGE + FRAME_HEAD;
  char input[INPUT];
  ssize_t n = recv(connection->fd, input, sizeof input, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  if (n <= 0) {
    read_errors++;
    return 0;
  }
  if (connection->length + n > wanted) {
    mismatches++;
    return 0;
  }
  memcpy(connection->input + connection->length, input, n);
  connection->length += n;
  if (connection->length == wanted) got_message(connection);
  return 1;
}

/* Asks for the switch and reads the answer's head, which nothing may follow. */
static void upgrade(int fd, const char *path) {
  char text[1024];
  const char *protocol = mode == RAW ? "echo" : "websocket";
  int length = snprintf(text, sizeof text,
      "GET %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"
      "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", path, protocol, KEY);
  if (send(fd, text, length, MSG_NOSIGNAL) != length) fail("send");
  length = 0;
  do {
    ssize_t n = recv(fd, text + length, sizeof text - 1 - length, 0);
    if (n <= 0) fail("no answer to the upgrade");
    length += n;
    text[length] = 0;
  } while (!strstr(text, "\r\n\r\n"));
  int is_switched = strncmp(text, "HTTP/1.1 101", 12) == 0;
  if (is_switched && (mode == RAW || strstr(text, ACCEPT_VALUE))) return;
  fprintf(stderr, "no upgrade: %s\n", text);
  exit(1);
}

static void open_connection(struct connection *connection, int port, const char *path) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (void *)&server, sizeof server)) fail("connect");
  upgrade(fd, path);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  connection->fd = fd;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static double run(double seconds) {
  struct epoll_event events[EVENTS];
  double start_us = now_us();
  double end_us = start_us + seconds * 1e6;
  if (mode == BROADCAST) send_broadcast();
  else for (int i = 0; i < connections; i++) send_message(&all[i]);
  while (now_us() < end_us) {
    int count = epoll_wait(poll_fd, events, EVENTS, SILENCE_MS);
    if (count == 0) timeouts++;
    for (int i = 0; i < count; i++) {
      if (!receive(events[i].data.ptr)) return now_us() - start_us;
    }
  }
  return now_us() - start_us;
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static void print_result(double elapsed_us) {
  long count = requests < SAMPLES_MAX ? requests : SAMPLES_MAX;
  qsort(latencies, count, sizeof *latencies, compare);
  printf("@@{\"requests\":%ld,\"durationUs\":%.0f", requests, elapsed_us);
  printf(",\"p50Us\":%.0f,\"p99Us\":%.0f", latencies[count / 2], latencies[count * 99 / 100]);
  printf(",\"connectErrors\":0,\"readErrors\":%ld,\"writeErrors\":%ld", read_errors, write_errors);
  printf(",\"mismatches\":%ld,\"timeouts\":%ld}\n", mismatches, timeouts);
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: messages PORT CONNECTIONS SECONDS raw|echo|broadcast PATH\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const char letter = arguments[4][0];
  mode = letter == 'r' ? RAW : letter == 'e' ? ECHO : BROADCAST;
  connections = atoi(arguments[2]);
  all = calloc(connections, sizeof *all);
  poll_fd = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    if (mode != BROADCAST) all[i].number = i;
    open_connection(&all[i], atoi(arguments[1]), arguments[5]);
  }
  printf("READY %d\n", connections);
  fflush(stdout);
  if (getchar() == EOF) return 1;
  print_result(run(atof(arguments[3])));
  while (getchar() != EOF) {}
  return 0;
}
