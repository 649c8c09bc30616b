// The functions that a worker's JavaScript calls on its engine: all rare but `flush` and `slab`.
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "engine-bridge.h"
#include "values.h"

namespace millrace {

namespace {

EngineBridge* bridge_of(napi_env env, napi_value value) {
  return static_cast<EngineBridge*>(handle_data(env, value));
}

uint32_t option(napi_env env, napi_value options, const char* name) {
  double value = to_double(env, get(env, options, name));
  return value > 4294967295.0 ? 4294967295u : value > 0 ? static_cast<uint32_t>(value) : 0;
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

ListenerOptions listener_options_of(napi_env env, napi_value value) {
  ListenerOptions options;
  options.limits.head_bytes_max = bounded(env, value, "headBytesMax", 65535);
  options.limits.headers_max = bounded(env, value, "headersMax", 65535);
  options.limits.target_bytes_max = bounded(env, value, "targetBytesMax", 65535);
  double methods = to_double(env, get(env, value, "methodBits"));
  options.limits.methods =
      (methods > 0 && methods < 9e15 ? static_cast<uint64_t>(methods) : 0) & kHttpMethods;
  options.routes = option(env, value, "routes") & 0xffff;
  options.pipeline_max = bounded(env, value, "pipelineMax", EVENT_MAX / 2);
  options.output_bytes_max = option(env, value, "outputBytesMax");
  options.output_hard_bytes_max = option(env, value, "outputHardBytesMax");
  double body = to_double(env, get(env, value, "declaredBodyBytesMax"));
  options.body_bytes_max = body > 0 && body < 1e18 ? static_cast<uint64_t>(body) : 0;
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
  std::string trusted = to_string(env, get(env, value, "trustProxy"));
  bool is_count = !trusted.empty() && trusted.find_first_not_of("0123456789") == trusted.npos;
  if (is_count) options.forwarded.hops = static_cast<uint32_t>(std::atoi(trusted.c_str()));
  else read_ranges(trusted, options.forwarded.ranges);
  bool is_standard = to_string(env, get(env, value, "forwardedFields")) == "forwarded";
  if (is_standard) options.forwarded.kind = ForwardedKind::kForwarded;
  options.probes.liveness = to_string(env, get(env, value, "livenessPath"));
  options.probes.readiness = to_string(env, get(env, value, "readinessPath"));
  options.has_probes = options.probes.is_any();
  if (to_bool(env, get(env, value, "announceKeepAlive"))) {
    options.keep_alive.announce(options.idle_timeout_ms);
  }
  return options;
}

EngineOptions options_of(napi_env env, napi_value value) {
  EngineOptions options;
  options.drain_quiet_ms = option(env, value, "drainQuietMs");
  options.tells_done = to_bool(env, get(env, value, "tellsDone"));
  options.reports_refusals = to_bool(env, get(env, value, "reportsRefusals"));
  options.memory_bytes_max =
      static_cast<uint64_t>(to_double(env, get(env, value, "memoryBytesMax")));
  options.in_flight_max = option(env, value, "inFlightMax");
  return options;
}

void release_block(napi_env, void*, void* hint) { static_cast<EngineBridge*>(hint)->release(); }

void set_block(napi_env env, napi_value object, const char* name, void* data, size_t bytes,
               EngineBridge* bridge) {
  napi_value buffer = nullptr;
  bridge->retain();
  if (napi_create_external_arraybuffer(env, data, bytes, release_block, bridge, &buffer) !=
      napi_ok) {
    bridge->release();
    return;
  }
  set(env, object, name, buffer);
}

// createEngine(serverId, worker, options, onBatch) → blocks and handle, or undefined.
napi_value create_engine(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ServerShared* server = ServerShared::find(to_int(env, arguments[0]));
  if (server == nullptr) return undefined(env);
  EngineOptions options = options_of(env, arguments[2]);
  WorkerShared* worker = server->worker(to_int(env, arguments[1]));
  if (worker == nullptr || worker->in_use.load(std::memory_order_acquire)) {
    server->release();
    napi_throw_type_error(env, "ERR_MILLRACE_NATIVE_ARGUMENT",
                          "createEngine: no such worker, or one that has an engine");
    return nullptr;
  }
  auto* bridge = new EngineBridge(env, server, to_int(env, arguments[1]), options);
  if (!bridge->start(arguments[3])) {
    bridge->release();
    return undefined(env);
  }
  napi_value result = nullptr;
  napi_create_object(env, &result);
  bridge->retain();
  auto finalize = [](napi_env, void* data, void*) { static_cast<EngineBridge*>(data)->release(); };
  set(env, result, "handle", make_handle(env, HandleKind::kEngine, bridge, finalize));
  const SharedBlocks& blocks = bridge->engine().blocks();
  set_block(env, result, "events", blocks.events, sizeof(int32_t) * EVENT_WORDS * EVENT_MAX,
            bridge);
  set_block(env, result, "replies", blocks.replies, sizeof(int32_t) * REPLY_WORDS * REPLY_MAX,
            bridge);
  set_block(env, result, "arena", blocks.arena, ARENA_BYTES, bridge);
  set_block(env, result, "control", blocks.control, sizeof(int32_t) * CTL_WORDS, bridge);
  set_block(env, result, "slots", blocks.slots, sizeof(int32_t) * SLOT_WORDS * SLOT_MAX, bridge);
  set_block(env, result, "route", bridge->engine().route_word(), sizeof(int32_t), bridge);
  return result;
}

// engineSlab(engine, buffer)
napi_value engine_slab(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  if (!bridge_of(env, arguments[0])->use_slab(arguments[1])) {
    napi_throw_type_error(env, "ERR_MILLRACE_NATIVE_ARGUMENT", "engineSlab: too short");
  }
  return nullptr;
}

// engineBodyBuffer(engine, index, buffer): JavaScript holds the buffer for as long as it is here.
napi_value engine_body_buffer(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_buffer_info(env, arguments[2], &data, &length) != napi_ok) return nullptr;
  if (length < static_cast<size_t>(BODY_BUFFER_BYTES)) return nullptr;
  int index = to_int(env, arguments[1]);
  if (index < 0 || index >= BODY_BUFFERS) return nullptr;
  bridge_of(env, arguments[0])->engine().use_body_buffer(index, static_cast<char*>(data));
  return nullptr;
}

// engineFlush(engine)
napi_value engine_flush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])->engine().flush();
  return nullptr;
}

