#include "recorder.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "clock.h"
#include "engine-options.h"
#include "layout.h"

namespace millrace {

namespace {

// Kept for the next request; more are freed, and so is the memory of an unusually long line.
constexpr size_t kRecordsKept = 1024;
constexpr uint32_t kLineKept = 4096;

bool is(const char* from, std::string_view lower) {
  for (size_t i = 0; i < lower.size(); i++) {
    char c = from[i];
    if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lower[i]) return false;
  }
  return true;
}

// The fields a line may show: the first of each name, but of `traceparent` none if there are two.
void read_fields(LogHead& head, const Parser& parser) {
  const char* message = parser.message();
  const HeaderEntry* end = parser.headers() + parser.header_count();
  bool is_trace_doubled = false;
  for (const HeaderEntry* entry = parser.headers(); entry < end; entry++) {
    const char* name = message + entry->name_offset;
    std::string_view* field = nullptr;
    switch (entry->name_length) {
      case 7:
        if (is(name, "referer")) field = &head.referer;
        break;
      case 10:
        if (is(name, "user-agent")) field = &head.user_agent;
        break;
      case 11:
        if (is(name, "traceparent")) field = &head.traceparent;
        break;
      default:
        break;
    }
    if (field == nullptr) continue;
    std::string_view value(message + entry->value_offset, entry->value_length);
    if (field == &head.traceparent && !field->empty()) {
      if (!value.empty()) is_trace_doubled = true;
    } else if (field == &head.traceparent || field->data() == nullptr) {
      *field = value;
    }
  }
  if (is_trace_doubled) head.traceparent = {};
}

// The values of a field, of several all of them with commas between.
std::string joined(const Parser& parser, std::string_view lower) {
  std::string values;
  const char* message = parser.message();
  const HeaderEntry* end = parser.headers() + parser.header_count();
  for (const HeaderEntry* entry = parser.headers(); entry < end; entry++) {
    if (entry->name_length != lower.size() || !is(message + entry->name_offset, lower)) continue;
    if (!values.empty()) values += ", ";
    values.append(message + entry->value_offset, entry->value_length);
  }
  return values;
}

// Of the client that trusted proxies name; kept in `into`.
std::string_view client_text(const Connection& connection, const Parser& parser,
                             PeerAddress& into) {
  const ForwardedTrust& trust = connection.options->forwarded;
  bool is_standard = trust.kind == ForwardedKind::kForwarded;
  std::string list = joined(parser, is_standard ? "forwarded" : "x-forwarded-for");
  into = find_client(trust, connection.recording->peer, {list, {}, {}}).address;
  return into.text_length == 0 ? std::string_view("-") : into.view();
}

std::string_view peer_text(const Connection& connection) {
  const PeerAddress& peer = connection.recording->peer;
  return peer.text_length == 0 ? std::string_view("-")
                               : std::string_view(peer.text, peer.text_length);
}

}  // namespace

Recorder::~Recorder() {
  for (RequestRecord* record : free_) {
    record->line.release();
    delete record;
  }
}

void Recorder::start(AccessLog* log, LogRing* ring, bool tells) {
  log_ = log;
  ring_ = ring;
  tells_ = tells;
  is_on_ = ring != nullptr || tells;
}

void Recorder::name_requests(std::string prefix, std::vector<std::string> headers) {
  trace_seed_ = std::strtoull(prefix.c_str(), nullptr, 16);
  id_prefix_ = std::move(prefix);
  id_headers_ = std::move(headers);
}

void Recorder::begin_round() {
  round_ns_ = clock_ns();
  done_ns_ = 0;
  time_.refresh();
}

void Recorder::adopted(Connection& connection) {
  if (!tells_ && !is_logged(connection)) return;
  connection.recording = new Recording;
  connection.read_peer(connection.recording->peer);
}

