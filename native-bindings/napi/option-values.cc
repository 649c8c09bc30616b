#include "option-values.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/layout.h"
#include "values.h"

namespace millrace {

namespace {

uint32_t option(napi_env env, napi_value options, const char* name) {
  double value = to_double(env, get(env, options, name));
  return value > 4294967295.0 ? 4294967295u : value > 0 ? static_cast<uint32_t>(value) : 0;
}

// Of 64 bits; casts of what lies outside the range of an integer are undefined.
uint64_t long_option(napi_env env, napi_value options, const char* name) {
  double value = to_double(env, get(env, options, name));
  return value > 0 && value < 1e18 ? static_cast<uint64_t>(value) : 0;
}

// What native memory is made for: beyond it offsets of 16 bits and the rings would not do.
uint32_t bounded(napi_env env, napi_value options, const char* name, uint32_t max) {
  uint32_t value = option(env, options, name);
  return value < 1 ? 1 : value > max ? max : value;
}

// A string of addresses and networks, with commas or spaces between; JavaScript has checked them.
void read_ranges(std::string_view rest, AddressRanges& into) {
  while (!rest.empty()) {
    size_t end = rest.find_first_of(", ");
    if (end > 0) into.add(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

}  // namespace

ForwardedTrust read_trust(napi_env env, napi_value value) {
  ForwardedTrust trust;
  std::string trusted = to_string(env, get(env, value, "trustProxy"));
  bool is_count = !trusted.empty() && trusted.find_first_not_of("0123456789") == trusted.npos;
  if (is_count) trust.hops = static_cast<uint32_t>(std::atoi(trusted.c_str()));
  else read_ranges(trusted, trust.ranges);
  bool is_standard = to_string(env, get(env, value, "forwardedFields")) == "forwarded";
  if (is_standard) trust.kind = ForwardedKind::kForwarded;
  return trust;
}

ListenerOptions read_listener_options(napi_env env, napi_value value) {
  ListenerOptions options;
  options.limits.head_bytes_max = bounded(env, value, "headBytesMax", 65535);
  options.limits.headers_max = bounded(env, value, "headersMax", 65535);
  options.limits.target_bytes_max = bounded(env, value, "targetBytesMax", 65535);
  options.limits.methods = long_option(env, value, "methodBits") & kHttpMethods;
  options.routes = option(env, value, "routes") & 0xffff;
  options.pipeline_max = bounded(env, value, "pipelineMax", EVENT_MAX / 2);
  options.output_bytes_max = option(env, value, "outputBytesMax");
  options.output_hard_bytes_max = option(env, value, "outputHardBytesMax");
  options.body_bytes_max = long_option(env, value, "declaredBodyBytesMax");
  options.head_timeout_ms = option(env, value, "headTimeoutMs");
  options.body_timeout_ms = option(env, value, "bodyTimeoutMs");
  options.idle_timeout_ms = option(env, value, "idleTimeoutMs");
  options.handler_timeout_ms = option(env, value, "handlerTimeoutMs");
  options.write_timeout_ms = option(env, value, "writeTimeoutMs");
  void* lines = nullptr;
  size_t length = 0;
  if (napi_get_buffer_info(env, get(env, value, "defaultLines"), &lines, &length) == napi_ok) {
    options.default_lines.assign(static_cast<char*>(lines), length);
  }
  options.proxy_required = to_string(env, get(env, value, "proxyProtocol")) == "required";
  read_ranges(to_string(env, get(env, value, "trustedProxies")), options.trusted_proxies);
  options.forwarded = read_trust(env, value);
  options.probes.liveness = to_string(env, get(env, value, "livenessPath"));
  options.probes.readiness = to_string(env, get(env, value, "readinessPath"));
  options.has_probes = options.probes.is_any();
  if (to_bool(env, get(env, value, "announceKeepAlive"))) {
    options.keep_alive.announce(options.idle_timeout_ms);
  }
  return options;
}

EngineOptions read_engine_options(napi_env env, napi_value value) {
  EngineOptions options;
  options.drain_quiet_ms = option(env, value, "drainQuietMs");
  options.tells_done = to_bool(env, get(env, value, "tellsDone"));
  options.reports_refusals = to_bool(env, get(env, value, "reportsRefusals"));
  options.memory_bytes_max = long_option(env, value, "memoryBytesMax");
  options.in_flight_max = option(env, value, "inFlightMax");
  return options;
}

}  // namespace millrace
