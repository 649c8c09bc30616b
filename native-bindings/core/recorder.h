// What is kept of a request from its head until the last byte of its answer has been handed to
// the kernel or its connection has gone: for the access log, and for JavaScript where it asks to be
// told. An engine without either has a recorder that is off, and calls none of this.
//
// Only a connection with a Recording may be given to the calls behind `adopted`. Places in the
// output are counts of bytes since the connection began. Thread: the engine's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access-log.h"
#include "connection.h"
#include "trace-context.h"

namespace millrace {

// What JavaScript is told, as KIND_REFUSED and KIND_DONE of layout.h.
struct RecordEvent {
  int32_t kind;
  uint32_t slot;
  uint32_t generation;
  uint32_t sequence;
  int32_t flags;  // DONE_…
  uint16_t status;
  uint16_t listener;
  uint64_t bytes;
  uint64_t duration_ns;
  PeerAddress peer;
  const char* reason;  // of a refusal; static text
};

class Recorder {
 public:
  ~Recorder();
  // `log` may be null, and is the server's; `tells`: JavaScript wants events.
  void start(AccessLog* log, LogRing* ring, bool tells);
  // JavaScript wants events from now on: of connections that come, and of those that are recorded.
  void tell() { tells_ = is_on_ = true; }
  bool is_on() const { return is_on_; }
  // How requests are called, as src/worker/request-identity.ts has it: by the field of their
  // listener's proxy, in lower case, or by this prefix and what tells them apart.
  void name_requests(std::string prefix, std::vector<std::string> headers);

  // The clock of what follows: once per round of reads, since reading it per request costs 20 ns.
  void begin_round();
  // …and of the answers that leave from here on.
  void begin_replies() { done_ns_ = 0; }

  // Gives the connection a recording if anybody wants one of its listener.
  void adopted(Connection& connection);
  void head(Connection& connection, const Parser& parser);
  // JavaScript is given the request of the newest record.
  void given(Connection& connection) { connection.recording->last->is_given = true; }
  // It is not given: the core answers it, and no hook hears of it.
  void answered_natively(Connection& connection) { connection.recording->last->is_told = false; }
  // A request that the core refuses, with what has come of its first line.
  void refused(Connection& connection, uint16_t status, const char* reason, const char* from,
               size_t length);
  // The final answer begins; its body lies from `body_at` on.
  void answer(Connection& connection, int status, uint64_t body_at);
  // It is complete and ends there.
  void end(Connection& connection, uint64_t at);
  // Tells of the answers that have left.
  void sent(Connection& connection);
  // The connection has gone: what has not left is cut.
  void closed(Connection& connection);
  // Another worker goes on with the connection, and starts anew with its requests.
  void forget(Connection& connection);
  // The lines so far may be written.
  void publish();

  std::vector<RecordEvent> events;  // for JavaScript; the engine takes them from the front

 private:
  RequestRecord* add(Connection& connection);
  std::string_view request_id(const Connection& connection, const Parser& parser);
  std::string_view traceparent(const Connection& connection, std::string_view given);
  void finish(Connection& connection, RequestRecord& record, bool aborted);
  void write_line(const RequestRecord& record, const LogResult& result);
  void drop_first(Connection& connection);
  void tell(const Connection& connection, const RequestRecord& record, int32_t kind);
  bool is_logged(const Connection& connection) const {
    return ring_ != nullptr && log_->options().is_logged[connection.listener];
  }

  AccessLog* log_ = nullptr;
  LogRing* ring_ = nullptr;
  std::vector<RequestRecord*> free_;
  LogTime time_;
  std::string id_prefix_;
  std::vector<std::string> id_headers_;  // by listener; empty: no field is believed
  uint64_t trace_seed_ = 0;              // the same prefix
  char id_[128];                         // of the request whose line is being made
  char traceparent_[kTraceparentLength];  // …its other name
  uint64_t round_ns_ = 0;
  uint64_t done_ns_ = 0;  // 0: read when needed
  bool tells_ = false;
  bool is_on_ = false;
};

}  // namespace millrace
