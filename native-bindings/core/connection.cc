#include "connection.h"

#include <sys/socket.h>

#include "layout.h"
#include "transport.h"

namespace millrace {

namespace {

// False: nothing was announced, the socket's own ends hold.
bool read_announced(const AnnouncedAddresses* announced, bool is_remote, PeerAddress& into) {
  if (announced == nullptr || announced->family == PeerAddress::kUnknown) return false;
  if (announced->family == PeerAddress::kUnix) {
    sockaddr_storage storage{};
    storage.ss_family = AF_UNIX;
    into.set(storage);
    return true;
  }
  into.set(announced->family, is_remote ? announced->remote : announced->local,
           is_remote ? announced->remote_port : announced->local_port);
  into.unmap();
  return true;
}

}  // namespace

void Connection::read_peer(PeerAddress& peer) const {
  if (!read_announced(announced, true, peer)) Transport::read_peer(fd, peer);
}

void Connection::read_local(PeerAddress& local) const {
  if (!read_announced(announced, false, local)) Transport::read_local(fd, local);
}

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
