#include "process-calls.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/notify-socket.h"
#include "values.h"

namespace millrace {

namespace {

// notifyService(socket, text) → errno
napi_value notify_service(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::string path = to_string(env, arguments[0]);
  std::string text = to_string(env, arguments[1]);
  return from_double(env, send_notification(path.c_str(), text.data(), text.size()));
}

// replaceDescriptor(from, to) → errno: `to` becomes what `from` is, which is closed.
napi_value replace_descriptor(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int from = to_int(env, arguments[0]);
  int code = ::dup2(from, to_int(env, arguments[1])) < 0 ? errno : 0;
  if (code == 0) ::close(from);
  return from_double(env, code);
}

constexpr Call kCalls[] = {
    {"notifyService", notify_service, "ss"},
    {"replaceDescriptor", replace_descriptor, "nn"},
};

}  // namespace

void register_process_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
