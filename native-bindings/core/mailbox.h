// How a connection changes threads: the acceptor, or a worker that gives a connection away, puts
// it into the mailbox of another thread.
//
// Invariants: a descriptor in a mailbox belongs to the mailbox. `push` fails once it is closed,
// and the pusher stays owner. The reader is woken once per change from empty to not empty, by an
// eventfd in its private poll set; being edge-triggered, that is cleared before the drain.
//
// The memory is the process's, not an environment's: threads outlive environments and the pusher
// may come after the reader has gone.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "bytes.h"
#include "proxy-protocol.h"

namespace millrace {

// A connection between two owners.
struct Handover {
  int fd = -1;
  uint16_t listener = 0;
  uint64_t id = 0;
  uint64_t address = 0;  // the peer's, as in AddressTable; 0: nobody asks
  uint32_t waited_ms = 0;  // how long its idle or head clock has run: it goes on from there
  Bytes input;  // read but not answered; whoever adopts or closes the connection frees it
  // Of its PROXY header, if that has been read: likewise.
  AnnouncedAddresses* announced = nullptr;
};

class Mailbox {
 public:
  enum class Push : uint8_t { kClosed, kQueued, kWakeNeeded };

  bool open();  // the reader, before anyone may push
  // Any thread. kWakeNeeded: the caller must call `wake`, now or at the end of its batch.
  Push push(const Handover& item);
  void wake();
  // The reader: adds all that is there to what it has. The mailbox is empty afterwards, always:
  // an item left in it would keep the next push from asking for a wake.
  void drain(std::vector<Handover>& into);
  // The reader: refuses further items and hands over what is left.
  void close(std::vector<Handover>& left);
  bool is_open();
  int wake_fd() const { return wake_fd_; }

 private:
  std::mutex lock_;  // guards items_, is_open_ and wake_fd_ against a close under a wake
  std::vector<Handover> items_;
  bool is_open_ = false;
  int wake_fd_ = -1;
};

}  // namespace millrace
