/*
 * The client of the workloads "100 MiB in" and "100 MiB out": one request after the other on one
 * connection, blocking, with a body of BYTES in pieces of 64 KiB.
 *
 *   bulk PORT SECONDS in|chunked|out PATH BYTES
 *
 * in: POSTs the body with its length; chunked: POSTs it as chunks of 64 KiB. The answer must be the
 * count of bytes. out: GETs, and reads the body to its last chunk or announced length. Requests
 * begin as long as SECONDS have not passed. Prints a line of the shape that churn.c prints.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum { PIECE = 65536, HEAD_BYTES_MAX = 4096, REQUESTS_MAX = 100000 };

static char piece[PIECE];
static char input[PIECE + 1];
static int fd;
static long requests, status_errors, bytes_moved;
static double latencies[REQUESTS_MAX];

static void write_all(struct iovec *parts, int count) {
  while (count > 0) {
    ssize_t n = writev(fd, parts, count);
    if (n <= 0) fail("write");
    bytes_moved += n;
    while (count > 0 && (size_t)n >= parts->iov_len) {
      n -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = (char *)parts->iov_base + n;
      parts->iov_len -= n;
    }
  }
}

/* The head and what came behind it; returns the length of what is in `input`. */
static int read_head(char **body) {
  int length = 0;
  for (;;) {
    ssize_t n = read(fd, input + length, HEAD_BYTES_MAX - length);
    if (n <= 0) fail("read");
    length += n;
    input[length] = 0;
    char *end = strstr(input, "\r\n\r\n");
    if (end) {
      *body = end + 4;
      if (memcmp(input, "HTTP/1.1 200", 12)) status_errors++;
      return length;
    }
    if (length == HEAD_BYTES_MAX) fail("head");
  }
}

static long declared_length(void) {
  char *field = strcasestr(input, "\r\ncontent-length:");
  return field ? atol(field + 17) : -1;
}

static void upload(const char *path, long bytes, int is_chunked) {
  char head[512], frame[16], *body;
  const char *chunked = "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const char *declared = "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %ld\r\n\r\n";
  const char *form = is_chunked ? chunked : declared;
  struct iovec start = {head, snprintf(head, sizeof head, form, path, bytes)};
  write_all(&start, 1);
  for (long left = bytes; left > 0; left -= PIECE) {
    long size = left < PIECE ? left : PIECE;
    int length = snprintf(frame, sizeof frame, "%lx\r\n", size);
    struct iovec parts[] = {{frame, length}, {piece, size}, {"\r\n", 2}};
    if (is_chunked) write_all(parts, 3);
    else write_all(parts + 1, 1);
  }
  struct iovec end = {"0\r\n\r\n", 5};
  if (is_chunked) write_all(&end, 1);
  int length = read_head(&body);
  long wanted = declared_length();
  while (input + length - body < wanted) {
    ssize_t n = read(fd, input + length, sizeof input - 1 - length);
    if (n <= 0) fail("read");
    length += n;
  }
  input[length] = 0;
  if (atol(body) != bytes) status_errors++;
}

static void download(const char *path, long bytes) {
  char head[512], *body;
  struct iovec start = {
      head, snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)};
  write_all(&start, 1);
  int length = read_head(&body);
  long wanted = declared_length();
  long seen = input + length - body;
  char tail[5] = "";
  if (seen >= 5) memcpy(tail, input + length - 5, 5);
  while (wanted >= 0 ? seen < wanted : memcmp(tail, "0\r\n\r\n", 5)) {
    ssize_t n = read(fd, input, PIECE);
    if (n <= 0) fail("read");
    seen += n;
    if (n >= 5) {
      memcpy(tail, input + n - 5, 5);
    } else {
      memmove(tail, tail + n, 5 - n);
      memcpy(tail + 5 - n, input, n);
    }
  }
  bytes_moved += seen;
  if (seen < bytes) status_errors++;
}

static void open_connection(int port) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1;
  fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (void *)&server, sizeof server)) fail("connect");
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "usage: bulk PORT SECONDS in|chunked|out PATH BYTES\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  memset(piece, 'x', sizeof piece);
  open_connection(atoi(arguments[1]));
  const char *mode = arguments[3];
  long bytes = atol(arguments[5]);
  double start_us = now_us();
  double end_us = start_us + atof(arguments[2]) * 1e6;
  while (now_us() < end_us && requests < REQUESTS_MAX) {
    double begin_us = now_us();
    if (mode[0] == 'o') download(arguments[4], bytes);
    else upload(arguments[4], bytes, mode[0] == 'c');
    latencies[requests++] = now_us() - begin_us;
  }
  double elapsed_us = now_us() - start_us;
  qsort(latencies, requests, sizeof *latencies, compare);
  printf("@@{\"requests\":%ld,\"durationUs\":%.0f", requests, elapsed_us);
  printf(",\"bytes\":%ld", bytes_moved);
  printf(",\"p50Us\":%.0f,\"p99Us\":%.0f", latencies[requests / 2], latencies[requests * 99 / 100]);
  printf(",\"connectErrors\":0,\"readErrors\":0,\"writeErrors\":0");
  printf(",\"statusErrors\":%ld,\"timeouts\":0}\n", status_errors);
  return 0;
}
