// What the recorder is told of a connection, and what JavaScript is told of its records. None of
// it runs where neither a log nor a hook asks for it.
#include <cstring>

#include "engine.h"

namespace millrace {

// How much of an answer to this connection lies in front of what is written next.
uint64_t Engine::output_position(const Connection& connection) const {
  return connection.sent + connection.output.length +
         (writing_ == &connection ? out_length_ : 0);
}

void Engine::record_head(Connection& connection, const Parser& parser) {
  recorder_.head(connection, parser);
}

// A body that went wrong is JavaScript's to answer: its request has a record of its own.
void Engine::record_refusal(Connection& connection, const Failure& failure, const char* from,
                            const char* end) {
  if (connection.input_done || connection.body_open) return;
  size_t length = from == nullptr || from > end ? 0 : static_cast<size_t>(end - from);
  recorder_.refused(connection, failure.status, failure.reason, from, length);
}

void Engine::record_answer(Connection& connection, int status, size_t head_length) {
  recorder_.answer(connection, status, output_position(connection) + head_length);
}

void Engine::record_failure(Connection& connection, const Failure& failure, size_t head_length) {
  if (connection.recording->current == nullptr) {
    recorder_.refused(connection, failure.status, failure.reason, nullptr, 0);
  }
  record_answer(connection, failure.status, head_length);
}

void Engine::record_end(Connection& connection) {
  recorder_.end(connection, output_position(connection));
}

int32_t Engine::reason_index(const char* reason) {
  for (size_t i = 0; i < reasons_.size(); i++) {
    if (reasons_[i] == reason) return static_cast<int32_t>(i);
  }
  reasons_.push_back(reason);
  return static_cast<int32_t>(reasons_.size() - 1);
}

void Engine::put_records() {
  std::vector<RecordEvent>& records = recorder_.events;
  size_t done = 0;
  for (; done < records.size(); done++) {
    if (EVENT_MAX - blocks_.control[CTL_EVENT_COUNT] < 8) break;
    const RecordEvent& record = records[done];
    int32_t* event = blocks_.events + blocks_.control[CTL_EVENT_COUNT]++ * EVENT_WORDS;
    event[EVENT_KIND] = record.kind;
    event[EVENT_SLOT] = static_cast<int32_t>(record.slot);
    event[EVENT_GENERATION] = static_cast<int32_t>(record.generation);
    event[EVENT_SEQUENCE] = static_cast<int32_t>(record.sequence);
    event[EVENT_PEER] = record.peer.family << 16 | record.peer.port;
    event[EVENT_FLAGS] = record.flags;
    event[EVENT_LISTENER] = record.listener;
    event[EVENT_STATUS] = record.status;
    if (record.kind == KIND_REFUSED) event[EVENT_STATUS] |= reason_index(record.reason) << 16;
    double milliseconds = static_cast<double>(record.duration_ns) / 1e6;
    double bytes = static_cast<double>(record.bytes);
    std::memcpy(event + EVENT_DURATION_F64, &milliseconds, sizeof milliseconds);
    std::memcpy(event + EVENT_BYTES_F64, &bytes, sizeof bytes);
    std::memcpy(event + EVENT_ADDRESS, record.peer.bytes, sizeof record.peer.bytes);
  }
  records.erase(records.begin(), records.begin() + static_cast<long>(done));
}

}  // namespace millrace
