#include "intern.h"

#include <ctime>

namespace millrace {

namespace {

constexpr uint32_t kWays = 4;
constexpr uint32_t kEntries = InternTable::kEntries;

uint32_t load_u32(const char* at) {
  uint32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

// Fewer than eight bytes as one word. Loads that overlap: filling a word byte by byte and reading
// it back at once stalls the processor, which cost a sixth of a lookup.
uint64_t tail_of(const char* at, uint32_t length) {
  if (length >= 4) {
    return static_cast<uint64_t>(load_u32(at)) << 32 | load_u32(at + length - 4);
  }
  if (length == 0) return 0;
  auto byte = [at](uint32_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(at[i])); };
  return byte(0) << 16 | byte(length / 2) << 8 | byte(length - 1);
}

// Eight bytes at a time, multiply and fold. The seed keeps an outsider from choosing collisions;
// a collision costs one more match in JavaScript and nothing else.
uint64_t hash_of(const char* path, uint32_t length, uint32_t key, uint64_t seed) {
  uint64_t hash = seed ^ (key * 0x9e3779b97f4a7c15ull);
  while (length >= 8) {
    uint64_t word;
    std::memcpy(&word, path, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 32;
    path += 8;
    length -= 8;
  }
  hash = (hash ^ tail_of(path, length)) * 0xc4ceb9fe1a85ec53ull;
  return hash ^ (hash >> 29);
}

uint64_t process_seed() {
  static const uint64_t seed = [] {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_nsec) * 0x2545f4914f6cdd1dull ^
           reinterpret_cast<uintptr_t>(&now);
  }();
  return seed;
}

// What a path goes by in its table of routes, and where its set begins.
struct Lookup {
  Lookup(const char* path, uint32_t length, uint32_t routes) : key(length | routes << 16) {
    uint64_t wide = hash_of(path, length, key, process_seed());
    hash = static_cast<uint32_t>(wide >> 32);
    first = static_cast<uint32_t>(wide) & (kEntries - 1) & ~(kWays - 1);
  }

  uint32_t key;
  uint32_t hash;
  uint32_t first;
};

}  // namespace

InternTable::InternTable()
    : entries_(new InternEntry[kEntries]), places_(new uint16_t[kEntries]()) {
  static_assert(kEntries <= 1u << 16, "a place takes 16 bits");
}

InternTable::~InternTable() {
  for (uint32_t i = 0; i < kEntries; i++) std::free(entries_[i].longer);
  delete[] entries_;
  delete[] places_;
}

void InternTable::put(InternEntry& entry, const char* path, uint32_t length) {
  if (length <= InternEntry::kInlineBytes) {
    std::memcpy(entry.bytes, path, length);
    return;
  }
  entry.longer = static_cast<char*>(std::realloc(entry.longer, length));
  std::memcpy(entry.longer, path, length);
}

int32_t InternTable::find_or_add(const char* path, uint32_t length, uint32_t routes) {
  static_assert(kPathBytesMax < 1u << 16, "a length leaves the upper half of a key alone");
  if (length > kPathBytesMax) return -1;
  auto [key, hash, first] = Lookup(path, length, routes);
  uint32_t victim = first + (hash & (kWays - 1));
  for (uint32_t i = first; i < first + kWays; i++) {
    InternEntry& entry = entries_[i];
    if (entry.id < 0) {
      victim = i;
      break;
    }
    if (entry.hash == hash && entry.key == key &&
        std::memcmp(entry.path(), path, length) == 0) {
      return entry.id;
    }
  }
  InternEntry& entry = entries_[victim];
  if (entry.id < 0) {
    places_[used_] = static_cast<uint16_t>(victim);
    entry.id = used_++;
  }
  put(entry, path, length);
  entry.key = key;
  entry.hash = hash;
  entry.version++;
  entry.constant = -1;
  return entry.id;
}

void InternTable::prefetch(const char* path, uint32_t length, uint32_t routes) const {
  if (length > kPathBytesMax) return;
  __builtin_prefetch(&entries_[Lookup(path, length, routes).first]);
}

void InternTable::new_epoch() {
  for (uint32_t i = 0; i < kEntries; i++) {
    entries_[i].version++;
    entries_[i].constant = -1;
  }
}

}  // namespace millrace
