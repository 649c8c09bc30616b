// The engine of one worker: it owns the worker's connections and turns readiness into events for
// JavaScript and replies into bytes.
//
// A turn: poll → receive into the slab and parse in place → JavaScript is entered once with all
// events → its replies are encoded, and each connection's bytes leave in one send. Replies made
// later (timers, promises) are picked up by `flush` before the loop sleeps.
//
// Rules: while JavaScript runs a batch the engine is not entered again but for `flush`. No call
// into JavaScript follows once `enter` has reported that the environment is ending. Connections
// are freed only at the end of a turn. Thread: the worker's, all of it.
//
// The methods are spread over files by verb: engine.cc the turn, engine-read.cc bytes in,
// engine-message.cc what the parser finds, engine-refuse.cc input that ends, engine-proxy.cc PROXY
// headers, engine-body.cc long bodies in, engine-reply.cc answers, engine-output.cc bytes out,
// engine-record.cc logs and hooks, engine-close.cc ends and clocks, engine-control.cc adoption,
// listener stops and constants, engine-give.cc the hand-over while the thread lives, engine-die.cc
// the one when it dies, engine-upgrade.cc connections that have switched protocols.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "connection.h"
#include "constant-response.h"
#include "encoder.h"
#include "engine-options.h"
#include "intern.h"
#include "layout.h"
#include "probes.h"
#include "recorder.h"
#include "server.h"
#include "slab.h"
#include "transport.h"

namespace millrace {

// The body of a request that nobody reads is read and dropped up to here, so that the connection
// can be kept; a longer one costs the connection.
inline constexpr uint64_t kDropMax = 256 * 1024;

// The output buffer of an engine: one flush limit and the largest record on top of it.
inline constexpr size_t kOutBytes = 160 * 1024;
inline constexpr size_t kOutFlush = 112 * 1024;  // leaves room for a head of the largest size

// Bodies from here on are sent from the arena without a copy.
inline constexpr size_t kUncopiedMin = 16 * 1024;

inline constexpr int kRefusedMax = 200;  // statuses from 400 to 599

// Whether JavaScript has been told that a retired worker has no connection left.
enum class Retired : uint8_t { kNo, kDue, kTold };

// Of a socket, for an app that has one of its own; SOCKET_OPTION of src/native.ts.
enum class SocketOption : uint8_t { kNoDelay, kKeepAlive };

// How the engine enters JavaScript. False: the environment is ending.
struct EngineHost {
  void* context;
  bool (*enter)(void* context);
};

// Memory that this thread shares with JavaScript; see layout.h. Owned by the engine.
struct SharedBlocks {
  int32_t* events;
  int32_t* replies;
  char* arena;
  int32_t* control;
  int32_t* slots;
};

class Engine final : public MessageSink {
 public:
  static constexpr uint32_t kTickMs = 100;

  Engine(ServerShared* server, int worker, const EngineOptions& options, EngineHost host);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  bool open();  // false: out of descriptors
  int poll_fd() const { return transport_.poll_fd(); }
  const SharedBlocks& blocks() const { return blocks_; }
  void* route_word() { return &shared_->route; }  // the server's memory, which the engine holds
  uint32_t slab_bytes() const { return slab_bytes_; }
  void use_slab(char* data);
  // Null takes the buffer away. It stays JavaScript's.
  void use_body_buffer(int index, char* data) { body_buffers_[index] = data; }

  void turn();
  void flush();  // sends what the reply ring holds; JavaScript may be in a batch
  void flush_file(OpenFile& file);
  void flush_bytes(const char* from, size_t length);
  void tick();
  bool has_work() const;