// engineOpen(engine) → boolean: connections may come.
napi_value engine_open(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  napi_value result = nullptr;
  napi_get_boolean(env, bridge_of(env, arguments[0])->engine().open_mailbox(), &result);
  return result;
}

// engineListener(engine, listener, options or null) → bytes that a slab must have from now on.
// Between turns.
napi_value engine_listener(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Engine& engine = bridge_of(env, arguments[0])->engine();
  auto index = static_cast<uint16_t>(to_int(env, arguments[1]));
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments[2], &type) == napi_ok && type == napi_object) {
    ListenerOptions options = listener_options_of(env, arguments[2]);
    engine.set_listener(index, &options);
  } else {
    engine.set_listener(index, nullptr);
  }
  return from_double(env, engine.slab_bytes());
}

// engineStop(engine, listener, force)
napi_value engine_stop(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])
      ->engine()
      .stop_listener(static_cast<uint16_t>(to_int(env, arguments[1])), to_bool(env, arguments[2]));
  return nullptr;
}

// engineRetire(engine): it takes nothing new, and each connection leaves as soon as it is idle.
napi_value engine_retire(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])->engine().retire();
  return nullptr;
}

// engineGive(engine, count, to) → how many idle connections have gone to the worker `to`, or to
// those that the balancer picked (-1).
napi_value engine_give(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Engine& engine = bridge_of(env, arguments[0])->engine();
  return from_double(env, engine.give(to_int(env, arguments[1]), to_int(env, arguments[2])));
}

Bytes bytes_of(napi_env env, napi_value value) {
  Bytes bytes;
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_buffer_info(env, value, &data, &length) == napi_ok) {
    bytes.append(static_cast<char*>(data), length);
  }
  return bytes;
}

// engineConstant(engine, status, type, lines, body) → index
napi_value engine_constant(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ConstantResponse constant;
  constant.status = to_int(env, arguments[1]);
  constant.type = to_int(env, arguments[2]);
  constant.lines = bytes_of(env, arguments[3]);
  constant.body = bytes_of(env, arguments[4]);
  return from_double(env, bridge_of(env, arguments[0])->engine().add_constant(constant));
}

// engineBind(engine, target, version, constant): the target is answered natively from now on.
napi_value engine_bind(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])
      ->engine()
      .bind_constant(to_int(env, arguments[1]), to_int(env, arguments[2]),
                     to_int(env, arguments[3]));
  return nullptr;
}

// engineReadiness(engine, listener) → what a probe is told, as READINESS of src/native.ts
napi_value engine_readiness(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  uint16_t listener = static_cast<uint16_t>(to_int(env, arguments[1]));
  Readiness readiness = bridge_of(env, arguments[0])->engine().readiness(listener);
  return from_double(env, static_cast<double>(readiness));
}

// engineEpoch(engine): routes have changed: targets get new versions, no constant is left.
napi_value engine_epoch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])->engine().new_epoch();
  return nullptr;
}

// engineCounts(engine, into: Float64Array): see Engine::counts.
napi_value engine_counts(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[1], nullptr, &length, &data, nullptr, nullptr);
  bridge_of(env, arguments[0])->engine().counts(static_cast<double*>(data), length);
  return nullptr;
}

