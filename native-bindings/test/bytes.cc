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

}  // namespace

int main() {
  grows_and_keeps_what_it_has();
  takes_more_than_twice_its_size_at_once();
  drops_from_the_front();
  appending_nothing_allocates_nothing();
}
