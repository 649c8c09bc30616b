// An engine on the event loop of its environment: the private poll set inside libuv's, the hooks
// before the loop sleeps and after it wakes, the tick, and the end of the environment.
//
// Lifetime: reference-counted, because JavaScript may hold the shared blocks longer than the
// environment's hooks live: one reference is the bridge's own, given up when its loop handles have
// closed, and one belongs to each ArrayBuffer over a block. Thread: the environment's.
#pragma once

#include <node_api.h>
#include <uv.h>

#include "core/engine.h"

namespace millrace {

class EngineBridge {
 public:
  static constexpr int kHandles = 5;

  EngineBridge(napi_env env, ServerShared* server, int worker, const EngineOptions& options);
  // Throws nothing: false when descriptors or memory have run out; the caller releases it.
  bool start(napi_value on_batch);
  static EngineBridge* of(napi_env env, napi_value handle);
  Engine& engine() { return engine_; }
  // The slab's memory: kept alive for as long as the engine writes into it.
  // False: it is too short.
  bool use_slab(napi_value buffer);
  // Gives the connections away and closes the loop's handles; idempotent.
  void shutdown();
  void retain() { references_++; }
  void release();

 private:
  ~EngineBridge() = default;

  bool enter();
  void before_sleep();
  void mark_awake();
  void after_sleep();
  static void on_cleanup(napi_async_cleanup_hook_handle handle, void* data);

  napi_env env_;
  Engine engine_;
  WorkerShared* shared_;
  napi_ref on_batch_ = nullptr;
  napi_ref slab_ = nullptr;
  napi_ref receiver_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  uv_poll_t poll_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  uv_idle_t idle_;
  uv_timer_t timer_;
  uint64_t awake_ns_ = 0;  // 0: asleep
  uint64_t window_ns_ = 0;
  uint64_t window_busy_ns_ = 0;
  int open_handles_ = 0;
  int references_ = 1;
  bool started_ = false;
  bool closing_ = false;
  bool environment_ending_ = false;
};

inline Engine& engine_of(napi_env env, napi_value handle) {
  return EngineBridge::of(env, handle)->engine();
}

// engine-calls.cc: the functions JavaScript calls on an engine.
void register_engine_calls(napi_env env, napi_value exports);

}  // namespace millrace
