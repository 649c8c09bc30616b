// Engines under ThreadSanitizer, which cannot be loaded into a Node.js: the functions of llhttp
// that the parser calls, for requests that are a head alone, and the `main` that stands for the
// loading of a test in ../in-node/. A field whose name begins with U makes an upgrade of a request.
// What is tested there is threads; that requests mean the same to llhttp itself is seen when the
// same test runs in Node.js under AddressSanitizer.
#include "core/llhttp-abi.h"

#include <cstring>

#include "../check.h"

namespace {

enum class At : uint8_t { kStart, kMethod, kUrl, kVersion, kLine, kName, kSpace, kValue, kEnd };

// Lies in the memory that the parser gives to llhttp.
struct Machine {
  const llhttp_settings_t* settings;
  const char* stopped;
  At at;
  bool upgrades;
};

Machine& of(llhttp_t* raw) { return *reinterpret_cast<Machine*>(raw); }

// A span that ends at `to`, or goes on with the next bytes.
int tell(llhttp_t* raw, llhttp_data_cb call, const char* from, const char* to) {
  return from == to ? 0 : call(raw, from, static_cast<size_t>(to - from));
}

llhttp_data_cb span_of(llhttp_t* raw) {
  const llhttp_settings_t& settings = *of(raw).settings;
  switch (of(raw).at) {
    case At::kMethod: return settings.on_method;
    case At::kUrl: return settings.on_url;
    case At::kName: return settings.on_header_field;
    case At::kValue: return settings.on_header_value;
    default: return nullptr;
  }
}

bool ends_span(At at, char c) {
  return (at == At::kMethod || at == At::kUrl) ? c == ' ' : at == At::kName ? c == ':' : c == '\r';
}

// What a byte outside of spans leads to.
int step(llhttp_t* raw, char c) {
  Machine& self = of(raw);
  switch (self.at) {
    case At::kStart:
      self.at = At::kMethod;
      self.upgrades = false;
      break;
    case At::kVersion:
      if (c == '\n') self.at = At::kLine;
      break;
    case At::kLine:
      self.at = c == '\r' ? At::kEnd : At::kName;
      self.upgrades = self.upgrades || c == 'U';
      break;
    case At::kSpace:
      if (c != ' ') self.at = At::kValue;
      break;
    case At::kEnd:
      self.at = At::kStart;
      if (int code = self.settings->on_headers_complete(raw)) return code;
      if (int code = self.settings->on_message_complete(raw)) return code;
      return self.upgrades ? millrace::kLlhttpPausedUpgrade : 0;
    default:
      break;
  }
  return 0;
}

int finish_span(llhttp_t* raw) {
  Machine& self = of(raw);
  switch (self.at) {
    case At::kMethod:
      self.at = At::kUrl;
      return self.settings->on_method_complete(raw);
    case At::kUrl:
      self.at = At::kVersion;
      return 0;
    case At::kName:
      self.at = At::kSpace;
      return 0;
    default:
      self.at = At::kVersion;  // to the end of the line
      return self.settings->on_header_value_complete(raw);
  }
}

int stop(llhttp_t* raw, const char* at, int code) {
  of(raw).stopped = at;
  return code;
}

}  // namespace

extern "C" {

void llhttp_settings_init(llhttp_settings_t* settings) { *settings = {}; }

void llhttp_init(llhttp_t* parser, int, const llhttp_settings_t* settings) {
  of(parser) = Machine{settings, nullptr, At::kStart, false};
}

int llhttp_execute(llhttp_t* parser, const char* data, size_t length) {
  const char* end = data + length;
  const char* span = data;
  for (const char* at = data; at < end; at++) {
    llhttp_data_cb call = span_of(parser);
    if (call == nullptr) {
      if (int code = step(parser, *at)) return stop(parser, at + 1, code);
      span = at;
    } else if (ends_span(of(parser).at, *at)) {
      int code = tell(parser, call, span, at);
      if (code == 0) code = finish_span(parser);
      if (code != 0) return stop(parser, at, code);
      span = at + 1;
    }
  }
  llhttp_data_cb call = span_of(parser);
  int code = call == nullptr ? 0 : tell(parser, call, span, end);
  return code == 0 ? 0 : stop(parser, end, code);
}

int llhttp_should_keep_alive(const llhttp_t*) { return 1; }
void llhttp_resume_after_upgrade(llhttp_t*) {}
const char* llhttp_get_error_pos(const llhttp_t* parser) {
  return of(const_cast<llhttp_t*>(parser)).stopped;
}
const char* llhttp_method_name(int) { return "GET"; }
uint8_t llhttp_get_method(llhttp_t*) { return millrace::kMethodGet; }
uint8_t llhttp_get_http_major(llhttp_t*) { return 1; }
uint8_t llhttp_get_http_minor(llhttp_t*) { return 1; }
uint8_t llhttp_get_upgrade(llhttp_t* parser) { return of(parser).upgrades; }

void* napi_register_module_v1(void*, void*);

}  // extern "C"

int main() { napi_register_module_v1(nullptr, nullptr); }
