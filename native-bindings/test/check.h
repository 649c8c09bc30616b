// What the native tests share: a check that ends the program, and bytes with a guard page right
// behind them, where one byte read or written too far is a crash.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace millrace::test {

[[noreturn]] inline void failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  std::_Exit(1);
}

#define CHECK(condition) \
  ((condition) ? (void)0 : millrace::test::failed(__FILE__, __LINE__, #condition))

// `size` writable bytes that end where an inaccessible page begins. Unmapped with the object.
class Guarded {
 public:
  static constexpr size_t kPage = 4096;

  explicit Guarded(size_t size) : size_(size), room_((size + kPage - 1) / kPage * kPage) {
    void* block = mmap(nullptr, room_ + kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(block != MAP_FAILED);
    base_ = static_cast<char*>(block);
    CHECK(mprotect(base_ + room_, kPage, PROT_NONE) == 0);
  }
  explicit Guarded(std::string_view text) : Guarded(text.size()) {
    std::memcpy(data(), text.data(), text.size());
  }
  ~Guarded() { munmap(base_, room_ + kPage); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  char* data() const { return base_ + room_ - size_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data(), size_}; }

 private:
  size_t size_;
  size_t room_;
  char* base_;
};

}  // namespace millrace::test