  // Control, called from JavaScript through the bridge.
  bool open_mailbox();
  void set_listener(uint16_t index, const ListenerOptions* options);
  void stop_listener(uint16_t listener, bool force);
  int32_t listener_connections(uint16_t listener) const { return listener_counts_[listener]; }
  void retire();
  int give(int count, int to);
  int32_t add_constant(ConstantResponse constant);  // takes the bytes over
  void bind_constant(int32_t target, int32_t version, int32_t constant);
  // Routes have changed: every target is resolved anew, and the constants so far are gone.
  void new_epoch();
  const Connection* connection(uint32_t slot, uint32_t generation);
  // `value`: 0 or 1, or seconds. False: the connection has gone, or its kind of socket has no such
  // option.
  bool set_socket_option(uint32_t slot, uint32_t generation, SocketOption option, int32_t value);
  // JavaScript wants to hear of answers that have left, and of what was refused, from now on.
  void tell(bool done, bool refusals) {
    if (done) recorder_.tell();
    options_.reports_refusals |= refusals;
  }
  // What a readiness probe of the listener is told now.
  Readiness readiness(uint16_t listener);
  void name_requests(std::string prefix, std::vector<std::string> headers) {
    recorder_.name_requests(std::move(prefix), std::move(headers));
  }
  // The text of a refusal's reason, by the number that its event has.
  const char* reason(size_t index) { return index < reasons_.size() ? reasons_[index] : ""; }
  // What the core has answered by itself: refusals by status from 400 to 599, then four counts per
  // constant. Nothing is written beyond `length`.
  void counts(double* into, size_t length) const;

  // The thread is ending: answers what can be answered and gives the other connections away.
  void die();
  // After `die`, once nothing polls it: the memory lives on as long as JavaScript holds a block.
  void close_poll() { transport_.close(); }

 private:
  // engine.cc
  void dispatch(const Ready& ready);
  bool run_batch();
  void end_turn();
  void put_notifications();
  void weigh();
  void look_at_clock();
  void tick_handlers();
  int32_t* next_event(int32_t kind, const Connection& connection);
  bool has_headroom() const;
  void queue_notify(Connection& connection);
  int32_t* slot_words(const Connection& connection);

  // engine-read.cc
  void read(Connection& connection);
  void resume(Connection& connection);
  void queue_resume(Connection& connection);
  void parse(Connection& connection, char* region, uint32_t kept, uint32_t received);
  void after_parse(Connection& connection, ParseResult result, char* region, char* end);
  bool note_received(Connection& connection, const IoResult& result);
  void input_ended(Connection& connection);
  void keep_input(Connection& connection, const char* from, const char* end, bool same);
  bool wants_input(const Connection& connection) const;
  Parser* take_parser();
  void drop_parser(Connection& connection);

  // engine-message.cc: MessageSink, called by the parser of the connection that is being read
  bool on_begin(Parser& parser) override;
  void on_target(const Parser& parser) override;
  Failure on_head(Parser& parser) override;
  void on_body(Parser& parser, const char* at, size_t length) override;
  void on_end(Parser& parser) override;
  void put_request(Connection& connection, Parser& parser, int32_t target, uint32_t path_length);
  void put_body(Connection& connection);
  void put_body_end(Connection& connection, int32_t reason, const Bytes& trailers);
  void complete_request(const Bytes& trailers);
  Failure reject(Connection& connection);
  bool take_probe(Connection& connection, const Parser& parser, uint32_t path_length);

  // engine-body.cc
  bool read_body(Connection& connection);
  size_t body_room(const Connection& connection) const;
  void join_body(const char* at, uint32_t length);
  void note_bulk(Connection& connection, uint32_t length);
  void end_bulk(Connection& connection);
  void pace_bulk();

  // engine-refuse.cc
  void refuse(Connection& connection, const Failure& failure);
  void report_refusal(Connection& connection, const Failure& failure, const char* from,
                      size_t length);
  void put_refusal(Connection& connection, const Failure& failure, const char* from,
                   size_t length);
  void peer_ended(Connection& connection);
  void notice_end(Connection& connection);
  void read_lingering(Connection& connection);

  // engine-proxy.cc
  void await_announcement(Connection& connection, uint32_t waited_ms);
  void read_announcement(Connection& connection);
  void announcement_ended(Connection& connection);
  bool take_announcement(Connection& connection);
  void announcement_due(Connection& connection);
  void drop_unannounced(Connection& connection, const char* reason);

  // engine-reply.cc
  void process_replies();
  void process_reply(Connection& connection, const int32_t* reply);
  void respond(Connection& connection, const int32_t* reply);
  void begin_answer(Connection& connection, const int32_t* reply);
  void write_interim(Connection& connection, const int32_t* reply);
  void write_chunk(Connection& connection, const int32_t* reply);
  void begin_raw(Connection& connection, const int32_t* reply);
  void end_answer(Connection& connection, int32_t flags);
  void finish_answer(Connection& connection);
  void cut_answer(Connection& connection);
  void answer_constant(Connection& connection, ConstantResponse& constant, bool head_only);
  void write_failure(Connection& connection, const Failure& failure);
  void send_continue(Connection& connection);
  void resume_body(Connection& connection);
  HeadFields fields_of(const int32_t* reply) const;
  Persistence persistence_of(Connection& connection, int32_t flags, bool streamed);
  bool can_drop_body(const Connection& connection) const;

