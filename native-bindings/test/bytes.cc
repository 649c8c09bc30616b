// Bytes: growth, dropping from the front, nothing read behind the source.
#include "core/bytes.h"

#include <string>

#include "check.h"

using millrace::Bytes;
using millrace::test::Guarded;

namespace {

std::string_view view_of(const Bytes& bytes) { return {bytes.data, bytes.length}; }

void grows_and_keeps_what_it_has() {
  Bytes bytes;
  std::string expected;
  for (int i = 0; i < 3000; i++) {
    Guarded piece(std::string(static_cast<size_t>(i % 7), static_cast<char>('a' + i % 26)));
    bytes.append(piece.data(), piece.size());
    expected += piece.view();
  }
  CHECK(view_of(bytes) == expected);
  CHECK(bytes.capacity >= bytes.length);
  bytes.release();
  CHECK(bytes.data == nullptr && bytes.length == 0 && bytes.capacity == 0);
}

void takes_more_than_twice_its_size_at_once() {
  Bytes bytes;
  bytes.append("ab", 2);
  Guarded large(std::string(100000, 'x'));
  bytes.append(large.data(), large.size());
  CHECK(bytes.length == 100002 && bytes.data[1] == 'b' && bytes.data[100001] == 'x');
  bytes.release();
}

void drops_from_the_front() {
  Bytes bytes;
  bytes.append("0123456789", 10);
  bytes.drop_front(4);
  CHECK(view_of(bytes) == "456789");
  bytes.drop_front(6);
  CHECK(bytes.length == 0);
  bytes.append("again", 5);
  CHECK(view_of(bytes) == "again");
  bytes.release();
}

void appending_nothing_allocates_nothing() {
  Bytes bytes;
  bytes.append(nullptr, 0);
  CHECK(bytes.data == nullptr);
}

void a_total_has_what_it_is_told_to_count() {
  uint64_t one = 0;
  uint64_t other = 0;
  Bytes bytes;
  bytes.append("abc", 3);
  bytes.count_in(&one);
  CHECK(one == bytes.capacity);
  Guarded large(std::string(5000, 'x'));
  bytes.append(large.data(), large.size());
  CHECK(one == bytes.capacity && one >= 5003);
  bytes.drop_front(4000);
  CHECK(one == bytes.capacity);
  bytes.count_in(nullptr);
  CHECK(one == 0);
  Bytes given = bytes;
  given.count_in(&other);
  CHECK(other == given.capacity);
  given.release();
  CHECK(other == 0 && given.total == &other);
  given.release();
  given.append("again", 5);
  CHECK(other == given.capacity);
  given.release();
}

}  // namespace

int main() {
  grows_and_keeps_what_it_has();
  takes_more_than_twice_its_size_at_once();
  drops_from_the_front();
  appending_nothing_allocates_nothing();
  a_total_has_what_it_is_told_to_count();
}
