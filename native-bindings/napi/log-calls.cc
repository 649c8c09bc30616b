// The functions that the primary calls on a server's access log, and what a worker asks about the
// refusals it is told of.
#include <cerrno>

#include "core/access-log.h"
#include "engine-bridge.h"
#include "log-calls.h"
#include "server-calls.h"
#include "values.h"

namespace millrace {

namespace {

// startAccessLog(server, path, format, hasIds, ids, isLogged) → errno, 0 when it runs. Once, before
// there are workers; an empty path is standard output.
napi_value start_access_log(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  AccessLogOptions options;
  options.path = to_string(env, arguments[1]);
  options.format = static_cast<LogFormat>(to_int(env, arguments[2]));
  options.has_ids = to_bool(env, arguments[3]) || options.format == LogFormat::kJson;
  uint32_t count = 0;
  napi_get_array_length(env, arguments[4], &count);
  for (uint32_t i = 0; i < count && i < static_cast<uint32_t>(kListenersMax); i++) {
    napi_value id = nullptr;
    napi_value is_logged = nullptr;
    napi_get_element(env, arguments[4], i, &id);
    napi_get_element(env, arguments[5], i, &is_logged);
    options.listener_ids[i] = to_string(env, id);
    options.is_logged[i] = to_bool(env, is_logged);
  }
  int error = 0;
  AccessLog* log = AccessLog::start(options, &error);
  if (log != nullptr) server_of(env, arguments[0])->set_access_log(log);
  return from_double(env, error);
}

// setLogListener(server, listener, id, isLogged): see AccessLog::set_listener.
napi_value set_log_listener(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  AccessLog* log = server_of(env, arguments[0])->access_log();
  if (log == nullptr) return nullptr;
  log->set_listener(to_int(env, arguments[1]), to_string(env, arguments[2]),
                    to_bool(env, arguments[3]));
  return nullptr;
}

// reopenAccessLog(server) → errno; the writer goes on with the new file within moments.
napi_value reopen_access_log(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  AccessLog* log = server_of(env, arguments[0])->access_log();
  return from_double(env, log == nullptr ? 0 : log->reopen());
}

// endAccessLog(server): what is there is written; accessLogStats tells when.
napi_value end_access_log(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  AccessLog* log = server_of(env, arguments[0])->access_log();
  if (log != nullptr) log->end();
  return nullptr;
}

// accessLogStats(server, into: Float64Array): lines, dropped, errno of the last write, how often
// the file was swapped, 1 when the log has ended.
napi_value access_log_stats(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  AccessLog* log = server_of(env, arguments[0])->access_log();
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[1], nullptr, &length, &data, nullptr, nullptr);
  if (log == nullptr || length < 5) return nullptr;
  AccessLogStats stats = log->stats();
  auto* out = static_cast<double*>(data);
  out[0] = static_cast<double>(stats.lines);
  out[1] = static_cast<double>(stats.dropped);
  out[2] = stats.failure;
  out[3] = stats.generation;
  out[4] = stats.has_ended ? 1 : 0;
  return nullptr;
}

// engineReason(engine, index) → the text of a refusal's reason
napi_value engine_reason(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto index = static_cast<size_t>(to_int(env, arguments[1]));
  return from_string(env, engine_of(env, arguments[0]).reason(index));
}

// engineNames(engine, prefix, headers): how the access log calls requests; headers by listener.
napi_value engine_names(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::vector<std::string> headers;
  uint32_t count = 0;
  napi_get_array_length(env, arguments[2], &count);
  for (uint32_t i = 0; i < count && i < static_cast<uint32_t>(kListenersMax); i++) {
    napi_value header = nullptr;
    napi_get_element(env, arguments[2], i, &header);
    headers.push_back(to_string(env, header));
  }
  engine_of(env, arguments[0]).name_requests(to_string(env, arguments[1]), headers);
  return nullptr;
}

constexpr Call kCalls[] = {
    {"startAccessLog", start_access_log, "Ssdbaa"},
    {"setLogListener", set_log_listener, "Slsb"},
    {"reopenAccessLog", reopen_access_log, "S"},
    {"endAccessLog", end_access_log, "S"},
    {"accessLogStats", access_log_stats, "SF"},
    {"engineReason", engine_reason, "En"},
    {"engineNames", engine_names, "Esa"},
};

}  // namespace

void register_log_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
