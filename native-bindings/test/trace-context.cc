// What of a traceparent is taken, each input with its last byte before a guard page; and that
// made-up ones are told apart. test/worker/trace-context.test.ts compares with JavaScript.
#include "core/trace-context.h"

#include <set>
#include <string>

#include "check.h"

using millrace::kTraceparentLength;
using millrace::make_traceparent;
using millrace::read_traceparent;
using millrace::test::Guarded;

namespace {

const std::string kIds = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

// Empty: it is not valid.
std::string read(const std::string& text) {
  Guarded bytes{std::string_view(text)};
  char out[kTraceparentLength];
  bool is_valid = read_traceparent({bytes.data(), text.size()}, out);
  return is_valid ? std::string(out, sizeof out) : "";
}

std::string make(uint64_t engine, uint32_t slot, uint32_t generation, uint32_t sequence) {
  char out[kTraceparentLength];
  make_traceparent({engine, slot, generation, sequence}, out);
  return std::string(out, sizeof out);
}

void valid_ones() {
  for (const char* flags : {"00", "01", "ff"}) {
    std::string text = "00-" + kIds + "-" + flags;
    CHECK(read(text) == text);
  }
  for (const char* rest : {"", "-", "-more"}) {
    CHECK(read("cc-" + kIds + "-ff" + rest) == "00-" + kIds + "-03");
  }
}

void invalid_ones() {
  std::string zeros32(32, '0');
  std::string zeros16(16, '0');
  std::string trace = kIds.substr(0, 32);
  for (const std::string& text :
       {std::string(), std::string("00"), "ff-" + kIds + "-01", "00-" + kIds + "-01-",
        "00-" + kIds + "-01-more", "cc-" + kIds + "-01more",
        "00-" + zeros32 + kIds.substr(32) + "-01", "00-" + zeros32 + "-" + zeros16 + "-01",
        "00-" + trace + "-" + zeros16 + "-01", "00-" + kIds + "-1", "00-" + kIds + "-0g",
        "0G-" + kIds + "-01", "00_" + kIds + "-01", "00-" + kIds + "_01", " 0-" + kIds + "-01"}) {
    CHECK(read(text).empty());
  }
}

void each_request_has_its_own() {
  std::set<std::string> seen;
  for (uint64_t engine : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    for (uint32_t slot : {0u, 1u, 32767u}) {
      for (uint32_t generation : {1u, 2u, ~0u}) {
        for (uint32_t sequence : {0u, 1u, ~0u}) {
          std::string made = make(engine, slot, generation, sequence);
          CHECK(made == make(engine, slot, generation, sequence));
          CHECK(read(made) == made && made.substr(52) == "-02");
          seen.insert(made.substr(3, 32));
        }
      }
    }
  }
  CHECK(seen.size() == 3 * 3 * 3 * 3);
}

}  // namespace

int main() {
  valid_ones();
  invalid_ones();
  each_request_has_its_own();
  return 0;
}
