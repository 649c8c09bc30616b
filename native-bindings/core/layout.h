// The layout of everything that native code and TypeScript share through memory: written once,
// here. scripts/layout.mjs turns the rows below into src/shared/layout.ts, and the addon hands
// the same rows to JavaScript, which compares them when it loads.
//
// A record is a run of 32-bit words; `EVENT_SLOT` is the index of a word in a record. Only the
// worker's own thread touches these blocks, so nothing here is atomic.
#pragma once

#include <cstdint>

// X(name, value): a plain integer. Keep one row a line: the generator reads it as text.
#define MILLRACE_LAYOUT(X) \
  X(LAYOUT_VERSION, 1) \
  /* Event ring: native to JS. */ \
  X(EVENT_WORDS, 16) \
  X(EVENT_MAX, 2560) \
  X(EVENT_KIND, 0) \
  X(EVENT_SLOT, 1) \
  X(EVENT_GENERATION, 2) \
  X(EVENT_SEQUENCE, 3) \
  X(EVENT_METHOD, 4) \
  X(EVENT_FLAGS, 5) \
  X(EVENT_LISTENER, 6) \
  X(EVENT_TARGET_ID, 7) \
  X(EVENT_TARGET_VERSION, 8) \
  X(EVENT_MESSAGE_OFFSET, 9) \
  X(EVENT_TARGET_OFFSET, 10) \
  X(EVENT_TARGET_LENGTHS, 11) \
  X(EVENT_TABLE_OFFSET, 12) \
  X(EVENT_HEADER_COUNT, 13) \
  X(EVENT_BODY_OFFSET, 14) \
  X(EVENT_BODY_LENGTH, 15) \
  /* Of KIND_BODY: the buffer for bodies that it lies in, -1: the slab. */ \
  X(EVENT_BODY_BUFFER, 4) \
  X(KIND_REQUEST, 1) \
  X(KIND_BODY, 2) \
  X(KIND_BODY_END, 3) \
  X(KIND_WRITABLE, 4) \
  X(KIND_CLOSED, 5) \
  X(KIND_CONTROL, 6) \
  /* Only where a hook asks: the core refuses a request; an answer has left, or never will. */ \
  X(KIND_REFUSED, 7) \
  X(KIND_DONE, 8) \
  X(KIND_MALFORMED, 9) \
  /* Of connections that have switched protocols: what the peer sends, and its FIN. */ \
  X(KIND_DATA, 10) \
  X(KIND_DATA_END, 11) \
  /* The family above, the port below. */ \
  X(EVENT_PEER, 4) \
  /* The reason of a refusal above, the status below. */ \
  X(EVENT_STATUS, 7) \
  X(EVENT_DURATION_F64, 8) \
  X(EVENT_BYTES_F64, 10) \
  X(EVENT_ADDRESS, 12) \
  X(DONE_ABORTED, 1) \
  X(DONE_REFUSED, 2) \
  /* Flags of a request; the reply gives the lower ones back. */ \
  X(FLAG_KEEP_ALIVE, 1) \
  X(FLAG_HTTP10, 2) \
  X(FLAG_HEAD, 4) \
  X(FLAG_HAS_BODY, 8) \
  X(FLAG_BODY_COMPLETE, 16) \
  X(FLAG_CHUNKED, 32) \
  X(FLAG_EXPECT_CONTINUE, 64) \
  X(FLAG_UPGRADE, 128) \
  /* With FLAG_BODY_COMPLETE: trailers, ended by NUL, lie behind the body. Their text, as that */ \
  /* of KIND_BODY_END, is "name LF value LF", field by field. */ \
  X(FLAG_TRAILERS, 256) \
  /* Flags of a reply. */ \
  X(REPLY_CLOSE, 65536) \
  X(REPLY_NOTIFY, 131072) \
  X(REPLY_REASON, 262144) \
  X(REPLY_LENGTH, 1048576) \
  X(REPLY_OWN_DATE, 2097152) \
  X(REPLY_OWN_DEFAULTS, 4194304) \
  /* Of KIND_ABORT: the peer sees a reset. */ \
  X(REPLY_RESET, 8388608) \
  /* Of KIND_BYTES: framed as a chunk (RFC 9112 7.1). */ \
  X(REPLY_FRAMED, 16777216) \
  /* Why a connection ended, in EVENT_FLAGS of KIND_CLOSED. */ \
  X(CLOSED_END, 1) \
  X(CLOSED_GONE, 2) \
  X(CLOSED_TIMEOUT, 3) \
  X(CLOSED_BAD_BODY, 4) \
  X(CLOSED_HANDLER_TIMEOUT, 5) \
  X(CLOSED_RESET, 6) \
  /* In EVENT_LISTENER of KIND_CONTROL: a retired worker has no connection left. No listener. */ \
  X(CONTROL_RETIRED, 65535) \
  /* Reply ring: JS to native. */ \
  X(REPLY_WORDS, 12) \
  X(REPLY_MAX, 1024) \
  X(REPLY_KIND, 0) \
  X(REPLY_SLOT, 1) \
  X(REPLY_GENERATION, 2) \
  X(REPLY_FLAGS, 3) \
  X(REPLY_STATUS, 4) \
  X(REPLY_TYPE, 5) \
  X(REPLY_HEAD_OFFSET, 6) \
  X(REPLY_HEAD_LENGTH, 7) \
  X(REPLY_BODY_OFFSET, 8) \
  X(REPLY_BODY_LENGTH, 9) \
  X(REPLY_LENGTH_F64, 10) \
  /* Of KIND_FILE, beside its length: where in the file it begins. */ \
  X(REPLY_OFFSET_F64, 8) \
  X(KIND_NOTHING, 0) \
  X(KIND_RESPOND, 1) \
  X(KIND_HEAD, 2) \
  X(KIND_CHUNK, 3) \
  X(KIND_END, 4) \
  X(KIND_ABORT, 5) \
  X(KIND_PAUSE_BODY, 6) \
  X(KIND_RESUME_BODY, 7) \
  X(KIND_CONTINUE, 8) \
  X(KIND_INTERIM, 9) \
  /* The head that switches protocols; then bytes, and FIN behind them. */ \
  X(KIND_UPGRADE, 10) \
  X(KIND_SEND, 11) \
  X(KIND_FINISH, 12) \
  /* An answer that the app writes as it is, head included; chunks and KIND_END follow. */ \
  X(KIND_RAW, 13) \
  /* A piece of a body, from the file that is given with the flush. */ \
  X(KIND_FILE, 14) \
  /* A piece of a body, in the memory that is given with the flush. */ \
  X(KIND_BYTES, 15) \
  /* Milliseconds in REPLY_STATUS, for the request whose sequence stands in place of flags. */ \
  X(KIND_BODY_CLOCK, 16) \
  X(KIND_WRITE_CLOCK, 17) \
  X(ARENA_BYTES, 1048576) \
  /* Control words. */ \
  X(CTL_WORDS, 10) \
  X(CTL_EVENT_COUNT, 0) \
  X(CTL_EVENT_CURSOR, 1) \
  X(CTL_REPLY_COUNT, 2) \
  X(CTL_SLAB_HELD, 3) \
  X(CTL_SLAB_NEEDED, 4) \
  X(CTL_OVER_BUDGET, 5) \
  X(CTL_BODY_BYTES_F64, 6) \
  /* Buffers for bodies alone: 1 where JavaScript is to give those that are missing. */ \
  X(CTL_BODY_NEEDED, 8) \
  X(BODY_BUFFERS, 4) \
  X(BODY_BUFFER_BYTES, 262144) \
  /* Per-connection words. */ \
  X(SLOT_MAX, 32768) \
  X(SLOT_WORDS, 4) \
  X(SLOT_GENERATION, 0) \
  X(SLOT_NEXT_SEQUENCE, 1) \
  X(SLOT_UNSENT, 2) \
  X(SLOT_FLAGS, 3) \
  X(SLOT_FLAG_WATCHED, 1) \
  X(SLOT_FLAG_ENDED, 2) \
  X(SLOT_FLAG_RESET, 4) \
  X(SLOT_FLAG_PINNED, 8) \
  /* Header table in a slab: four 16-bit offsets a field, relative to the message. */ \
  X(HEADER_BYTES, 8) \
  X(SLAB_BYTES_MIN, 131072) \
  /* Hot request targets by number: ids are below this. */ \
  X(TARGET_MAX, 8192) \
  /* Who gets a connection. */ \
  X(BALANCE_LEAST_CONNECTIONS, 0) \
  X(BALANCE_LEAST_BUSY, 1) \
  X(BALANCE_ROUND_ROBIN, 2) \
  X(BALANCE_ADDRESS, 3) \
  X(BALANCE_COUNT, 4) \
  /* Content types that a reply names by number. */ \
  X(TYPE_NONE, 0) \
  X(TYPE_TEXT, 1) \
  X(TYPE_JSON, 2) \
  X(TYPE_URLENCODED, 3)

namespace millrace {

#define MILLRACE_LAYOUT_CONSTANT(name, value) inline constexpr int32_t name = value;
MILLRACE_LAYOUT(MILLRACE_LAYOUT_CONSTANT)
#undef MILLRACE_LAYOUT_CONSTANT

}  // namespace millrace
