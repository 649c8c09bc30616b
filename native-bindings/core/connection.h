// A connection and the table of them. A slot is a small number that JavaScript uses as an index;
// its generation tells the connections that have used it apart.
//
// Thread: the worker's. Nothing here is freed inside a callback: a closed connection keeps its
// slot until the turn has ended and JavaScript has been told.
#pragma once

#include <cstdint>
#include <vector>

#include "bytes.h"
#include "open-file.h"
#include "parser.h"
#include "proxy-protocol.h"
#include "request-record.h"

namespace millrace {

struct ListenerOptions;

enum class Stage : uint8_t {
  kFree,
  kAnnouncing,  // its PROXY header is not complete
  kOpen,
  kUpgraded,  // has switched protocols: bytes for JavaScript, and from it
  kLingering,  // FIN sent; what still comes is read and dropped until the peer's FIN
  kClosed,     // descriptor closed; the slot waits for the end of the turn
};

// One of them runs at a time. The handler's is not among them: it runs beside any of these.
enum class Clock : uint8_t { kNone, kIdle, kHead, kBody, kWrite, kLinger };

// What has moved on a connection, for the clocks that start anew with it.
enum class Progress : uint8_t { kNone, kReceived, kSent };

// The answer being written in pieces: none, one whose pieces are sent, one without a body.
enum class Answer : uint8_t { kNone, kOpen, kMuted };

// What is still to come for the peer of a connection that has switched protocols: more, FIN behind
// what waits, the same and a lingering close, nothing.
enum class Sending : uint8_t { kOpen, kEnds, kCloses, kEnded };

// Clocks that handlers have set for their requests, in place of the listener's. 0: not set.
struct OwnClocks {
  uint32_t body_sequence = 0;  // the request whose body it is
  uint32_t body_ms = 0;
  uint32_t write_sequence = 0;  // the one whose answer it is
  uint32_t write_ms = 0;
};

struct Connection {
  int fd = -1;
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint32_t sequence = 0;    // of the next request
  uint32_t unanswered = 0;  // requests given to JavaScript whose answers are not complete
  uint32_t unseen_batch = 0;  // the batch that has its newest request
  uint32_t body_batch = 0;  // the batch that has the request whose body is being read
  uint32_t region_end = 0;  // where this turn's input ends in the slab
  uint64_t id = 0;
  uint64_t address = 0;       // the peer's, as in AddressTable; 0: nobody asks
  uint64_t body_left = 0;     // of the request being read, when its length was declared
  uint64_t answer_left = 0;   // of the answer being written, when its length was announced
  uint64_t sent = 0;          // bytes handed to the kernel
  Recording* recording = nullptr;  // where a log or a hook asks for it; the recorder's
  uint32_t bulk_tick = 0;     // when its long body was read last
  uint32_t bulk_bytes = 0;    // …and what has come of it in that tick
  uint32_t body_dropped = 0;  // bytes of a body nobody reads any more
  uint32_t unacknowledged = 0;  // in the kernel, when the write clock was set
  uint32_t idle_sequence = 0;   // `sequence` when the idle clock was set
  uint16_t listener = 0;
  bool has_own_clocks = false;  // in the engine's table of them
  bool handler_timed = false;  // the clock of its oldest request's handler has been set
  Failure failure;           // a refusal that waits behind earlier answers
  ListenerOptions* options = nullptr;  // the engine's; set until the slot is freed
  // Of a PROXY header that has been read; null: there was none. Deleted with the connection.
  AnnouncedAddresses* announced = nullptr;
  Parser* parser = nullptr;  // only while a message is being read; back to the engine's store
  Bytes input;               // an unfinished head, or what lies behind a held message
  Bytes output;              // what the socket did not take
  FileSend* file = nullptr;  // behind it, the file that is on its way out; owned
  Stage stage = Stage::kFree;
  Clock clock = Clock::kNone;
  Answer answer = Answer::kNone;
  Sending sending = Sending::kOpen;
  uint8_t closed_reason = 0;  // CLOSED_… of layout.h
  bool registered = false;
  bool reads_armed = false;
  bool writes_armed = false;
  bool body_open = false;       // a request's body is still coming
  bool body_paused = false;     // its reader wants no more for now
  bool body_discarded = false;  // its request has been answered: read and dropped
  bool waits_for_bulk = false;  // the kernel wakes us for much of its body only: in `bulk_`
  bool read_ended = false;      // the peer has sent FIN, and all before it was read
  bool end_noticed = false;     // the peer has sent FIN; what lies before it may be unread
  bool until_close = false;     // its answer ends with the connection: only a reset shows a cut
  bool input_done = false;      // nothing more is parsed: close, error or FIN
  bool held = false;            // a message waits in `input` for earlier answers
  bool awaits_switch = false;   // …or all there is: its newest request may switch protocols
  bool upgraded = false;        // has switched protocols, for good
  bool unsafe_pending = false;  // the unanswered request is not safe: nothing runs beside it
  bool failure_muted = false;   // …of HEAD: its answer has no body
  bool close_after = false;     // close when the answers in hand have left
  bool linger_close = false;    // …and not at once: the peer may still be sending
  bool wants_writable = false;  // JavaScript waits for the output to drain
  bool awaits_continue = false;  // the client waits for 100 before it sends its body
  bool wants_continue = false;   // its handler wants the body
  bool notify_writable = false;
  bool notify_end = false;
  bool notify_closed = false;
  bool notify_timeout = false;
  bool notify_queued = false;
  bool resume_queued = false;

  bool has_unsent() const { return output.length > 0 || file != nullptr; }

  // Whose connection it is, and where it was made to: as announced, else as the socket has it. The
  // family stays unknown when the socket has gone already.
  void read_peer(PeerAddress& peer) const;
  void read_local(PeerAddress& local) const;
};

class ConnectionTable {
 public:
  ~ConnectionTable();
  // Null when all slots are taken.
  Connection* add(int fd);
  void free(Connection& connection);
  Connection* at(uint32_t slot) {
    if (slot >= size_) return nullptr;
    return &chunks_[slot / kChunk][slot % kChunk];
  }
  uint32_t size() const { return size_; }  // slots ever used

  std::vector<uint32_t> deadlines;  // by slot, in ticks; 0: none. Dense, for the scan
  // Of handlers, in the same way; empty until there is one. Who has set none must not look.
  std::vector<uint32_t> handler_deadlines;

 private:
  static constexpr uint32_t kChunk = 256;
  std::vector<Connection*> chunks_;  // stable addresses
  std::vector<uint32_t> free_;
  uint32_t size_ = 0;
};

}  // namespace millrace
