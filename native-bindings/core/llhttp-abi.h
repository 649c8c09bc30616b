// The parser inside the running Node, declared by hand: Node exports its functions and ships no
// header. This is the ABI of llhttp 9.3 and later; before 9.3.0 `on_protocol` did not exist and
// every callback after it would be called for the wrong thing, silently. So parser.cc parses a
// canned message when the addon loads and refuses the runtime if anything is out of place.
//
// The parser struct is opaque here: over-allocated, and read through accessor functions only.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct llhttp_t;  // opaque; about 100 bytes in 9.x

using llhttp_cb = int (*)(llhttp_t*);
using llhttp_data_cb = int (*)(llhttp_t*, const char* at, size_t length);

struct llhttp_settings_t {
  llhttp_cb on_message_begin;
  llhttp_data_cb on_protocol;  // since 9.3.0
  llhttp_data_cb on_url;
  llhttp_data_cb on_status;
  llhttp_data_cb on_method;
  llhttp_data_cb on_version;
  llhttp_data_cb on_header_field;
  llhttp_data_cb on_header_value;
  llhttp_data_cb on_chunk_extension_name;
  llhttp_data_cb on_chunk_extension_value;
  llhttp_cb on_headers_complete;
  llhttp_data_cb on_body;
  llhttp_cb on_message_complete;
  llhttp_cb on_protocol_complete;
  llhttp_cb on_url_complete;
  llhttp_cb on_status_complete;
  llhttp_cb on_method_complete;
  llhttp_cb on_version_complete;
  llhttp_cb on_header_field_complete;
  llhttp_cb on_header_value_complete;
  llhttp_cb on_chunk_extension_name_complete;
  llhttp_cb on_chunk_extension_value_complete;
  llhttp_cb on_chunk_header;
  llhttp_cb on_chunk_complete;
  llhttp_cb on_reset;
  void* reserved[8];  // room for callbacks that a later 9.x may append
};

void llhttp_settings_init(llhttp_settings_t* settings);
void llhttp_init(llhttp_t* parser, int type, const llhttp_settings_t* settings);
int llhttp_execute(llhttp_t* parser, const char* data, size_t length);
int llhttp_should_keep_alive(const llhttp_t* parser);
void llhttp_resume_after_upgrade(llhttp_t* parser);
const char* llhttp_get_error_pos(const llhttp_t* parser);
const char* llhttp_method_name(int method);
uint8_t llhttp_get_method(llhttp_t* parser);
uint8_t llhttp_get_http_major(llhttp_t* parser);
uint8_t llhttp_get_http_minor(llhttp_t* parser);
uint8_t llhttp_get_upgrade(llhttp_t* parser);

}  // extern "C"

namespace millrace {

inline constexpr int kLlhttpRequest = 1;
inline constexpr int kLlhttpOk = 0;
inline constexpr int kLlhttpUnexpectedLength = 4;
inline constexpr int kLlhttpInvalidMethod = 6;
inline constexpr int kLlhttpInvalidTarget = 7;
inline constexpr int kLlhttpInvalidLength = 11;
inline constexpr int kLlhttpInvalidCoding = 15;
inline constexpr int kLlhttpPaused = 21;
inline constexpr int kLlhttpPausedUpgrade = 22;
inline constexpr int kLlhttpUser = 24;

// Numbers of llhttp's methods that have rules of their own here.
inline constexpr int kMethodGet = 1;
inline constexpr int kMethodHead = 2;
inline constexpr int kMethodConnect = 5;
inline constexpr int kMethodOptions = 6;
inline constexpr int kMethodTrace = 7;
inline constexpr int kMethodPropfind = 12;
inline constexpr int kMethodSearch = 14;
inline constexpr int kMethodReport = 20;
inline constexpr int kMethodQuery = 46;

// Those of HTTP/1.1: the numbers between belong to RTSP and HTTP/2.
inline constexpr uint64_t kHttpMethods = (1ull << 34) - 1 + (1ull << kMethodQuery);

}  // namespace millrace