RequestRecord* Recorder::add(Connection& connection) {
  RequestRecord* record;
  if (free_.empty()) {
    record = new RequestRecord;
  } else {
    record = free_.back();
    free_.pop_back();
  }
  record->started_ns = round_ns_;
  record->sequence = connection.sequence;
  record->is_logged = is_logged(connection);
  Recording& list = *connection.recording;
  if (list.first == nullptr) list.first = record;
  if (list.last != nullptr) list.last->next = record;
  if (list.current == nullptr) list.current = record;
  list.last = record;
  return record;
}

void Recorder::head(Connection& connection, const Parser& parser) {
  RequestRecord* record = add(connection);
  if (!record->is_logged) return;
  const AccessLogOptions& options = log_->options();
  const char* message = parser.message();
  LogHead head;
  PeerAddress client;
  head.peer = connection.options->forwarded.is_on()
                  ? client_text(connection, parser, client)
                  : peer_text(connection);
  const void* space = std::memchr(message, ' ', parser.target_offset());
  head.method = {message, static_cast<size_t>(static_cast<const char*>(space) - message)};
  head.target = {message + parser.target_offset(), parser.target_length()};
  head.version = parser.is_http10() ? "1.0" : "1.1";
  if (options.format != LogFormat::kCommon || options.has_ids) read_fields(head, parser);
  head.listener = options.listener_ids[connection.listener];
  head.has_ids = options.has_ids;
  if (options.has_ids) {
    head.request_id = request_id(connection, parser);
    head.traceparent = traceparent(connection, head.traceparent);
  }
  record->split = put_log_head(record->line, options.format, head, time_);
}

// The field's value if it is there once and visible ASCII of at most 128 bytes.
std::string_view Recorder::request_id(const Connection& connection, const Parser& parser) {
  std::string_view given;
  const std::string* header =
      connection.listener < id_headers_.size() ? &id_headers_[connection.listener] : nullptr;
  for (uint32_t i = 0; header != nullptr && !header->empty() && i < parser.header_count(); i++) {
    const HeaderEntry& entry = parser.headers()[i];
    if (entry.name_length != header->size()) continue;
    if (!is(parser.message() + entry.name_offset, *header)) continue;
    bool is_repeated = !given.empty();
    given = {parser.message() + entry.value_offset, entry.value_length};
    if (is_repeated) given = {};
    if (is_repeated) break;
  }
  bool is_fit = !given.empty() && given.size() <= sizeof id_;
  for (char c : given) is_fit = is_fit && c > 0x20 && c < 0x7f;
  if (is_fit) return given;
  int length = std::snprintf(id_, sizeof id_, "%.32s-%x-%x-%x", id_prefix_.c_str(),
                             connection.slot, connection.generation, connection.sequence);
  return {id_, static_cast<size_t>(length)};
}

// As `context.traceparent` has it.
std::string_view Recorder::traceparent(const Connection& connection, std::string_view given) {
  if (!read_traceparent(given, traceparent_)) {
    make_traceparent({trace_seed_, connection.slot, connection.generation, connection.sequence},
                     traceparent_);
  }
  return {traceparent_, sizeof traceparent_};
}

void Recorder::refused(Connection& connection, uint16_t status, const char* reason,
                       const char* from, size_t length) {
  RequestRecord* record = connection.recording->last;
  // A head that was understood has a record already, which its refusal answers.
  bool has_record = record != nullptr && !record->is_given && !record->is_refused &&
                    record->end_at == kNotYet && record->status == 0;
  if (!has_record) {
    record = add(connection);
    if (record->is_logged) {
      const AccessLogOptions& options = log_->options();
      LogHead head;
      head.peer = peer_text(connection);
      const void* end = from == nullptr ? nullptr : std::memchr(from, '\n', length);
      if (end != nullptr) length = static_cast<size_t>(static_cast<const char*>(end) - from);
      if (length > 0 && from[length - 1] == '\r') length--;
      if (length > 0) head.raw_line = {from, length};
      head.malformed = reason;
      head.has_ids = options.has_ids;
      head.listener = options.listener_ids[connection.listener];
      record->split = put_log_head(record->line, options.format, head, time_);
    }
  }
  record->is_refused = true;
  if (!tells_) return;
  tell(connection, *record, KIND_REFUSED);
  events.back().status = status;
  events.back().reason = reason;
}