  // engine-output.cc; what each answer calls is inline
  void select_output(Connection& connection) {
    if (writing_ != &connection) change_output(connection);
  }
  // Room in the output buffer of the connection being written.
  char* reserve(size_t length) {
    if (out_length_ + length > kOutFlush) make_room(length);
    return out_ + out_length_;
  }
  void change_output(Connection& connection);
  void make_room(size_t length);
  void flush_output();
  void put_out(const char* from, size_t length);
  void write_bytes(Connection& connection, const char* from, size_t length);
  void send_output(Connection& connection, const char* body, size_t body_length,
                   bool is_framed = false);
  void keep_unsent(Connection& connection, const iovec* parts, size_t sent);
  void write_borrowed(Connection& connection, const int32_t* reply);
  void drain_output(Connection& connection);

  // engine-file.cc
  void write_file(Connection& connection, const int32_t* reply);
  void send_before_file(Connection& connection);
  bool drain_file(Connection& connection);
  void drop_file(Connection& connection);
  void note_unsent(Connection& connection);

  // engine-upgrade.cc
  void switch_protocol(Connection& connection, const int32_t* reply);
  void leave_http(Connection& connection);
  void process_bytes(Connection& connection, const int32_t* reply);
  void send_bytes(Connection& connection, const int32_t* reply);
  void abort_upgraded(Connection& connection, bool is_reset);
  void settle_upgraded(Connection& connection);
  void watch_upgraded(Connection& connection);
  void upgraded_ready(Connection& connection, const Ready& ready);
  void note_hang_up(Connection& connection);
  void read_data(Connection& connection);
  void put_data(Connection& connection, uint32_t length);
  void end_data(Connection& connection);
  void resume_upgraded(Connection& connection);
  void cut_upgraded(Connection& connection);
  bool wants_data(const Connection& connection) const;

  // engine-close.cc
  void settle(Connection& connection);
  void update_interest(Connection& connection);
  bool rewatch(Connection& connection, bool read, bool write);
  void update_clock(Connection& connection, Progress progress);
  void set_clock(Connection& connection, Clock clock, uint32_t milliseconds);
  uint32_t deadline_in(uint32_t milliseconds) const;
  void time_handler(Connection& connection);
  void handler_due(Connection& connection);
  void set_own_clock(Connection& connection, Clock clock, const int32_t* reply);
  uint32_t body_timeout_ms(const Connection& connection) const;
  uint32_t write_timeout_ms(const Connection& connection) const;
  void clock_fired(Connection& connection);
  bool is_settled_by_reading(Connection& connection);
  void close_gently(Connection& connection);
  void begin_linger(Connection& connection);
  bool may_be_sending(const Connection& connection);
  void cut(Connection& connection);
  bool linger_apart(int fd, uint16_t listener, ListenerOptions* options, bool registered);
  void destroy(Connection& connection, uint8_t reason);

  // engine-record.cc: what the recorder is told
  uint64_t output_position(const Connection& connection) const;
  void record_head(Connection& connection, const Parser& parser);
  void record_refusal(Connection& connection, const Failure& failure, const char* from,
                      const char* end);
  void record_answer(Connection& connection, int status, size_t head_length);
  void record_failure(Connection& connection, const Failure& failure, size_t head_length);
  void record_end(Connection& connection);
  void put_records();
  int32_t reason_index(const char* reason);

  // engine-listeners.cc
  void fit(const ListenerOptions& options);
  void free_slot(uint32_t slot);
  void count_connection(uint16_t listener, int change);
  void count_upgraded(uint16_t listener, int change);
  void share_counts(uint16_t listener);

  // engine-control.cc
  void release_constants();
  void adopt_all();
  void adopt(const Handover& item);
  void register_fresh();
  bool is_stopping(uint16_t listener);
  void forget_arrivals(uint16_t listener);
  void report_drained(uint16_t listener);

  // engine-die.cc
  void mark_unseen();
  Failure verdict() const;
  void end_or_give(Connection& connection, uint64_t* wake_bits);

