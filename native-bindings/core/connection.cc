#include "connection.h"

#include "layout.h"

namespace millrace {

ConnectionTable::~ConnectionTable() {
  for (Connection* chunk : chunks_) delete[] chunk;
}

Connection* ConnectionTable::add(int fd) {
  uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else {
    if (size_ == static_cast<uint32_t>(SLOT_MAX)) return nullptr;
    slot = size_++;
    if (slot % kChunk == 0) {
      chunks_.push_back(new Connection[kChunk]);
      deadlines.resize(deadlines.size() + kChunk, 0);
    }
  }
  Connection& connection = *at(slot);
  uint32_t generation = connection.generation + 1;
  connection = Connection{};
  connection.fd = fd;
  connection.slot = slot;
  connection.generation = generation;
  connection.stage = Stage::kOpen;
  return &connection;
}

void ConnectionTable::free(Connection& connection) {
  connection.stage = Stage::kFree;
  deadlines[connection.slot] = 0;
  free_.push_back(connection.slot);
}

}  // namespace millrace
