#include "open-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>

namespace millrace {

namespace {

// Where the kernel says that the descriptor's file lies; empty: it does not say.
std::string place_of(int fd) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  std::string place(PATH_MAX, '\0');
  ssize_t length = ::readlink(link, place.data(), place.size());
  place.resize(length < 0 ? 0 : static_cast<size_t>(length));
  return place;
}

bool is_inside(const std::string& place, const std::string& root) {
  if (root == "/") return place.starts_with('/');
  return place.size() > root.size() && place.starts_with(root) && place[root.size()] == '/';
}

}  // namespace

OpenFile* OpenFile::open(const char* path, const std::string& root, int& error) {
  // Not to wait for a FIFO, nor to become the owner of a terminal.
  int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    error = errno;
    return nullptr;
  }
  auto* file = new OpenFile();
  file->fd_ = fd;
  if (file->check(root, error)) return file;
  file->close();
  file->release();
  return nullptr;
}

bool OpenFile::check(const std::string& root, int& error) {
  struct stat status;
  if (::fstat(fd_, &status) != 0) {
    error = errno;
    return false;
  }
  // First, so that nothing is told of what lies outside.
  if (!root.empty() && place_of(fd_) != root && !is_inside(place_of(fd_), root)) {
    error = EACCES;
    return false;
  }
  if (!S_ISREG(status.st_mode)) {
    error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return false;
  }
  size_ = static_cast<uint64_t>(status.st_size);
  inode_ = status.st_ino;
  device_ = status.st_dev;
  modified_ms_ = static_cast<double>(status.st_mtim.tv_sec) * 1e3 +
                 static_cast<double>(status.st_mtim.tv_nsec) / 1e6;
  return true;
}

ssize_t OpenFile::read(char* into, size_t length, uint64_t offset) const {
  if (!is_open()) return -EBADF;
  ssize_t count = ::pread(fd_, into, length, static_cast<off_t>(offset));
  return count < 0 ? -errno : count;
}

void OpenFile::close() {
  is_given_up_ = true;
  if (sends_ > 0 || fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
}

void OpenFile::begin_send() {
  sends_++;
  references_++;
}

void OpenFile::end_send() {
  sends_--;
  if (is_given_up_) close();
  release();
}

// The last holder of the memory also closes: nothing can be sending.
void OpenFile::release() {
  if (--references_ > 0) return;
  close();
  delete this;
}

}  // namespace millrace
