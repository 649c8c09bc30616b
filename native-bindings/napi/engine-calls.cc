// The functions that a worker's JavaScript calls on its engine: all rare but `flush` and `slab`.
#include <pthread.h>
#include <sched.h>

#include "engine-bridge.h"
#include "option-values.h"
#include "values.h"

namespace millrace {

namespace {

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
  EngineOptions options = read_engine_options(env, arguments[2]);
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
  if (!EngineBridge::of(env, arguments[0])->use_slab(arguments[1])) {
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
  engine_of(env, arguments[0]).use_body_buffer(index, static_cast<char*>(data));
  return nullptr;
}

// engineFlush(engine)
napi_value engine_flush(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0]).flush();
  return nullptr;
}

// engineFlushBytes(engine, bytes): the flush of a ring whose last record is about these bytes.
napi_value engine_flush_bytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* data = nullptr;
  size_t length = 0;
  napi_get_buffer_info(env, arguments[1], &data, &length);
  engine_of(env, arguments[0]).flush_bytes(static_cast<const char*>(data), length);
  return nullptr;
}

// engineOpen(engine) → boolean: connections may come.
napi_value engine_open(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  napi_value result = nullptr;
  napi_get_boolean(env, engine_of(env, arguments[0]).open_mailbox(), &result);
  return result;
}

// engineListener(engine, listener, options or null) → bytes that a slab must have from now on.
// Between turns.
napi_value engine_listener(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Engine& engine = engine_of(env, arguments[0]);
  auto index = static_cast<uint16_t>(to_int(env, arguments[1]));
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, arguments[2], &type) == napi_ok && type == napi_object) {
    ListenerOptions options = read_listener_options(env, arguments[2]);
    engine.set_listener(index, &options);
  } else {
    engine.set_listener(index, nullptr);
  }
  return from_double(env, engine.slab_bytes());
}

// engineStop(engine, listener, force)
napi_value engine_stop(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto listener = static_cast<uint16_t>(to_int(env, arguments[1]));
  engine_of(env, arguments[0]).stop_listener(listener, to_bool(env, arguments[2]));
  return nullptr;
}

// engineRetire(engine): it takes nothing new, and each connection leaves as soon as it is idle.
napi_value engine_retire(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0]).retire();
  return nullptr;
}

// engineGive(engine, count, to) → how many idle connections have gone to the worker `to`, or to
// those that the balancer picked (-1).
napi_value engine_give(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Engine& engine = engine_of(env, arguments[0]);
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
  return from_double(env, engine_of(env, arguments[0]).add_constant(constant));
}

// engineBind(engine, target, version, constant): the target is answered natively from now on.
napi_value engine_bind(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0])
      .bind_constant(to_int(env, arguments[1]), to_int(env, arguments[2]),
                     to_int(env, arguments[3]));
  return nullptr;
}

// engineReadiness(engine, listener) → what a probe is told, as READINESS of src/native.ts
napi_value engine_readiness(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  uint16_t listener = static_cast<uint16_t>(to_int(env, arguments[1]));
  Readiness readiness = engine_of(env, arguments[0]).readiness(listener);
  return from_double(env, static_cast<double>(readiness));
}

// engineEpoch(engine): routes have changed: targets get new versions, no constant is left.
napi_value engine_epoch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0]).new_epoch();
  return nullptr;
}

// engineTell(engine, done, refusals): see Engine::tell.
napi_value engine_tell(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0]).tell(to_bool(env, arguments[1]), to_bool(env, arguments[2]));
  return nullptr;
}

// engineCounts(engine, into: Float64Array): see Engine::counts.
napi_value engine_counts(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, arguments[1], nullptr, &length, &data, nullptr, nullptr);
  engine_of(env, arguments[0]).counts(static_cast<double*>(data), length);
  return nullptr;
}

// engineClose(engine): for an engine in the primary, whose environment goes on.
napi_value engine_close(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  EngineBridge::of(env, arguments[0])->shutdown();
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

constexpr Call kCalls[] = {
    {"createEngine", create_engine, "nwof"},
    {"engineSlab", engine_slab, "EB"},
    {"engineBodyBuffer", engine_body_buffer, "EdB"},
    {"engineFlush", engine_flush, "E"},
    {"engineFlushBytes", engine_flush_bytes, "EB"},
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
    {"engineTell", engine_tell, "Ebb"},
    {"engineClose", engine_close, "E"},
    {"nameThread", name_thread, "s"},
    {"yieldThread", yield_thread, ""},
};

}  // namespace

void register_engine_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
