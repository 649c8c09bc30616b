/*
 * The client of the workload "connection per request": it opens a connection, sends one request
 * with "Connection: close", reads until the server closes, and starts over, CONNECTIONS at a time.
 * wrk cannot do this well: it counts the close that it asked for as an error.
 *
 *   churn PORT CONNECTIONS SECONDS PATH
 *
 * Prints one line, "@@" and a JSON object of the shape that lua/requests.lua prints, so that one
 * reader takes both. An answer counts only when it holds "World!" and was closed by the server.
 * One thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum {
  EVENTS_MAX = 256,
  INPUT_BYTES = 65536,
  REQUEST_BYTES_MAX = 512,
  LATENCY_MAX_US = 2000000, /* one counter per microsecond; slower answers share the last */
};

struct connection {
  int fd;
  int is_sent;
  int is_answered;
  double start_us;
};

static int epoll_fd;
static struct sockaddr_in server;
static char request[REQUEST_BYTES_MAX];
static int request_bytes;
static char input[INPUT_BYTES];
static volatile sig_atomic_t is_stopped;

static long requests, read_errors, connect_errors, bytes_read;
static unsigned latencies[LATENCY_MAX_US];

static void on_interrupt(int number) {
  (void)number;
  is_stopped = 1;
}

static void open_connection(struct connection *c) {
  for (;;) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    c->is_sent = 0;
    c->is_answered = 0;
    c->start_us = now_us();
    if (!connect(c->fd, (void *)&server, sizeof server) || errno == EINPROGRESS) break;
    connect_errors++;
    close(c->fd);
    if (is_stopped) return;
  }
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
  if (write(c->fd, request, request_bytes) == request_bytes) {
    c->is_sent = 1;
    event.events = EPOLLIN;
  }
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void reopen(struct connection *c) {
  close(c->fd);
  open_connection(c);
}

static void send_request(struct connection *c) {
  if (write(c->fd, request, request_bytes) != request_bytes) {
    connect_errors++;
    reopen(c);
    return;
  }
  c->is_sent = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void finish(struct connection *c) {
  if (c->is_answered) {
    requests++;
    unsigned us = (unsigned)(now_us() - c->start_us);
    latencies[us < LATENCY_MAX_US - 1 ? us : LATENCY_MAX_US - 1]++;
  } else {
    read_errors++;
  }
  reopen(c);
}

/* Reads the answer and, in the same turn, the close that usually follows it at once. */
static void read_answer(struct connection *c) {
  ssize_t n = read(c->fd, input, sizeof input);
  if (n > 0) {
    bytes_read += n;
    if (memmem(input, n, "World!", 6)) c->is_answered = 1;
    n = read(c->fd, input, sizeof input);
    if (n > 0) {
      bytes_read += n;
      return;
    }
  }
  if (n < 0 && errno == EAGAIN) return;
  finish(c);
}

static void print_result(double elapsed_us) {
  long seen = 0;
  unsigned p50 = 0, p99 = 0, max = 0;
  for (unsigned us = 0; us < LATENCY_MAX_US; us++) {
    if (!latencies[us]) continue;
    seen += latencies[us];
    if (!p50 && seen >= requests * 0.50) p50 = us;
    if (!p99 && seen >= requests * 0.99) p99 = us;
    max = us;
  }
  printf("@@{\"requests\":%ld,\"durationUs\":%.0f,\"bytes\":%ld", requests, elapsed_us, bytes_read);
  printf(",\"p50Us\":%u,\"p99Us\":%u,\"maxUs\":%u", p50, p99, max);
  printf(",\"connectErrors\":%ld,\"readErrors\":%ld", connect_errors, read_errors);
  printf(",\"writeErrors\":0,\"statusErrors\":0,\"timeouts\":0}\n");
}

int main(int count, char **arguments) {
  if (count != 5) {
    fprintf(stderr, "usage: churn PORT CONNECTIONS SECONDS PATH\n");
    return 2;
  }
  int port = atoi(arguments[1]);
  int width = atoi(arguments[2]);
  signal(SIGINT, on_interrupt);
  signal(SIGPIPE, SIG_IGN);
  request_bytes = snprintf(
      request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", arguments[4], port);
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  epoll_fd = epoll_create1(0);

  double start_us = now_us();
  double end_us = start_us + atof(arguments[3]) * 1e6;
  struct connection *connections = calloc(width, sizeof *connections); /* freed by the exit */
  for (int i = 0; i < width; i++) open_connection(&connections[i]);
  struct epoll_event events[EVENTS_MAX];
  while (!is_stopped && now_us() < end_us) {
    int ready = epoll_wait(epoll_fd, events, EVENTS_MAX, 100);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (c->is_sent) {
        read_answer(c);
      } else {
        send_request(c);
      }
    }
  }
  print_result(now_us() - start_us);
  return 0;
}
