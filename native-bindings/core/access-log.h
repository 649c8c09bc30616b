// The access log of a server: a ring of lines per worker, and the one thread that writes them to a
// file or to standard output, in batches.
//
// A worker never waits for the disk: lines that find their ring full are dropped and counted. When
// a write fails the lines stay in their rings and are tried again, so a disk that was full for a
// moment costs nothing. For rotation the file is opened anew by whoever asks and swapped in by the
// writer between two lines.
//
// Lifetime: reference-counted. One reference is the server's and one the thread's, so either may
// end first; whoever is last writes what is left. The thread takes no signals.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "log-format.h"
#include "log-ring.h"
#include "server.h"

namespace millrace {

struct AccessLogOptions {
  std::string path;  // empty: standard output
  LogFormat format = LogFormat::kCombined;
  bool has_ids = false;  // a line has the request's id and its traceparent; those of JSON always
  // By listener: is it logged, and under which name (JSON only).
  bool is_logged[kListenersMax] = {};
  std::string listener_ids[kListenersMax];
};

struct AccessLogStats {
  uint64_t lines;       // taken over from the workers
  uint64_t dropped;     // before that, or when the log ended with a file that took nothing
  int failure;          // errno of the last write, 0 when it went well
  uint32_t generation;  // how often the file has been swapped
  bool has_ended;
};

class AccessLog {
 public:
  // Null, and errno in `error`, when the file cannot be opened or no thread can be had.
  static AccessLog* start(const AccessLogOptions& options, int* error);
  void release();

  const AccessLogOptions& options() const { return options_; }
  // The primary, while no connection of that index is alive (ServerShared::is_unused) and before
  // workers hear of the listener: they read it only for its connections.
  void set_listener(int index, const std::string& id, bool is_logged) {
    options_.listener_ids[index] = id;
    options_.is_logged[index] = is_logged;
  }
  // The ring of a worker's slot, made when first asked for; null without memory. Thread: the one
  // whose engine uses the slot.
  LogRing* ring(int worker);
  LogSignal& signal() { return signal_; }

  // Opens the path again; the writer goes on with it. Returns errno.
  int reopen();
  // Writes what is there and ends the thread. Later lines are written by the last `release`.
  void end();
  AccessLogStats stats() const;

 private:
  AccessLog() = default;
  ~AccessLog();
  static int open_file(const std::string& path);
  static void* run(void* self);
  void write_until_end();
  bool may_gather() const;
  bool is_empty() const;
  bool write_all();
  bool write_ring(LogRing& ring);
  bool write_bytes(LogRing& ring, const char* from, size_t length);
  void swap_file();
  void skip_line(LogRing& ring);
  void drop_rest();

  AccessLogOptions options_;
  LogSignal signal_;
  std::atomic<int> references_{2};  // acq_rel: the last release sees all writes
  // Stored once (release) by the engine of a slot, read by the writer (acquire).
  std::atomic<LogRing*> rings_[kWorkersMax] = {};
  // The file to go on with, or -1: exchanged by `reopen` and the writer (acq_rel).
  std::atomic<int> next_fd_{-1};
  std::atomic<bool> is_ending_{false};  // stored by `end` (release), read by the writer (acquire)
  // Told to the primary; has_ended_ is stored last (release) and read first (acquire).
  std::atomic<uint64_t> lost_{0};
  std::atomic<int> failure_{0};
  std::atomic<uint32_t> generation_{0};
  std::atomic<bool> has_ended_{false};

  // The writer's own.
  int fd_ = -1;
  size_t piece_max_ = 0;  // a pipe takes this much in one piece, between other writers
  char* batch_ = nullptr;  // freed by the destructor
  LogRing* unfinished_ = nullptr;  // a line of it is half written
  bool is_blocked_ = false;  // the last write failed for want of a reader
};

}  // namespace millrace
