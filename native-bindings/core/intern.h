// Hot request targets by number: a repeated path costs neither a string nor a match in JavaScript,
// which keeps per id the path and the route it resolved to.
//
// Four-way associative on a 64-bit hash, bounded; the bytes are compared, so a collision is only a
// miss. An id that is given to another path gets a new version, and JavaScript compares it.
//
// Thread: the worker's.
#pragma once

#include <cstdint>

#include "bytes.h"
#include "layout.h"

namespace millrace {

struct InternEntry {
  char* path = nullptr;  // owned by the table
  uint32_t length = 0;
  uint32_t hash = 0;
  int32_t version = 0;
  int32_t constant = -1;  // index of a prebuilt response, or -1
};

class InternTable {
 public:
  static constexpr uint32_t kEntries = TARGET_MAX;
  static constexpr uint32_t kPathBytesMax = 512;  // longer paths are not worth keeping

  InternTable();
  ~InternTable();
  InternTable(const InternTable&) = delete;
  InternTable& operator=(const InternTable&) = delete;

  // The id of a path, or -1 when it is not kept.
  int32_t find_or_add(const char* path, uint32_t length);
  InternEntry& at(int32_t id) { return entries_[id]; }

 private:
  InternEntry* entries_;
};

}  // namespace millrace
