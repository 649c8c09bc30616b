/*
 * The yardstick: the least a single-threaded epoll server can do for a request. Every bound of the
 * benchmark is a multiple of its CPU time per request, measured in the same run.
 *
 * Per readable event it makes one read(), looks for the blank line that ends each request, and
 * answers all requests it found with one write(). The router looks at one byte of the target.
 * There is no header parsing (but for Content-Length in a POST), no time-out and no limit, and the
 * answers are prebuilt, so a real server cannot be cheaper without cheating.
 *
 *   epoll PORT    PORT keeps connections alive; PORT + 1 closes after each answer, for the
 *                 workload of a connection per request, so that no head needs a scan for
 *                 "Connection: close".
 *
 *   /  hello    /users/ID  the id    /json  a document    /stream  100 chunks of 1 KiB
 *   /file, /memory  the file named by YARDSTICK_FILE, by sendfile() and from memory
 *   POST anything  the body
 *
 * One thread, no locks. It trusts its peers to send whole, small requests: loopback only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNLIKELY(condition) __builtin_expect((condition), 0)

enum {
  DESCRIPTORS_MAX = 32768, /* above the hard limit of the machines it runs on */
  EVENTS_MAX = 512,
  BACKLOG = 4096,
  INPUT_BYTES = 65536,
  OUTPUT_BYTES = 4 << 20, /* an input full of the shortest requests, answered in full */
  HELLO_BATCH = 256,      /* prebuilt answers in a row: the deepest pipeline one write() takes */
  CHUNKS = 100,
  CHUNK_BYTES = 1024,
};

#define HEAD \
  "HTTP/1.1 200 OK\r\nServer: limit\r\nDate: Fri, 20 Nov 2026 10:19:58 GMT\r\n"

static const char HELLO[] =
    HEAD "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
static const char HELLO_CLOSE[] =
    HEAD "Content-Type: text/plain\r\nConnection: close\r\nContent-Length: 13\r\n\r\nHello, World!";
#define HELLO_BYTES (sizeof(HELLO) - 1)

/* What is still to be sent on a connection whose socket buffer was full. */
enum pending_kind { PENDING_NONE, PENDING_MEMORY, PENDING_FILE };

struct connection {
  char *partial; /* the beginning of a request; allocated on first need, freed when it is whole */
  unsigned partial_bytes;
  unsigned char is_closing; /* accepted on PORT + 1 */
  unsigned char pending;    /* enum pending_kind */
  const char *pending_from;
  size_t pending_bytes;
  off_t file_offset;
};

/* What one turn of onReadable has found: hello answers to send, and bytes in `output`. */
struct turn {
  int hellos;
  size_t output_bytes;
  bool is_blocked; /* a large answer did not fit into the socket buffer */
};

static struct connection connections[DESCRIPTORS_MAX]; /* by descriptor */
static int epoll_fd;
static char input[INPUT_BYTES];
static char output[OUTPUT_BYTES];
static char hellos[HELLO_BATCH * HELLO_BYTES];
static char stream[(CHUNKS + 1) * (CHUNK_BYTES + 64)];
static size_t stream_bytes;
static int file_fd;
static char *file_memory; /* never freed: lives as long as the process */
static size_t file_bytes;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int operation, int fd, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(epoll_fd, operation, fd, &event);
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons(port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  if (bind(fd, (void *)&address, sizeof address)) die("bind");
  if (listen(fd, BACKLOG)) die("listen");
  watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  return fd;
}

static void close_connection(int fd) {
  struct connection *c = &connections[fd];
  free(c->partial);
  memset(c, 0, sizeof *c);
  close(fd);
}

/* Sends what is pending: 1 when all has left, 0 when the socket is full, -1 on an error. */
static int flush(int fd) {
  struct connection *c = &connections[fd];
  while (c->pending_bytes) {
    ssize_t n = c->pending == PENDING_FILE
                    ? sendfile(fd, file_fd, &c->file_offset, c->pending_bytes)
                    : write(fd, c->pending_from, c->pending_bytes);
    if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    c->pending_bytes -= n;
    if (c->pending == PENDING_MEMORY) c->pending_from += n;
  }
  c->pending = PENDING_NONE;
  return 1;
}

