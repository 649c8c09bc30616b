// Hot request targets by number: a repeated path costs neither a string nor a match in JavaScript,
// which keeps per id the path and the route it resolved to.
//
// Four-way associative on a 64-bit hash, bounded; the bytes are compared, so a collision is only a
// miss. An id that is given to another path gets a new version, and JavaScript compares it. When
// routes change every id gets one (`new_epoch`): what was resolved before is never met again.
//
// A listener may have a table of routes of its own, so the number of that table is part of the key.
// It shares a word with the path's length: servers with one table pay nothing for it.
//
// Thread: the worker's.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "layout.h"

namespace millrace {

// One line of the cache, a short path included: of many targets each line on the way is a miss.
struct alignas(64) InternEntry {
  static constexpr uint32_t kInlineBytes = 32;

  uint32_t key = 0;  // the path's length, and above it the table of routes
  uint32_t hash = 0;
  int32_t id = -1;  // -1: never used
  int32_t version = 0;
  int32_t constant = -1;   // index of a prebuilt response, or -1
  char* longer = nullptr;  // of a path that is not in `bytes`; owned by the table
  char bytes[kInlineBytes];

  const char* path() const { return (key & 0xffff) <= kInlineBytes ? bytes : longer; }
};

static_assert(sizeof(InternEntry) == 64, "an entry is one line of the cache");

class InternTable {
 public:
  static constexpr uint32_t kEntries = TARGET_MAX;
  static constexpr uint32_t kPathBytesMax = 512;  // longer paths are not worth keeping

  InternTable();
  ~InternTable();
  InternTable(const InternTable&) = delete;
  InternTable& operator=(const InternTable&) = delete;

  // The id of a path in a table of routes below 2^16, or -1 when it is not kept.
  int32_t find_or_add(const char* path, uint32_t length, uint32_t routes);
  // It is going to be asked for, if nothing of it changes: brings its place into the cache.
  void prefetch(const char* path, uint32_t length, uint32_t routes) const;
  // No id that was given out keeps its version or its constant.
  void new_epoch();
  // Of ids that were given out: those below.
  int32_t count() const { return used_; }
  InternEntry& at(int32_t id) { return entries_[places_[id]]; }

 private:
  static void put(InternEntry& entry, const char* path, uint32_t length);

  InternEntry* entries_;
  // By id. Ids are given out from 0 on, so that what JavaScript keeps by them lies close together.
  uint16_t* places_;
  int32_t used_ = 0;
};

}  // namespace millrace