// Where a Unix socket was bound; empty: nowhere, or it is an abstract one.
std::string path_of(int (*read)(int, sockaddr*, socklen_t*), int fd) {
  sockaddr_un name{};
  socklen_t length = sizeof name;
  if (read(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return {};
  return {name.sun_path, ::strnlen(name.sun_path, sizeof name.sun_path)};
}

napi_value endpoint_of(napi_env env, const PeerAddress& address, const std::string& path) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  bool is_ip = address.family == PeerAddress::kIPv4 || address.family == PeerAddress::kIPv6;
  set(env, result, "address", from_string(env, is_ip ? address.text : path.c_str()));
  if (is_ip) set(env, result, "port", from_double(env, address.port));
  const char* family = address.family == PeerAddress::kIPv4 ? "IPv4" : is_ip ? "IPv6" : "unix";
  set(env, result, "family", from_string(env, family));
  return result;
}

// engineConnection(engine, slot, generation) → { id, remote, local } or undefined when closed.
napi_value engine_connection(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Connection* connection =
      bridge_of(env, arguments[0])
          ->engine()
          .connection(static_cast<uint32_t>(to_int(env, arguments[1])),
                      static_cast<uint32_t>(to_int(env, arguments[2])));
  if (connection == nullptr) return undefined(env);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  set(env, result, "id", from_double(env, static_cast<double>(connection->id)));
  PeerAddress remote;
  PeerAddress local;
  connection->read_peer(remote);
  connection->read_local(local);
  // A header announces no paths, so those of the socket are not given in their stead.
  bool is_unix = remote.family == PeerAddress::kUnix &&
                 (connection->announced == nullptr ||
                  connection->announced->family == PeerAddress::kUnknown);
  int fd = connection->fd;
  set(env, result, "remote", endpoint_of(env, remote, is_unix ? path_of(getpeername, fd) : ""));
  set(env, result, "local", endpoint_of(env, local, is_unix ? path_of(getsockname, fd) : ""));
  return result;
}

// `IPv4 443 192.0.2.1`, as a connection's ends are known to JavaScript.
PeerAddress peer_of(const std::string& text) {
  PeerAddress peer;
  size_t port = text.find(' ');
  size_t address = port == text.npos ? text.npos : text.find(' ', port + 1);
  if (text.starts_with("unix ")) {
    peer.family = PeerAddress::kUnix;
  } else if (address != text.npos && parse_address(text.substr(address + 1), peer)) {
    peer.port = static_cast<uint16_t>(std::atoi(text.c_str() + port + 1));
  }
  return peer;
}

void set_view(napi_env env, napi_value object, const char* name, std::string_view text) {
  set(env, object, name, from_string(env, std::string(text).c_str()));
}

// engineForwarded(engine, listener, peer, list, proto, host) → { address, port?, family, proto,
// host }: see core/forwarded.h.
napi_value engine_forwarded(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Engine& engine = bridge_of(env, arguments[0])->engine();
  uint16_t listener = static_cast<uint16_t>(to_int(env, arguments[1]));
  if (!engine.has_listener(listener)) return undefined(env);
  std::string list = to_string(env, arguments[3]);
  std::string proto = to_string(env, arguments[4]);
  std::string host = to_string(env, arguments[5]);
  PeerAddress peer = peer_of(to_string(env, arguments[2]));
  ForwardedClient client = find_client(engine.forwarded(listener), peer, {list, proto, host});
  napi_value result = endpoint_of(env, client.address, "");
  set_view(env, result, "proto", client.proto);
  set_view(env, result, "host", client.host);
  return result;
}

// engineClose(engine): for an engine in the primary, whose environment goes on.
napi_value engine_close(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  bridge_of(env, arguments[0])->shutdown();
  return nullptr;
}

// nameThread(name): at most 15 bytes, as in `top -H` and in profiles.
napi_value name_thread(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  pthread_setname_np(pthread_self(), to_string(env, arguments[0]).substr(0, 15).c_str());
  return nullptr;
}

// yieldThread(): waking up, this thread does not take the processor from another one that runs.
// Threads that it starts are not affected. Refused by some sandboxes, and then nothing changes.
napi_value yield_thread(napi_env, napi_callback_info) {
  sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &parameters);
  return nullptr;
}

}  // namespace

namespace {

constexpr Call kCalls[] = {
    {"createEngine", create_engine, "nwof"},
    {"engineSlab", engine_slab, "EB"},
    {"engineBodyBuffer", engine_body_buffer, "EdB"},
    {"engineFlush", engine_flush, "E"},
    {"engineOpen", engine_open, "E"},
    {"engineListener", engine_listener, "El"},
    {"engineStop", engine_stop, "Elb"},
    {"engineRetire", engine_retire, "E"},
    {"engineGive", engine_give, "Edd"},
    {"engineConstant", engine_constant, "EddBB"},
    {"engineCounts", engine_counts, "EF"},
    {"engineBind", engine_bind, "Eddd"},
    {"engineReadiness", engine_readiness, "El"},
    {"engineEpoch", engine_epoch, "E"},
    {"engineConnection", engine_connection, "Edd"},
    {"engineForwarded", engine_forwarded, "Elssss"},
    {"engineClose", engine_close, "E"},
    {"nameThread", name_thread, "s"},
    {"yieldThread", yield_thread, ""},
};

}  // namespace

void register_engine_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
