// A file that answers are made of: its descriptor, what the file was when it was opened, and how
// many answers are on their way out of it.
//
// Owner of the memory: whoever opened it holds one reference, and each FileSend one; the last to
// `release` frees it. The descriptor is closed once: by `close` if nothing is being sent from it,
// else by the last send that ends. So it never becomes another file's under an answer.
// Thread: one, that of the engines which send from it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace millrace {

class OpenFile {
 public:
  // Null: `error` is set. With a `root`, which is a canonical path, EACCES for what lies outside of
  // it in the end, whatever symbolic links say: it is the opened file that is asked where it is.
  // EISDIR and EINVAL for what is no regular file; opening never waits for a FIFO's writer.
  static OpenFile* open(const char* path, const std::string& root, int& error);

  bool is_open() const { return fd_ >= 0 && !is_given_up_; }
  int fd() const { return fd_; }
  // As of the opening. Files of the same identity have the same bytes, as far as a stat tells.
  uint64_t size() const { return size_; }
  double modified_ms() const { return modified_ms_; }
  uint64_t inode() const { return inode_; }
  uint64_t device() const { return device_; }

  // How many bytes were read, 0 at the end, below 0: -errno.
  ssize_t read(char* into, size_t length, uint64_t offset) const;

  // Nobody begins to send from it any more.
  void close();
  void begin_send();
  void end_send();
  void release();

 private:
  OpenFile() = default;
  ~OpenFile() = default;
  bool check(const std::string& root, int& error);

  int fd_ = -1;
  int sends_ = 0;
  int references_ = 1;
  bool is_given_up_ = false;
  uint64_t size_ = 0;
  uint64_t inode_ = 0;
  uint64_t device_ = 0;
  double modified_ms_ = 0;
};

// What is left of an answer's file: a connection's, from the record that names it until its last
// byte has left or the connection has gone.
struct FileSend {
  OpenFile* file;
  uint64_t offset;
  uint64_t left;
};

}  // namespace millrace