/* Sends a large answer, at once or as the socket drains: -1 on an error. */
static int send_large(int fd, enum pending_kind kind, const char *from, size_t bytes,
                      struct turn *turn) {
  struct connection *c = &connections[fd];
  c->pending = kind;
  c->pending_from = from;
  c->pending_bytes = bytes;
  c->file_offset = 0;
  int sent = flush(fd);
  if (sent == 0) {
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
    turn->is_blocked = true;
  }
  return sent;
}

/* The byte after the blank line that ends a head, or NULL. 32 bytes a step with AVX2. */
static inline const char *end_of_head(const char *p, const char *end) {
  const __m256i cr = _mm256_set1_epi8('\r');
  while (p + 36 <= end) { /* 32, and 4 more for the comparison at the last of them */
    unsigned mask = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256((void *)p), cr));
    while (mask) {
      int i = __builtin_ctz(mask);
      if (!memcmp(p + i, "\r\n\r\n", 4)) return p + i + 4;
      mask &= mask - 1;
    }
    p += 32;
  }
  for (; p + 4 <= end; p++) {
    if (*p == '\r' && !memcmp(p, "\r\n\r\n", 4)) return p + 4;
  }
  return NULL;
}

static void answer_user(const char *id, const char *end, struct turn *turn) {
  const char *space = id;
  while (space < end && *space != ' ') space++;
  int bytes = space - id;
  char *to = output + turn->output_bytes;
  int head = sprintf(to, HEAD "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n", bytes);
  memcpy(to + head, id, bytes);
  turn->output_bytes += head + bytes;
}

static void answer_json(struct turn *turn) {
  char json[64];
  int bytes = sprintf(json, "{\"message\":\"%s\"}", "Hello, World!");
  turn->output_bytes +=
      sprintf(output + turn->output_bytes,
              HEAD "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", bytes, json);
}

static int answer_file(int fd, enum pending_kind kind, struct turn *turn) {
  char head[256];
  int bytes = sprintf(
      head, HEAD "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
      file_bytes);
  if (send(fd, head, bytes, MSG_MORE) != bytes) return -1;
  return send_large(fd, kind, file_memory, file_bytes, turn);
}

/* Answers a GET by one byte of its target: -1 when the connection is broken. */
static inline int answer_get(int fd, const char *p, const char *end, struct turn *turn) {
  switch (p[5]) {
    case ' ':
      turn->hellos++;
      return 0;
    case 'u':
      answer_user(p + 11, end, turn);
      return 0;
    case 'j':
      answer_json(turn);
      return 0;
    case 's':
      return send_large(fd, PENDING_MEMORY, stream, stream_bytes, turn);
    case 'f':
      return answer_file(fd, PENDING_FILE, turn);
    case 'm':
      return answer_file(fd, PENDING_MEMORY, turn);
    default:
      return 0;
  }
}

/* Echoes the body of a POST and returns the byte after it; NULL when it is not all there yet. */
static const char *answer_post(const char *p, const char *body, const char *end,
                               struct turn *turn) {
  const char *field = memmem(p, body - p, "ontent-Length: ", 15);
  if (!field) field = memmem(p, body - p, "ontent-length: ", 15);
  unsigned bytes = field ? atoi(field + 15) : 0;
  if (end - body < bytes) return NULL;
  char *to = output + turn->output_bytes;
  int head = sprintf(
      to, HEAD "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", (int)bytes);
  memcpy(to + head, body, bytes);
  turn->output_bytes += head + bytes;
  return body + bytes;
}

