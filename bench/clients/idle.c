/*
 * Opens keep-alive connections, makes one request on each, and holds them: what an idle connection
 * costs the server in memory. A process of its own, because 10,000 connections here and 10,000 in
 * the server do not fit under one limit of descriptors.
 *
 *   idle PORT CONNECTIONS PATH
 *
 * Prints "READY n" when n connections have been answered, waits for a line on standard input,
 * prints "STILL n" with the number of those the server has not closed meanwhile, and exits.
 * One thread, blocking.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
  BATCH = 64, /* connections opened before their answers are read: below any backlog */
  INPUT_BYTES = 65536,
  READ_TIMEOUT_S = 5,
};

static struct sockaddr_in server;
static char request[256];
static int request_bytes;
static char input[INPUT_BYTES];

/* Opens a connection and sends the request: the descriptor, or -1. */
static int open_connection(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (void *)&server, sizeof server)) {
    perror("connect");
    return -1;
  }
  struct timeval timeout = {.tv_sec = READ_TIMEOUT_S};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  if (write(fd, request, request_bytes) != request_bytes) perror("write");
  return fd;
}

/* Reads until the answer is there: 1, or 0 when it does not come. */
static int read_answer(int fd) {
  size_t have = 0;
  while (have < sizeof input) {
    ssize_t n = read(fd, input + have, sizeof input - have);
    if (n <= 0) return 0;
    have += n;
    if (memmem(input, have, "World!", 6)) return 1;
  }
  return 0;
}

static int is_open(int fd) {
  return recv(fd, input, 16, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: idle PORT CONNECTIONS PATH\n");
    return 2;
  }
  int total = atoi(arguments[2]);
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(arguments[1]));
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  request_bytes = snprintf(
      request, sizeof request,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n", arguments[3]);

  int *fds = malloc(total * sizeof *fds); /* freed by the exit */
  int answered = 0;
  for (int from = 0; from < total; from += BATCH) {
    int to = from + BATCH < total ? from + BATCH : total;
    for (int i = from; i < to; i++) fds[i] = open_connection();
    for (int i = from; i < to; i++) {
      if (fds[i] >= 0) answered += read_answer(fds[i]);
    }
  }
  printf("READY %d\n", answered);
  fflush(stdout);

  char line[16];
  if (!fgets(line, sizeof line, stdin)) return 0;
  int still = 0;
  for (int i = 0; i < total; i++) {
    if (fds[i] >= 0) still += is_open(fds[i]);
  }
  printf("STILL %d\n", still);
  return 0;
}
