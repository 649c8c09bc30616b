// The addon's entry: checks the runtime's parser once, hands its layout to JavaScript, registers
// the calls. Loaded by the primary and by each worker; state belongs to the objects they create.
#include <node_api.h>

#include <mutex>

#include "core/layout.h"
#include "core/parser.h"
#include "connection-calls.h"
#include "engine-bridge.h"
#include "file-calls.h"
#include "log-calls.h"
#include "process-calls.h"
#include "server-calls.h"
#include "values.h"

namespace millrace {

namespace {

bool check_parser() {
  static std::once_flag once;
  static bool passed = false;
  std::call_once(once, [] {
    Parser::init_process();
    passed = Parser::self_test();
  });
  return passed;
}

napi_value layout(napi_env env) {
  napi_value rows = nullptr;
  napi_create_object(env, &rows);
#define MILLRACE_LAYOUT_ROW(name, value) set(env, rows, #name, from_double(env, value));
  MILLRACE_LAYOUT(MILLRACE_LAYOUT_ROW)
#undef MILLRACE_LAYOUT_ROW
  return rows;
}

}  // namespace

}  // namespace millrace

// Visible to the loader although everything else is hidden.
NAPI_MODULE_INIT() {
  napi_value parser_passed = nullptr;
  napi_get_boolean(env, millrace::check_parser(), &parser_passed);
  millrace::set(env, exports, "parserPassed", parser_passed);
  millrace::set(env, exports, "layout", millrace::layout(env));
  millrace::register_server_calls(env, exports);
  millrace::register_engine_calls(env, exports);
  millrace::register_connection_calls(env, exports);
  millrace::register_file_calls(env, exports);
  millrace::register_log_calls(env, exports);
  millrace::register_process_calls(env, exports);
  return exports;
}
