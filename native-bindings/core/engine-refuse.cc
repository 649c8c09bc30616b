// Input that ends: refused, ended by the peer's FIN, or read only to be dropped.
#include <cstdio>

#include "engine.h"

namespace millrace {

namespace {

// Bytes of a refused request that the app's hook is shown.
constexpr uint32_t kShownMax = 256;

}  // namespace

// Input that is refused. Its answer queues behind those of earlier requests; a request whose body
// went wrong is JavaScript's to answer, its reader is told.
void Engine::refuse(Connection& connection, const Failure& failure) {
  if (connection.input_done) return;
  connection.input_done = true;
  connection.linger_close = true;
  if (connection.body_open) {
    connection.body_open = false;
    if (!connection.body_discarded) {
      put_body_end(connection, failure.status == 408 ? CLOSED_TIMEOUT : CLOSED_BAD_BODY, Bytes{});
      return;
    }
    connection.body_discarded = false;
    connection.close_after = true;
    return;
  }
  connection.failure = failure;
  if (connection.unanswered > 0) return;
  select_output(connection);
  write_failure(connection, failure);
}

// For the app's hook: who was refused, why, and how that began, as lines. They lie in the slab
// until the batch has run; a slab without room for them is about to be left, and nobody is told.
// This is no record of KIND_REFUSED: those follow the recorder, which knows no bytes, also tells of
// what was no fault of the client, and may have to wait for room until the slab is another one.
void Engine::report_refusal(Connection& connection, const Failure& failure, const char* from,
                            size_t length) {
  if (options_.reports_refusals) put_refusal(connection, failure, from, length);
}

// Status 0: it was closed without an answer, which the worker's log is told of and not the app.
void Engine::put_refusal(Connection& connection, const Failure& failure, const char* from,
                         size_t length) {
  PeerAddress address;
  connection.read_peer(address);
  char text[sizeof address.text + 16];
  int written = std::snprintf(text, sizeof text, "%d %s %u", static_cast<int>(address.family),
                              address.text, static_cast<unsigned>(address.port));
  uint32_t peer = written < 0 ? 0 : static_cast<uint32_t>(written);
  uint32_t reason = static_cast<uint32_t>(std::strlen(failure.reason));
  uint32_t shown = length < kShownMax ? static_cast<uint32_t>(length) : kShownMax;
  uint32_t total = peer + reason + shown + 2;
  if (!slab_.has_free(total)) return;
  int32_t* event = next_event(KIND_MALFORMED, connection);
  event[EVENT_LISTENER] = connection.listener;
  event[EVENT_FLAGS] = failure.status;
  event[EVENT_BODY_OFFSET] = static_cast<int32_t>(slab_.offset_of(slab_.bottom()));
  event[EVENT_BODY_LENGTH] = static_cast<int32_t>(total);
  slab_.put_bytes(text, peer);
  slab_.put_bytes("\n", 1);
  slab_.put_bytes(failure.reason, reason);
  slab_.put_bytes("\n", 1);
  if (shown > 0) slab_.put_bytes(from, shown);
}

// FIN from the peer: no more input, but the answers in hand are still written (half-close).
void Engine::peer_ended(Connection& connection) {
  connection.read_ended = true;
  if (connection.body_open && !connection.input_done) {
    refuse(connection, {400, "body cut short"});
  }
  connection.input_done = true;
  drop_parser(connection);
  connection.input.release();
  notice_end(connection);
  select_output(connection);
  flush_output();
  if (connection.stage == Stage::kOpen) {
    if (connection.registered) rewatch(connection, false, connection.writes_armed);
    settle(connection);
  }
}

// The peer has sent FIN. Who works on an answer for it is told; it may be read still, or gone.
void Engine::notice_end(Connection& connection) {
  if (connection.end_noticed) return;
  connection.end_noticed = true;
  slot_words(connection)[SLOT_FLAGS] |= SLOT_FLAG_ENDED;
  bool is_quiet = connection.unanswered == 0 && !connection.held;
  if (!is_quiet || connection.output.length > 0) Transport::probe_peer(connection.fd);
  if (connection.unanswered == 0) return;
  connection.notify_end = true;
  queue_notify(connection);
}

void Engine::read_lingering(Connection& connection) {
  IoStatus status = Transport::discard(connection.fd);
  if (status != IoStatus::kDone && status != IoStatus::kBlocked) destroy(connection, CLOSED_GONE);
}

}  // namespace millrace