  // engine-give.cc
  bool is_bound(const Connection& connection);
  bool is_pinned(const Connection& connection);
  bool can_leave(const Connection& connection);
  uint32_t waited_ms(const Connection& connection);
  void shorten_clock(Connection& connection, uint32_t milliseconds);
  Handover take_out(Connection& connection);
  void let_leave();
  void report_retired();

  ServerShared* server_;  // one reference, released by the destructor
  WorkerShared* shared_;
  int worker_;
  EngineOptions options_;
  // By index; owned. Null: there is none, and no connection of it can come.
  ListenerOptions* listeners_[kListenersMax] = {};
  std::vector<ListenerOptions*> replaced_;  // still pointed at; owned
  uint32_t headers_max_ = 0;   // over all listeners
  uint32_t head_bytes_max_ = 0;
  int32_t read_events_max_ = 8;  // what one connection's read may add to the event ring
  EngineHost host_;
  Transport transport_;
  SharedBlocks blocks_;
  Slab slab_;
  uint32_t slab_bytes_ = SLAB_BYTES_MIN;
  InternTable targets_;
  DateLine date_;
  ConnectionTable table_;
  std::unordered_map<uint32_t, OwnClocks> own_clocks_;  // by slot; most connections have none
  Recorder recorder_;
  std::vector<const char*> reasons_;  // of refusals, static texts: JavaScript knows their index
  std::vector<ConstantResponse> constants_;  // of the routes
  Probes probes_;
  uint64_t refused_[kRefusedMax] = {};  // by status, from 400 on
  std::vector<Parser*> parsers_;  // idle ones

  // The message being parsed, valid within one `parse`.
  Connection* reading_ = nullptr;
  int32_t* open_event_ = nullptr;  // the request whose body may still arrive in this read
  const char* body_at_ = nullptr;
  uint32_t body_length_ = 0;
  int32_t body_buffer_ = -1;  // the one that is being read into, else the slab is
  bool body_joined_ = false;  // its pieces were copied together at the slab's bottom
  ConstantResponse* constant_ = nullptr;

  // Buffers that long bodies are received into, each for one connection in a turn. A full one is
  // given away to the app, and JavaScript puts another in its place.
  char* body_buffers_[BODY_BUFFERS] = {};
  int32_t body_buffers_used_ = 0;  // since the last batch
  uint32_t batches_ = 1;

  // The connection whose answers are being encoded.
  Connection* writing_ = nullptr;
  char* out_;
  size_t out_capacity_ = kOutBytes;
  size_t out_length_ = 0;
  OpenFile* flushed_file_ = nullptr;  // within flush_file
  const char* flushed_bytes_ = nullptr;  // within flush_bytes
  size_t flushed_length_ = 0;

  std::vector<uint32_t> fresh_;   // adopted, not yet registered
  std::vector<uint32_t> resume_;  // their held messages may go on
  std::vector<uint32_t> bulk_;    // `waits_for_bulk`
  std::vector<uint32_t> notify_;  // JavaScript must be told something
  std::vector<uint32_t> closed_;  // slots to free at the end of the turn
  std::vector<Handover> arrivals_;
  size_t adopted_ = 0;            // of them, while the others are: within adopt_all
  std::vector<uint16_t> drained_;  // listeners whose last connection has gone
  std::vector<uint32_t> leaving_;  // once retired: those that have settled since the last look

  int32_t listener_counts_[kListenersMax] = {};  // of HTTP
  int32_t upgraded_counts_[kListenersMax] = {};
  bool listener_draining_[kListenersMax] = {};
  uint32_t unseen_marker_ = 0;
  // What the budget counts: the connections' buffers, and as JavaScript says the bodies it holds.
  uint64_t held_bytes_ = 0;
  uint64_t memory_bytes_max_;
  uint32_t in_flight_ = 0;  // the sum of `unanswered`
  uint32_t in_flight_max_;
  bool over_budget_ = false;  // as of the beginning of this round
  uint32_t now_tick_ = 1;
  uint32_t unannounced_tick_ = 0;  // when the log was last told of one; 0: never
  uint64_t started_ms_;
  bool busy_ = false;      // within a turn
  bool in_batch_ = false;  // JavaScript is running a batch
  bool retiring_ = false;  // for good: nothing is taken, what is idle leaves
  Retired retired_ = Retired::kNo;
  bool dead_ = false;
};

}  // namespace millrace
