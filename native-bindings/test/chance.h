// Chance that comes out the same each time: runs of a stress test differ by the scheduling alone.
#pragma once

#include <cstdint>

namespace millrace::test {

// xorshift; the first state must not be 0.
struct Chance {
  uint32_t state;
  uint32_t below(uint32_t bound) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % bound;
  }
};

}  // namespace millrace::test
