// The writer thread: lines of several workers to a file, rotation without a loss, a full disk, a
// pipe, and what is written at the end.
#include "core/access-log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "check.h"
#include "paths.h"

using millrace::AccessLog;
using millrace::AccessLogOptions;
using millrace::AccessLogStats;
using millrace::LogRing;

namespace {

std::string g_folder;

AccessLog* start(const std::string& path) {
  AccessLogOptions options;
  options.path = path;
  int error = -1;
  AccessLog* log = AccessLog::start(options, &error);
  CHECK(log != nullptr && error == 0);
  return log;
}

void put(AccessLog& log, int worker, const std::string& line) {
  LogRing& ring = *log.ring(worker);
  if (ring.reserve(line.size())) ring.put(line.data(), line.size());
  ring.publish();
  log.signal().published(ring);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

AccessLogStats end_of(AccessLog* log) {
  log->end();
  while (!log->stats().has_ended) usleep(1000);
  AccessLogStats stats = log->stats();
  log->release();
  return stats;
}

void what_was_put_is_written_at_the_end() {
  std::string path = g_folder + "/end.log";
  AccessLog* log = start(path);
  put(*log, 0, "one\n");
  put(*log, 255, "two\n");
  AccessLogStats stats = end_of(log);
  CHECK(stats.lines == 2 && stats.dropped == 0 && stats.failure == 0);
  CHECK(read_file(path) == "one\ntwo\n");
}

void what_comes_after_the_end_is_written_by_the_last_reference() {
  std::string path = g_folder + "/late.log";
  AccessLog* log = start(path);
  log->end();
  while (!log->stats().has_ended) usleep(1000);
  put(*log, 3, "late\n");
  log->release();
  // The thread may hold the other reference for a moment still.
  while (read_file(path) != "late\n") usleep(1000);
}

void a_file_that_cannot_be_opened_is_refused() {
  AccessLogOptions options;
  options.path = g_folder + "/none/access.log";
  int error = 0;
  CHECK(AccessLog::start(options, &error) == nullptr && error == ENOENT);
  options.path = g_folder + "/pipe";
  CHECK(mkfifo(options.path.c_str(), 0600) == 0);
  CHECK(AccessLog::start(options, &error) == nullptr && error == ENXIO);
}

// Two workers write while the file is renamed and opened again, over and over.
void rotation_loses_no_line() {
  std::string path = g_folder + "/rotated.log";
  AccessLog* log = start(path);
  constexpr int kLines = 20000;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 2; worker++) {
    workers.emplace_back([log, worker] {
      std::string rest = std::string(60, 'x') + '\n';
      for (int i = 0; i < kLines; i++) {
        put(*log, worker, std::to_string(worker) + ' ' + std::to_string(i) + ' ' + rest);
        if (i % 1000 == 0) usleep(500);
      }
    });
  }
  int files = 0;
  for (; files < 8; files++) {
    std::string old = path + '.' + std::to_string(files);
    CHECK(rename(path.c_str(), old.c_str()) == 0);
    uint32_t before = log->stats().generation;
    CHECK(log->reopen() == 0);
    while (log->stats().generation == before) usleep(200);
  }
  for (std::thread& worker : workers) worker.join();
  AccessLogStats stats = end_of(log);
  CHECK(stats.dropped == 0 && stats.lines == 2 * kLines);
  int next[2] = {0, 0};
  for (int i = 0; i <= files; i++) {
    std::ifstream file(i == files ? path : path + '.' + std::to_string(i));
    std::string line;
    while (std::getline(file, line)) {
      int worker = line[0] - '0';
      CHECK(std::stoi(line.substr(2)) == next[worker]++);
      CHECK(line.size() > 60 && line.substr(line.size() - 60) == std::string(60, 'x'));
    }
  }
  CHECK(next[0] == kLines && next[1] == kLines);
}

void a_full_disk_costs_lines_and_nothing_else() {
  AccessLog* log = start("/dev/full");
  put(*log, 0, "one\n");
  while (log->stats().failure == 0) usleep(1000);
  CHECK(log->stats().failure == ENOSPC && log->stats().dropped == 0);
  std::string line(LogRing::kBytes / 4, 'x');
  line += '\n';
  for (int i = 0; i < 6; i++) put(*log, 0, line);
  AccessLogStats stats = end_of(log);
  CHECK(stats.lines == 4 && stats.dropped == 7);  // three never fitted, four waited in vain
}

// A pipe that nobody reads for a while: nothing is lost, and lines stay whole.
void a_pipe_is_waited_for() {
  std::string path = g_folder + "/fifo";
  CHECK(mkfifo(path.c_str(), 0600) == 0);
  int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  CHECK(reader >= 0);
  AccessLog* log = start(path);
  std::string expected;
  for (int i = 0; i < 3000; i++) {
    std::string line = std::to_string(i) + std::string(90, '.') + '\n';
    put(*log, 0, line);
    expected += line;
  }
  std::string text;
  char bytes[3000];
  log->end();
  while (text.size() < expected.size()) {
    ssize_t count = read(reader, bytes, sizeof bytes);
    if (count > 0) text.append(bytes, static_cast<size_t>(count));
  }
  CHECK(text == expected);
  close(reader);
  CHECK(end_of(log).dropped == 0);
}

}  // namespace

int main() {
  std::error_code failed;
  g_folder = millrace::test::own_path("log");
  std::filesystem::remove_all(g_folder, failed);  // of a process that had this number before
  CHECK(std::filesystem::create_directory(g_folder, failed));
  what_was_put_is_written_at_the_end();
  what_comes_after_the_end_is_written_by_the_last_reference();
  a_file_that_cannot_be_opened_is_refused();
  rotation_loses_no_line();
  a_full_disk_costs_lines_and_nothing_else();
  a_pipe_is_waited_for();
  std::filesystem::remove_all(g_folder, failed);
  return 0;
}
