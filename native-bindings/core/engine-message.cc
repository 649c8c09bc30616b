// Messages: what the parser finds becomes events for JavaScript, or is answered at once where that
// needs none: probes, constants, requests for which there is no room. Thread: the worker's.
#include <cstring>

#include "engine.h"
#include "target.h"

namespace millrace {

namespace {

// RFC 9110 9.2.1, for the methods llhttp knows.
bool is_safe(int method) {
  switch (method) {
    case kMethodGet:
    case kMethodHead:
    case kMethodOptions:
    case kMethodTrace:
    case kMethodPropfind:
    case kMethodSearch:
    case kMethodReport:
    case kMethodQuery:
      return true;
    default:
      return false;
  }
}

// RFC 9110 7.4: whose word it is that TLS stood before this connection.
bool is_gateway(const Connection& connection) {
  PeerAddress peer;
  connection.read_peer(peer);
  return is_believed(connection.options->forwarded, peer);
}

const char* target_of(const Parser& parser) { return parser.message() + parser.target_offset(); }

uint32_t path_length_of(const char* target, uint32_t length) {
  const void* mark = std::memchr(target, '?', length);
  return mark == nullptr ? length
                         : static_cast<uint32_t>(static_cast<const char*>(mark) - target);
}

}  // namespace

bool Engine::on_begin(Parser& parser) {
  Connection& connection = *reading_;
  if (connection.stage != Stage::kOpen) return false;  // gone while an earlier one was answered
  if (body_buffer_ >= 0) return false;  // requests lie in slabs: it is copied there
  connection.body_discarded = false;
  if (connection.close_after) return false;  // only the body before it was still read
  if (connection.output.length >= connection.options->output_bytes_max) return false;
  if (connection.unanswered == 0) return true;
  // What follows here goes with the connection, as soon as the answers before it have left.
  if (retiring_ && !is_bound(connection)) return false;
  return connection.unanswered < connection.options->pipeline_max && !connection.unsafe_pending &&
         is_safe(parser.method());
}

// Of many targets the entry of each is far away: it comes while the fields of the head are read.
void Engine::on_target(const Parser& parser) {
  const char* target = target_of(parser);
  uint32_t path_length = path_length_of(target, parser.target_length());
  targets_.prefetch(target, path_length, reading_->options->routes);
}

Failure Engine::on_head(Parser& parser) {
  Connection& connection = *reading_;
  const char* target = target_of(parser);
  uint32_t path_length = path_length_of(target, parser.target_length());
  uint32_t routes = connection.options->routes;
  int32_t id = target[0] == '/' ? targets_.find_or_add(target, path_length, routes) : -1;
  constant_ = nullptr;
  connection.body_open = parser.has_body();
  connection.body_left = parser.is_chunked() ? 0 : parser.content_length();
  connection.body_dropped = 0;
  connection.awaits_continue = parser.expects_continue() && parser.has_content();
  if (connection.recording != nullptr) record_head(connection, parser);
  Counters::add(shared_->counters[connection.listener].requests, 1);
  const ListenerOptions& options = *connection.options;
  if (options.has_probes && take_probe(connection, parser, path_length)) return {};
  if (over_budget_) return reject(connection);
  if (options.body_bytes_max > 0 && parser.content_length() > options.body_bytes_max) {
    connection.body_open = false;
    return kContentTooLarge;
  }
  if (id < 0 && is_https(target, parser.target_length()) && !is_gateway(connection)) {
    connection.body_open = false;
    return kMisdirected;
  }
  if (id >= 0 && connection.unanswered == 0 && !connection.body_open &&
      (parser.method() == kMethodGet || parser.method() == kMethodHead)) {
    int32_t constant = targets_.at(id).constant;
    if (constant >= 0 && !is_pinned(connection)) {
      constant_ = &constants_[static_cast<size_t>(constant)];
      connection.sequence++;
      slot_words(connection)[SLOT_NEXT_SEQUENCE] = static_cast<int32_t>(connection.sequence);
      return {};
    }
  }
  if (in_flight_ >= in_flight_max_) return reject(connection);
  put_request(connection, parser, id, path_length);
  return {};
}

// A probe is answered when its message has ended, as a constant is. What lies behind an unanswered
// request, and what has another method, is JavaScript's to answer: it has the same paths.
bool Engine::take_probe(Connection& connection, const Parser& parser, uint32_t path_length) {
  if (connection.unanswered > 0 || connection.body_open) return false;
  if (parser.method() != kMethodGet && parser.method() != kMethodHead) return false;
  std::string_view path(target_of(parser), path_length);
  const ProbePaths& paths = connection.options->probes;
  Readiness readiness = server_->readiness();
  constant_ = probes_.answer(paths, path, readiness, is_stopping(connection.listener));
  if (constant_ == nullptr) return false;
  if (connection.recording != nullptr) recorder_.answered_natively(connection);
  connection.sequence++;
  slot_words(connection)[SLOT_NEXT_SEQUENCE] = static_cast<int32_t>(connection.sequence);
  return true;
}

// A request for which there is no room: 503, without JavaScript.
Failure Engine::reject(Connection& connection) {
  connection.body_open = false;
  Counters::add(shared_->counters[connection.listener].rejected, 1);
  return {503, "overloaded"};
}

void Engine::put_request(Connection& connection, Parser& parser, int32_t target,
                         uint32_t path_length) {
  int32_t* event = next_event(KIND_REQUEST, connection);
  const char* message = parser.message();
  int32_t flags = (parser.keep_alive() ? FLAG_KEEP_ALIVE : 0) |
                  (parser.is_http10() ? FLAG_HTTP10 : 0) |
                  (parser.method() == kMethodHead ? FLAG_HEAD : 0) |
                  (connection.body_open ? FLAG_HAS_BODY : 0) |
                  (parser.is_chunked() ? FLAG_CHUNKED : 0) |
                  (connection.awaits_continue ? FLAG_EXPECT_CONTINUE : 0) |
                  (parser.wants_upgrade() ? FLAG_UPGRADE : 0);
  event[EVENT_SEQUENCE] = static_cast<int32_t>(connection.sequence++);
  event[EVENT_METHOD] = parser.method();
  event[EVENT_FLAGS] = flags;
  event[EVENT_LISTENER] = connection.listener;
  event[EVENT_TARGET_ID] = target;
  event[EVENT_TARGET_VERSION] = target < 0 ? 0 : targets_.at(target).version;
  event[EVENT_MESSAGE_OFFSET] = static_cast<int32_t>(slab_.offset_of(message));
  event[EVENT_TARGET_OFFSET] =
      static_cast<int32_t>(slab_.offset_of(target_of(parser)));
  event[EVENT_TARGET_LENGTHS] =
      static_cast<int32_t>(parser.target_length() | (path_length << 16));
  event[EVENT_TABLE_OFFSET] =
      static_cast<int32_t>(slab_.put_table(parser.headers(), parser.header_count()));
  event[EVENT_HEADER_COUNT] = static_cast<int32_t>(parser.header_count());
  double length = parser.is_chunked() ? -1.0 : static_cast<double>(parser.content_length());
  std::memcpy(event + EVENT_BODY_OFFSET, &length, sizeof length);
  if (connection.recording != nullptr) recorder_.given(connection);
  if (parser.may_switch()) {
    parser.stop_behind();
    connection.awaits_switch = true;
  }
  connection.unanswered++;
  in_flight_++;
  connection.unsafe_pending = !is_safe(parser.method());
  open_event_ = connection.body_open ? event : nullptr;
  connection.unseen_batch = batches_;
  if (connection.body_open) connection.body_batch = batches_;
}

void Engine::on_body(Parser& parser, const char* at, size_t length) {
  Connection& connection = *reading_;
  if (!parser.is_chunked()) connection.body_left -= length;
  connection.awaits_continue = false;  // it has not waited (RFC 9110 10.1.1)
  if (connection.body_discarded) {
    connection.body_dropped += static_cast<uint32_t>(length);
    return;
  }
  uint32_t count = static_cast<uint32_t>(length);
  if (body_buffer_ >= 0) {
    join_body(at, count);
    return;
  }
  if (body_at_ == nullptr) {
    body_at_ = at;
    body_length_ = count;
    return;
  }
  // Pieces of a chunked body: joined beside the input, which stays as it was received.
  if (!body_joined_) {
    char* joined = slab_.bottom();
    slab_.put_bytes(body_at_, body_length_);
    body_at_ = joined;
    body_joined_ = true;
  }
  slab_.put_bytes(at, count);
  body_length_ += count;
}

void Engine::put_body(Connection& connection) {
  int32_t* event = next_event(KIND_BODY, connection);
  event[EVENT_SEQUENCE] = static_cast<int32_t>(connection.sequence - 1);
  const char* base = body_buffer_ < 0 ? slab_.data() : body_buffers_[body_buffer_];
  event[EVENT_BODY_BUFFER] = body_buffer_;
  event[EVENT_BODY_OFFSET] = static_cast<int32_t>(body_at_ - base);
  event[EVENT_BODY_LENGTH] = static_cast<int32_t>(body_length_);
  body_at_ = nullptr;
}

// Trailers come with the end: EVENT_BODY_LENGTH says how long their text is.
void Engine::put_body_end(Connection& connection, int32_t reason, const Bytes& trailers) {
  int32_t* event = next_event(KIND_BODY_END, connection);
  event[EVENT_SEQUENCE] = static_cast<int32_t>(connection.sequence - 1);
  event[EVENT_FLAGS] = reason;
  event[EVENT_BODY_OFFSET] = static_cast<int32_t>(slab_.offset_of(slab_.bottom()));
  event[EVENT_BODY_LENGTH] = static_cast<int32_t>(trailers.length);
  if (trailers.length > 0) slab_.put_bytes(trailers.data, trailers.length);
}

// A body that came with its head. Trailers follow its bytes, and NUL ends them.
void Engine::complete_request(const Bytes& trailers) {
  int32_t* event = open_event_;
  event[EVENT_FLAGS] |= FLAG_BODY_COMPLETE;
  if (body_at_ == nullptr) body_length_ = 0;
  if (trailers.length > 0) {
    char* joined = slab_.bottom();
    if (body_joined_) {
      joined = const_cast<char*>(body_at_);
    } else if (body_length_ > 0) {
      slab_.put_bytes(body_at_, body_length_);
    }
    body_at_ = joined;
    slab_.put_bytes(trailers.data, trailers.length);
    slab_.put_bytes("", 1);
    event[EVENT_FLAGS] |= FLAG_TRAILERS;
  }
  event[EVENT_BODY_OFFSET] =
      static_cast<int32_t>(body_at_ == nullptr ? 0 : slab_.offset_of(body_at_));
  event[EVENT_BODY_LENGTH] = static_cast<int32_t>(body_length_);
  open_event_ = nullptr;
}

void Engine::on_end(Parser& parser) {
  Connection& connection = *reading_;
  if (constant_ != nullptr) {
    bool head_only = parser.method() == kMethodHead;
    if (connection.stage == Stage::kOpen) answer_constant(connection, *constant_, head_only);
    constant_ = nullptr;
    connection.clock = Clock::kNone;  // the next head has a time of its own
    return;
  }
  if (!connection.body_open) return;
  connection.body_open = false;
  connection.awaits_continue = false;
  if (connection.body_discarded) {
    connection.body_discarded = false;
    return;
  }
  if (open_event_ != nullptr) {
    complete_request(parser.trailers());
  } else {
    if (body_at_ != nullptr) put_body(connection);
    put_body_end(connection, 0, parser.trailers());
  }
  body_at_ = nullptr;
  body_length_ = 0;
  body_joined_ = false;
}

}  // namespace millrace
