// The ring of lines: whole lines in order across its end, none lost but those it counts, one
// wake-up when the writer sleeps.
#include "core/log-ring.h"

#include <memory>
#include <string>
#include <thread>

#include "check.h"

using millrace::LogRing;
using millrace::LogSignal;

namespace {

bool write(LogRing& ring, std::string_view line) {
  if (!ring.reserve(line.size())) return false;
  size_t half = line.size() / 2;
  ring.put(line.data(), half);
  ring.put(line.data() + half, line.size() - half);
  return true;
}

std::string take(LogRing& ring, size_t capacity) {
  std::string text(capacity, 0);
  text.resize(ring.peek(text.data(), capacity));
  ring.consume(text.size());
  return text;
}

void lines_are_seen_once_they_are_published() {
  LogRing ring;
  CHECK(ring.is_open() && ring.is_empty());
  CHECK(write(ring, "one\n") && ring.has_unpublished() && ring.is_empty());
  ring.publish();
  CHECK(!ring.is_empty() && !ring.has_unpublished());
  CHECK(take(ring, 100) == "one\n" && ring.is_empty());
}

void only_whole_lines_are_taken() {
  LogRing ring;
  CHECK(write(ring, "one\n") && write(ring, "two\n"));
  ring.publish();
  CHECK(take(ring, 3).empty());
  CHECK(take(ring, 7) == "one\n");
  CHECK(take(ring, 7) == "two\n");
}

void a_full_ring_drops_and_counts() {
  LogRing ring;
  std::string line(LogRing::kBytes / 4 - 1, 'x');
  line += '\n';
  for (int i = 0; i < 4; i++) CHECK(write(ring, line));
  CHECK(!write(ring, "y\n") && ring.dropped == 1 && ring.lines == 4);
  ring.publish();
  CHECK(ring.is_half_full());
  CHECK(take(ring, line.size()) == line);
  CHECK(write(ring, "y\n") && ring.dropped == 1);
  ring.publish();
  for (int i = 0; i < 3; i++) CHECK(take(ring, line.size()) == line);
  CHECK(!ring.is_half_full());
  CHECK(take(ring, 10) == "y\n");
}

// A producer and a consumer at full speed: every line comes, in order and whole.
void lines_cross_threads() {
  auto ring = std::make_unique<LogRing>();
  LogSignal signal;
  CHECK(signal.open());
  constexpr int kLines = 100000;
  std::thread producer([&] {
    for (int i = 0; i < kLines;) {
      std::string line = std::to_string(i) + std::string(static_cast<size_t>(i % 37), '.') + '\n';
      if (write(*ring, line)) i++;
      if (i % 7 == 0 || ring->has_unpublished()) {
        ring->publish();
        signal.published(*ring);
      }
    }
  });
  int expected = 0;
  std::string text;
  while (expected < kLines) {
    text = take(*ring, 64 * 1024);
    for (size_t at = 0; at < text.size(); expected++) {
      size_t end = text.find('\n', at);
      std::string line =
          std::to_string(expected) + std::string(static_cast<size_t>(expected % 37), '.');
      CHECK(text.substr(at, end - at) == line);
      at = end + 1;
    }
    if (!text.empty()) continue;
    signal.set(LogSignal::kAsleep);
    if (ring->is_empty() && expected < kLines) signal.wait(LogSignal::kAsleep, -1);
    signal.set(LogSignal::kBusy);
  }
  producer.join();
  CHECK(ring->lines == static_cast<uint64_t>(kLines));
}

void a_writer_that_gathers_is_woken_by_a_half_full_ring() {
  LogRing ring;
  LogSignal signal;
  CHECK(signal.open());
  std::string line(LogRing::kBytes / 3, 'x');
  line += '\n';
  signal.set(LogSignal::kGathering);
  CHECK(write(ring, line));
  ring.publish();
  signal.published(ring);
  CHECK(write(ring, line));
  ring.publish();
  signal.published(ring);
  // Woken once: a wait that were not would never return.
  signal.wait(LogSignal::kBusy, -1);
}

}  // namespace

int main() {
  lines_are_seen_once_they_are_published();
  only_whole_lines_are_taken();
  a_full_ring_drops_and_counts();
  lines_cross_threads();
  a_writer_that_gathers_is_woken_by_a_half_full_ring();
  return 0;
}
