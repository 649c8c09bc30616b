// The functions that the primary's JavaScript calls: servers, worker slots, listeners, counters.
// All rare. Thread: the primary's.
#include "server-calls.h"

#include <sys/resource.h>

#include <string>

#include "core/clock.h"
#include "listener-bridge.h"
#include "values.h"

namespace millrace {

namespace {

// The limit of open files, of which some must be left for everything else.
int64_t connections_max_of(double wanted) {
  if (wanted > 0) return static_cast<int64_t>(wanted);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT64_MAX;
  return static_cast<int64_t>(limit.rlim_cur / 10 * 9);
}

// Casts of what lies outside the range of an integer are undefined.
double member(napi_env env, napi_value object, const char* name) {
  double value = to_double(env, get(env, object, name));
  return value > 0 && value < 4294967296.0 ? value : 0;
}

// createServer({ stuckMs, balance, connectionsMax, connectionsPerAddressMax }) → { handle, id }
napi_value create_server(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ServerShared* server = ServerShared::create();
  double stuck_ms = member(env, arguments[0], "stuckMs");
  server->set_stuck_ns(static_cast<uint64_t>(stuck_ms * 1e6));
  double policy = member(env, arguments[0], "balance");
  if (policy < BALANCE_COUNT) server->set_policy(static_cast<Policy>(policy));
  double per_address = member(env, arguments[0], "connectionsPerAddressMax");
  server->set_connection_limits(
      connections_max_of(member(env, arguments[0], "connectionsMax")),
      static_cast<uint32_t>(per_address));
  napi_value result = nullptr;
  napi_create_object(env, &result);
  auto finalize = [](napi_env, void* data, void*) { static_cast<ServerShared*>(data)->release(); };
  set(env, result, "handle", make_handle(env, HandleKind::kServer, server, finalize));
  set(env, result, "id", from_double(env, server->id()));
  return result;
}

// addWorker(server, seat) → slot, or -1 when all are taken.
napi_value add_worker(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto seat = static_cast<uint32_t>(to_int(env, arguments[1]));
  return from_double(env, server_of(env, arguments[0])->add_worker(seat));
}

// removeWorker(server, slot)
napi_value remove_worker(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  server_of(env, arguments[0])->remove_worker(to_int(env, arguments[1]));
  return nullptr;
}

// leaveWorker(server, slot): nobody gives the worker connections any more.
napi_value leave_worker(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  server_of(env, arguments[0])->leave_worker(to_int(env, arguments[1]));
  return nullptr;
}

// setListenerState(server, listener, state)
napi_value set_listener_state(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  server_of(env, arguments[0])
      ->set_listener_state(to_int(env, arguments[1]),
                           static_cast<ListenerState>(to_int(env, arguments[2])));
  return nullptr;
}

// setReadiness(server, readiness): what readiness probes are told, as READINESS of src/native.ts
napi_value set_readiness(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int readiness = to_int(env, arguments[1]);
  bool is_known = readiness >= 0 && readiness <= static_cast<int>(Readiness::kDraining);
  if (is_known) server_of(env, arguments[0])->set_readiness(static_cast<Readiness>(readiness));
  return nullptr;
}

ListenerBridge* bridge_of(napi_env env, napi_value value) {
  return *static_cast<ListenerBridge**>(handle_data(env, value));
}

// Absent or negative: -1.
int index_member(napi_env env, napi_value object, const char* name) {
  napi_valuetype type = napi_undefined;
  napi_value value = get(env, object, name);
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_number) return -1;
  double number = to_double(env, value);
  return number >= 0 && number <= 2147483647.0 ? static_cast<int>(number) : -1;
}

// listen(server, listener, { host, port } | { path, mode } | { fd, path }, backlog, onFailed)
// → { handle, host, port, path } as the system says it is bound, or { error: errno }
napi_value listen(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ServerShared* server = ServerShared::find(server_of(env, arguments[0])->id());
  std::string host = to_string(env, get(env, arguments[2], "host"));
  std::string path = to_string(env, get(env, arguments[2], "path"));
  BindAddress address;
  address.host = host.c_str();
  address.port = static_cast<uint16_t>(to_int(env, get(env, arguments[2], "port")));
  address.path = path.empty() ? nullptr : path.c_str();
  address.backlog = to_int(env, arguments[3]);
  address.fd = index_member(env, arguments[2], "fd");
  address.mode = index_member(env, arguments[2], "mode");
  auto* bridge =
      new ListenerBridge(env, server, static_cast<uint16_t>(to_int(env, arguments[1])));
  napi_value result = nullptr;
  napi_create_object(env, &result);
  int code = bridge->start(address, arguments[4]);
  if (code != 0) {
    set(env, result, "error", from_double(env, code));
    return result;
  }
  // A cell of its own, freed with the handle: the bridge frees itself when it is stopped.
  auto* cell = new ListenerBridge*(bridge);
  auto finalize = [](napi_env, void* data, void*) { delete static_cast<ListenerBridge**>(data); };
  set(env, result, "handle", make_handle(env, HandleKind::kListener, cell, finalize));
  set(env, result, "host", from_string(env, bridge->socket().host()));
  set(env, result, "port", from_double(env, bridge->socket().port()));
  set(env, result, "path", from_string(env, bridge->socket().path()));
  return result;
}

// closeListener(handle, isHandedOver): once; the handle is of no use afterwards.
napi_value close_listener(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto* cell = static_cast<ListenerBridge**>(handle_data(env, arguments[0]));
  ListenerBridge* bridge = *cell;
  *cell = nullptr;
  if (bridge != nullptr) bridge->stop(to_bool(env, arguments[1]));
  return nullptr;
}

// holdListener(handle, isHeld): see ListenerBridge::hold.
napi_value hold_listener(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerBridge* bridge = bridge_of(env, arguments[0]);
  if (bridge != nullptr) bridge->hold(to_bool(env, arguments[1]));
  return nullptr;
}

// listenerDescriptor(handle) → the descriptor of its socket, which stays its own; -1 once closed
napi_value listener_descriptor(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerBridge* bridge = bridge_of(env, arguments[0]);
  return from_double(env, bridge == nullptr ? -1 : bridge->socket().fd());
}

// expireOrphans(server, ageMs) → how many connections were closed for want of a worker. Those that
// were turned away are looked at too.
napi_value expire_orphans(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  server_of(env, arguments[0])->expire_refused();
  uint64_t age = static_cast<uint64_t>(to_double(env, arguments[1]));
  return from_double(env, server_of(env, arguments[0])->expire_orphans(age));
}

// dropOrphans(server, listener) → how many
napi_value drop_orphans(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  return from_double(env, server_of(env, arguments[0])->drop_orphans(to_int(env, arguments[1])));
}

double count_of(const std::atomic<uint64_t>& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

// condemnWorker(server, slot): its thread is about to be terminated because it does not yield.
napi_value condemn_worker(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  WorkerShared* worker = server_of(env, arguments[0])->worker(to_int(env, arguments[1]));
  if (worker != nullptr) worker->is_condemned.store(true, std::memory_order_release);
  return nullptr;
}

// workerStats(server, slot, into: Float64Array): connections, busy ms, ms awake (0: asleep), bytes
// held, requests in flight, the number of the route entered last (-1: none), then for each listener
// requests, bytes in, bytes out, rejected, connections.
napi_value worker_stats(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  WorkerShared* worker = server_of(env, arguments[0])->worker(to_int(env, arguments[1]));
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[2], nullptr, &length, &data, nullptr, nullptr);
  auto* out = static_cast<double*>(data);
  if (worker == nullptr || length < 6) return nullptr;
  uint64_t awake = worker->awake_since_ns.load(std::memory_order_relaxed);
  uint64_t now = clock_ns();
  out[0] = worker->connections.load(std::memory_order_relaxed);
  out[1] = count_of(worker->busy_ns) / 1e6;
  out[2] = awake == 0 || awake > now ? 0 : static_cast<double>(now - awake) / 1e6;
  out[3] = count_of(worker->held_bytes);
  out[4] = worker->in_flight.load(std::memory_order_relaxed);
  out[5] = worker->route.load(std::memory_order_relaxed);
  size_t listeners = (length - 6) / 5;
  for (size_t i = 0; i < listeners && i < static_cast<size_t>(kListenersMax); i++) {
    double* row = out + 6 + i * 5;
    const Counters& counters = worker->counters[i];
    row[0] = count_of(counters.requests);
    row[1] = count_of(counters.bytes_in);
    row[2] = count_of(counters.bytes_out);
    row[3] = count_of(counters.rejected);
    row[4] = counters.connections.load(std::memory_order_relaxed);
  }
  return nullptr;
}

// listenerConnections(server, listener) → live connections, wherever they are
napi_value listener_connections(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerShared& listener = server_of(env, arguments[0])->listener(to_int(env, arguments[1]));
  double count = static_cast<double>(listener.connections.load(std::memory_order_relaxed));
  return from_double(env, count);
}

// listenerUpgraded(server, listener) → those of them that have switched protocols
napi_value listener_upgraded(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerShared& listener = server_of(env, arguments[0])->listener(to_int(env, arguments[1]));
  double count = static_cast<double>(listener.upgraded.load(std::memory_order_relaxed));
  return from_double(env, count);
}

// listenerUnannounced(server, listener) → connections closed for want of a PROXY header
napi_value listener_unannounced(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerShared& listener = server_of(env, arguments[0])->listener(to_int(env, arguments[1]));
  return from_double(env, count_of(listener.unannounced));
}

// listenerUnused(server, listener): see ServerShared::is_unused.
napi_value listener_unused(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  napi_value result = nullptr;
  napi_get_boolean(env, server_of(env, arguments[0])->is_unused(to_int(env, arguments[1])),
                   &result);
  return result;
}

// listenerRefused(server, listener) → connections turned away
napi_value listener_refused(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  ListenerShared& listener = server_of(env, arguments[0])->listener(to_int(env, arguments[1]));
  return from_double(env, count_of(listener.refused));
}

constexpr Call kCalls[] = {
    {"createServer", create_server, "o"},
    {"addWorker", add_worker, "Sw"},
    {"removeWorker", remove_worker, "Sw"},
    {"leaveWorker", leave_worker, "Sw"},
    {"setListenerState", set_listener_state, "Slw"},
    {"setReadiness", set_readiness, "Sd"},
    {"listen", listen, "Slonf"},
    {"closeListener", close_listener, "Lb"},
    {"holdListener", hold_listener, "Lb"},
    {"listenerDescriptor", listener_descriptor, "L"},
    {"expireOrphans", expire_orphans, "Sn"},
    {"dropOrphans", drop_orphans, "Sd"},
    {"condemnWorker", condemn_worker, "Sw"},
    {"workerStats", worker_stats, "SwF"},
    {"listenerConnections", listener_connections, "Sl"},
    {"listenerUnused", listener_unused, "Sl"},
    {"listenerRefused", listener_refused, "Sl"},
    {"listenerUpgraded", listener_upgraded, "Sl"},
    {"listenerUnannounced", listener_unannounced, "Sl"},
};

}  // namespace

void register_server_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
