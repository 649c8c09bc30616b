// Connections of listeners that require a PROXY header: what comes before their first request. Such
// a connection is kAnnouncing from its adoption until its header is complete; only then the parser
// sees anything of it, and until then nothing is written to it. Thread: the worker's.
#include "engine.h"

namespace millrace {

namespace {

constexpr const char* kUntrusted = "its peer is not one of trustedProxies";
constexpr const char* kMalformed = "malformed PROXY header";
constexpr const char* kCutShort = "its PROXY header was cut short";
constexpr const char* kLate = "no PROXY header in time";

// A flood of them must not become one of log lines: the counts are exact, the log is told of one
// in this time.
constexpr uint32_t kReportTicks = 1000 / Engine::kTickMs;

}  // namespace

void Engine::await_announcement(Connection& connection, uint32_t waited_ms) {
  connection.stage = Stage::kAnnouncing;
  PeerAddress peer;
  Transport::read_peer(connection.fd, peer);
  const ListenerOptions& options = *connection.options;
  if (!options.trusted_proxies.has(peer)) {
    drop_unannounced(connection, kUntrusted);
    return;
  }
  bool stops = is_stopping(connection.listener);
  set_clock(connection, Clock::kHead, stops ? options_.drain_quiet_ms : options.head_timeout_ms);
  shorten_clock(connection, waited_ms);
  if (!take_announcement(connection)) read_announcement(connection);
}

void Engine::read_announcement(Connection& connection) {
  char bytes[kProxyHeaderMax];
  IoResult result = Transport::receive(connection.fd, bytes, sizeof bytes);
  if (!note_received(connection, result)) return;
  connection.input.append(bytes, result.length);
  take_announcement(connection);
}

// Whoever only looks whether the port is open sends nothing.
void Engine::announcement_ended(Connection& connection) {
  if (connection.input.length > 0) drop_unannounced(connection, kCutShort);
  else destroy(connection, CLOSED_GONE);
}

// False: it is not complete, more must come. Else the connection is open, or has been closed.
bool Engine::take_announcement(Connection& connection) {
  AnnouncedAddresses announced;
  Bytes& input = connection.input;
  ProxyHeader header = parse_proxy_header(input.data, input.length, announced);
  if (header.result == ProxyResult::kMore) return false;
  if (header.result == ProxyResult::kMalformed) {
    drop_unannounced(connection, kMalformed);
    return true;
  }
  connection.announced = new AnnouncedAddresses(announced);
  if (connection.recording != nullptr) connection.read_peer(connection.recording->peer);
  input.drop_front(header.length);
  connection.stage = Stage::kOpen;
  update_clock(connection, Progress::kReceived);
  if (input.length == 0) {
    input.release();
    return true;
  }
  connection.held = true;
  resume(connection);
  return true;
}

// Before it is late, what lies in the socket is read: this thread may be what was late.
void Engine::announcement_due(Connection& connection) {
  if (has_headroom()) read_announcement(connection);
  if (connection.stage == Stage::kAnnouncing) drop_unannounced(connection, kLate);
}

// Without an answer: who is not a proxy of ours would learn from it, and a proxy could take it for
// the answer to a request.
void Engine::drop_unannounced(Connection& connection, const char* reason) {
  server_->listener(connection.listener).unannounced.fetch_add(1, std::memory_order_relaxed);
  if (unannounced_tick_ == 0 || now_tick_ - unannounced_tick_ >= kReportTicks) {
    unannounced_tick_ = now_tick_;
    put_refusal(connection, {0, reason}, connection.input.data, 0);
  }
  destroy(connection, CLOSED_GONE);
}

}  // namespace millrace
