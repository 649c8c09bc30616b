/*
 * Loaded into a server before its own libraries: breaks listening sockets as often as a file says,
 * which is mapped and counts down. A broken one has been shut down, so that the kernel itself
 * refuses to accept from it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int (*accept_function)(int, struct sockaddr *, socklen_t *, int);

static volatile int32_t *faults_left(void) {
  static volatile int32_t *faults;
  if (faults != NULL) return faults;
  const char *path = getenv("MILLRACE_TEST_FAULTS");
  int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return NULL;
  void *block = mmap(NULL, sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (block != MAP_FAILED) faults = block;
  return faults;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  static accept_function real;
  if (real == NULL) real = (accept_function)dlsym(RTLD_NEXT, "accept4");
  volatile int32_t *faults = faults_left();
  if (faults != NULL && *faults > 0) {
    *faults -= 1;
    shutdown(fd, SHUT_RDWR);
  }
  return real(fd, address, length, flags);
}