/* Writes the answers of a turn: -1 when the connection is broken or has been answered for good. */
static int write_answers(int fd, struct turn *turn) {
  int count = turn->hellos;
  if (UNLIKELY(connections[fd].is_closing && count)) {
    if (write(fd, HELLO_CLOSE, sizeof(HELLO_CLOSE) - 1) < 0) return -1;
    return -1;
  }
  while (count > HELLO_BATCH) {
    if (write(fd, hellos, sizeof hellos) < 0) return -1;
    count -= HELLO_BATCH;
  }
  if (count) {
    ssize_t bytes = count * HELLO_BYTES;
    if (write(fd, hellos, bytes) != bytes) return -1;
  }
  if (turn->output_bytes) {
    ssize_t bytes = turn->output_bytes;
    if (write(fd, output, bytes) != bytes) return -1;
  }
  bool has_answered = turn->hellos || turn->output_bytes;
  return connections[fd].is_closing && !turn->is_blocked && has_answered ? -1 : 0;
}

static void keep_partial(struct connection *c, const char *from, const char *end) {
  if (from < end) {
    c->partial_bytes = end - from;
    c->partial = realloc(c->partial, sizeof input);
    memcpy(c->partial, from, c->partial_bytes);
  } else if (UNLIKELY(c->partial != NULL)) {
    free(c->partial);
    c->partial = NULL;
  }
}

static void on_readable(int fd) {
  struct connection *c = &connections[fd];
  size_t have = 0;
  if (UNLIKELY(c->partial_bytes)) {
    memcpy(input, c->partial, c->partial_bytes);
    have = c->partial_bytes;
    c->partial_bytes = 0;
  }
  ssize_t n = read(fd, input + have, sizeof(input) - have);
  if (n <= 0) {
    if (n < 0 && errno == EAGAIN) return;
    close_connection(fd);
    return;
  }
  const char *p = input;
  const char *end = input + have + n;
  struct turn turn = {0};
  while (p < end && !turn.is_blocked) {
    const char *next = end_of_head(p, end);
    if (!next) break;
    if (p[0] == 'G') {
      if (answer_get(fd, p, next, &turn) < 0) {
        close_connection(fd);
        return;
      }
    } else {
      next = answer_post(p, next, end, &turn);
      if (!next) break;
    }
    p = next;
  }
  if (write_answers(fd, &turn) < 0) {
    close_connection(fd);
    return;
  }
  keep_partial(c, p, end);
}

static void on_writable(int fd) {
  int sent = flush(fd);
  if (sent < 0) close_connection(fd);
  if (sent > 0) watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

static void accept_all(int listener, bool is_closing) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= DESCRIPTORS_MAX) {
      close(fd);
      continue;
    }
    connections[fd].is_closing = is_closing;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

static void build_stream(void) {
  char *to = stream;
  to += sprintf(to, HEAD "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < CHUNKS; i++) {
    to += sprintf(to, "%x\r\n", CHUNK_BYTES);
    memset(to, 'x', CHUNK_BYTES);
    memcpy(to + CHUNK_BYTES, "\r\n", 2);
    to += CHUNK_BYTES + 2;
  }
  to += sprintf(to, "0\r\n\r\n");
  stream_bytes = to - stream;
}

static void load_file(void) {
  const char *name = getenv("YARDSTICK_FILE");
  file_fd = open(name ? name : "/dev/null", O_RDONLY);
  if (file_fd < 0) die("YARDSTICK_FILE");
  file_bytes = lseek(file_fd, 0, SEEK_END);
  file_memory = malloc(file_bytes);
  if (pread(file_fd, file_memory, file_bytes, 0) != (ssize_t)file_bytes) die("pread");
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: epoll PORT\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < HELLO_BATCH; i++) memcpy(hellos + i * HELLO_BYTES, HELLO, HELLO_BYTES);
  build_stream();
  load_file();
  epoll_fd = epoll_create1(0);
  int port = atoi(arguments[1]);
  int keeping = listen_on(port);
  int closing = listen_on(port + 1);
  struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (UNLIKELY(fd == keeping || fd == closing)) {
        accept_all(fd, fd == closing);
      } else if (UNLIKELY(events[i].events & EPOLLOUT)) {
        on_writable(fd);
      } else {
        on_readable(fd);
      }
    }
  }
}