void Recorder::answer(Connection& connection, int status, uint64_t body_at) {
  RequestRecord* record = connection.recording->current;
  if (record == nullptr) return;
  record->status = static_cast<uint16_t>(status);
  record->body_at = body_at;
}

void Recorder::end(Connection& connection, uint64_t at) {
  RequestRecord* record = connection.recording->current;
  if (record == nullptr) return;
  record->end_at = at;
  connection.recording->current = record->next;
}

void Recorder::sent(Connection& connection) {
  for (;;) {
    RequestRecord* record = connection.recording->first;
    if (record == nullptr || record->end_at > connection.sent) return;
    finish(connection, *record, false);
    drop_first(connection);
  }
}

void Recorder::closed(Connection& connection) {
  while (connection.recording->first != nullptr) {
    RequestRecord& record = *connection.recording->first;
    finish(connection, record, record.end_at > connection.sent);
    drop_first(connection);
  }
  delete connection.recording;
  connection.recording = nullptr;
}

void Recorder::forget(Connection& connection) {
  while (connection.recording->first != nullptr) drop_first(connection);
  delete connection.recording;
  connection.recording = nullptr;
}

void Recorder::finish(Connection& connection, RequestRecord& record, bool aborted) {
  if (done_ns_ == 0) done_ns_ = clock_ns();
  uint64_t end = record.end_at < connection.sent ? record.end_at : connection.sent;
  LogResult result;
  result.status = record.status;
  result.bytes = end > record.body_at ? end - record.body_at : 0;
  result.duration_ns = done_ns_ - record.started_ns;
  result.aborted = aborted;
  if (record.is_logged) write_line(record, result);
  if (!tells_ || !record.is_told) return;
  tell(connection, record, KIND_DONE);
  RecordEvent& event = events.back();
  event.flags |= aborted ? DONE_ABORTED : 0;
  event.bytes = result.bytes;
  event.duration_ns = result.duration_ns;
}

void Recorder::write_line(const RequestRecord& record, const LogResult& result) {
  char middle[kLogResultMax];
  size_t length = put_log_result(middle, log_->options().format, result);
  if (!ring_->reserve(record.line.length + length)) return;
  ring_->put(record.line.data, record.split);
  ring_->put(middle, length);
  ring_->put(record.line.data + record.split, record.line.length - record.split);
}

void Recorder::drop_first(Connection& connection) {
  Recording& list = *connection.recording;
  RequestRecord* record = list.first;
  list.first = record->next;
  if (list.current == record) list.current = record->next;
  if (list.last == record) list.last = nullptr;
  if (record->line.capacity > kLineKept) record->line.release();
  if (free_.size() >= kRecordsKept) {
    record->line.release();
    delete record;
    return;
  }
  Bytes line = record->line;
  line.length = 0;
  *record = RequestRecord{};
  record->line = line;
  free_.push_back(record);
}

void Recorder::tell(const Connection& connection, const RequestRecord& record, int32_t kind) {
  RecordEvent event{};
  event.kind = kind;
  event.slot = connection.slot;
  event.generation = connection.generation;
  event.sequence = record.sequence;
  event.flags = record.is_given ? 0 : DONE_REFUSED;
  event.status = record.status;
  event.listener = connection.listener;
  event.peer = connection.recording->peer;
  event.reason = "";
  events.push_back(event);
}

void Recorder::publish() {
  if (ring_ == nullptr || !ring_->has_unpublished()) return;
  ring_->publish();
  log_->signal().published(*ring_);
}

}  // namespace millrace
