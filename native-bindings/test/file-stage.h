// What the tests of files share: an engine with an app that answers with files, and files to send.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "core/open-file.h"
#include "engine-stage.h"
#include "paths.h"
#include "peer.h"

namespace millrace::test {

inline constexpr std::string_view kGet = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n";

struct Asked {
  int32_t slot;
  int32_t generation;
  int32_t flags;
};

// What stands for JavaScript: keeps who asks, and answers when the test says so.
struct FileApp {
  Engine* engine = nullptr;
  char* slab = nullptr;
  std::vector<Asked> asked;
  int writable = 0;
  int closed = 0;

  void batch() {
    int32_t* control = engine->blocks().control;
    for (int32_t i = 0; i < control[CTL_EVENT_COUNT]; i++) {
      control[CTL_EVENT_CURSOR] = i + 1;
      const int32_t* event = engine->blocks().events + i * EVENT_WORDS;
      writable += event[EVENT_KIND] == KIND_WRITABLE;
      if (event[EVENT_KIND] == KIND_CLOSED && event[EVENT_FLAGS] != CLOSED_END) {
        closed = event[EVENT_FLAGS];
      }
      if (event[EVENT_KIND] != KIND_REQUEST) continue;
      asked.push_back({event[EVENT_SLOT], event[EVENT_GENERATION], event[EVENT_FLAGS]});
    }
    if (control[CTL_SLAB_NEEDED] == 2) engine->use_slab(slab);
  }

  void head(const Asked& to, uint64_t length) {
    int32_t* reply = add_reply(*engine, KIND_HEAD, to.slot, to.generation);
    reply[REPLY_FLAGS] = to.flags | REPLY_LENGTH;
    reply[REPLY_STATUS] = 200;
    put_number(reply + REPLY_LENGTH_F64, length);
  }

  void file(const Asked& to, OpenFile& file, uint64_t offset, uint64_t length) {
    int32_t* reply = add_reply(*engine, KIND_FILE, to.slot, to.generation);
    put_number(reply + REPLY_OFFSET_F64, offset);
    put_number(reply + REPLY_LENGTH_F64, length);
    engine->flush_file(file);
  }

  void text(const Asked& to, std::string_view bytes, int32_t flags = 0) {
    std::memcpy(engine->blocks().arena, bytes.data(), bytes.size());
    int32_t* reply = add_reply(*engine, KIND_CHUNK, to.slot, to.generation);
    reply[REPLY_FLAGS] = flags;
    reply[REPLY_BODY_LENGTH] = static_cast<int32_t>(bytes.size());
    engine->flush();
  }

  void end(const Asked& to) {
    add_reply(*engine, KIND_END, to.slot, to.generation);
    engine->flush();
  }

  int32_t unsent(const Asked& to) const {
    return engine->blocks().slots[to.slot * SLOT_WORDS + SLOT_UNSENT];
  }

 private:
  static void put_number(int32_t* words, uint64_t value) {
    double number = static_cast<double>(value);
    std::memcpy(words, &number, sizeof number);
  }
};

// A file of so many bytes, of which each says where it lies; removed with this.
struct TestFile {
  std::string path;
  std::string text;
  OpenFile* file = nullptr;
  static inline int next = 0;

  explicit TestFile(size_t length) : path(own_path("file")) {
    path += "-" + std::to_string(next++);
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    text.resize(length);
    for (size_t i = 0; i < length; i++) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
    CHECK(::write(fd, text.data(), length) == static_cast<ssize_t>(length));
    ::close(fd);
    int error = 0;
    file = OpenFile::open(path.c_str(), "", error);
    CHECK(file != nullptr && file->size() == length);
  }
  void truncate(size_t length) { CHECK(::truncate(path.c_str(), static_cast<off_t>(length)) == 0); }
  ~TestFile() {
    if (file != nullptr) {
      file->close();
      file->release();
    }
    ::unlink(path.c_str());
  }
};

struct FileStage : EngineStage<FileApp> {
  explicit FileStage(const ListenerOptions& options = {}) : EngineStage(options) {}

  int peer() {
    int fd = connect_to(*server);
    send_all(fd, kGet);
    engine.run();
    CHECK(!app.asked.empty());
    return fd;
  }
  // Answers with all of the file, as far as the peer takes it at once.
  void answer(const Asked& to, const TestFile& file) {
    app.head(to, file.text.size());
    app.file(to, *file.file, 0, file.text.size());
  }
  // What comes while the engine has its turns, until `length` bytes are there or no more come.
  std::string take(int fd, size_t length) {
    std::string got;
    for (int idle = 0; got.size() < length && idle < 1000; idle++) {
      std::string more = received(fd);
      if (!more.empty()) idle = 0;
      got += more;
      engine.run();
    }
    return got;
  }
};

inline std::string body_of(const std::string& answer) {
  size_t end = answer.find("\r\n\r\n");
  return end == answer.npos ? "" : answer.substr(end + 4);
}

}  // namespace millrace::test
