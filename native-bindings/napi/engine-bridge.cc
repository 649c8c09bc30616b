#include "engine-bridge.h"

#include "core/clock.h"
#include "values.h"

namespace millrace {

namespace {

constexpr uint64_t kWindowNs = 1000000000;  // utilisation is the share of about a second

}  // namespace

EngineBridge::EngineBridge(napi_env env, ServerShared* server, int worker,
                           const EngineOptions& options)
    : env_(env),
      engine_(server, worker, options,
              EngineHost{this, [](void* self) {
                           return static_cast<EngineBridge*>(self)->enter();
                         }}),
      shared_(server->worker(worker)) {}

EngineBridge* EngineBridge::of(napi_env env, napi_value handle) {
  return static_cast<EngineBridge*>(handle_data(env, handle));
}

bool EngineBridge::start(napi_value on_batch) {
  uv_loop_t* loop = nullptr;
  if (!engine_.open() || napi_get_uv_event_loop(env_, &loop) != napi_ok) return false;
  // The loop may be at a limit of the system, or know the descriptor as another's.
  if (uv_poll_init(loop, &poll_, engine_.poll_fd()) != 0) return false;
  napi_value name = from_string(env_, "MILLRACE");
  napi_value receiver = nullptr;
  napi_create_object(env_, &receiver);
  napi_create_reference(env_, receiver, 1, &receiver_);
  napi_create_reference(env_, on_batch, 1, &on_batch_);
  napi_async_init(env_, nullptr, name, &context_);

  uv_prepare_init(loop, &prepare_);
  uv_check_init(loop, &check_);
  uv_idle_init(loop, &idle_);
  uv_timer_init(loop, &timer_);
  uv_handle_t* handles[kHandles] = {
      reinterpret_cast<uv_handle_t*>(&poll_), reinterpret_cast<uv_handle_t*>(&prepare_),
      reinterpret_cast<uv_handle_t*>(&check_), reinterpret_cast<uv_handle_t*>(&idle_),
      reinterpret_cast<uv_handle_t*>(&timer_)};
  for (uv_handle_t* handle : handles) {
    handle->data = this;
    uv_unref(handle);  // the task, not the engine, keeps a worker's loop alive
  }
  uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    auto* self = static_cast<EngineBridge*>(handle->data);
    self->mark_awake();
    self->engine_.turn();
  });
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
    static_cast<EngineBridge*>(handle->data)->before_sleep();
  });
  uv_check_start(&check_, [](uv_check_t* handle) {
    static_cast<EngineBridge*>(handle->data)->after_sleep();
  });
  uv_timer_start(
      &timer_,
      [](uv_timer_t* handle) { static_cast<EngineBridge*>(handle->data)->engine_.tick(); },
      Engine::kTickMs, Engine::kTickMs);
  open_handles_ = kHandles;
  started_ = true;
  napi_add_async_cleanup_hook(env_, on_cleanup, this, &cleanup_);
  awake_ns_ = window_ns_ = clock_ns();
  return true;
}

void EngineBridge::before_sleep() {
  engine_.flush();
  if (engine_.has_work() && !uv_is_active(reinterpret_cast<uv_handle_t*>(&idle_))) {
    // An active idle handle keeps the loop from sleeping; the work is done in after_sleep.
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  }
  uint64_t now = clock_ns();
  uint64_t busy = now - awake_ns_;
  window_busy_ns_ += busy;
  shared_->busy_ns.store(shared_->busy_ns.load(std::memory_order_relaxed) + busy,
                         std::memory_order_relaxed);
  if (now - window_ns_ >= kWindowNs) {
    uint64_t share = window_busy_ns_ * 1000 / (now - window_ns_);
    shared_->utilisation.store(static_cast<uint32_t>(share), std::memory_order_relaxed);
    window_ns_ = now;
    window_busy_ns_ = 0;
  }
  awake_ns_ = 0;
  shared_->route.store(-1, std::memory_order_relaxed);  // read by the primary
  shared_->awake_since_ns.store(0, std::memory_order_relaxed);  // read by the balancer
}

// The loop calls what has become readable before its check handles: most handlers run there.
void EngineBridge::mark_awake() {
  if (awake_ns_ != 0) return;
  awake_ns_ = clock_ns();
  shared_->awake_since_ns.store(awake_ns_, std::memory_order_relaxed);  // read by the balancer
}

void EngineBridge::after_sleep() {
  mark_awake();
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&idle_))) {
    uv_idle_stop(&idle_);
    if (engine_.has_work()) engine_.turn();
  }
  // What comes now, such as timers, is in no route.
  shared_->route.store(-1, std::memory_order_relaxed);  // read by the primary
}

// One entry for all events of a turn; ticks and microtasks run before it returns.
bool EngineBridge::enter() {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return false;
  napi_value receiver = nullptr;
  napi_value function = nullptr;
  napi_get_reference_value(env_, receiver_, &receiver);
  napi_get_reference_value(env_, on_batch_, &function);
  napi_status status =
      napi_make_callback(env_, context_, receiver, function, 0, nullptr, nullptr);
  bool alive = status == napi_ok;
  if (status == napi_pending_exception) {
    // The batch catches what handlers throw: this is a fault of ours, or a termination.
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
      alive = napi_fatal_exception(env_, error) == napi_ok;
    }
  }
  napi_close_handle_scope(env_, scope);
  return alive && !closing_;
}

bool EngineBridge::use_slab(napi_value buffer) {
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_buffer_info(env_, buffer, &data, &length) != napi_ok) return false;
  if (length < engine_.slab_bytes()) return false;
  if (slab_ != nullptr) napi_delete_reference(env_, slab_);
  napi_create_reference(env_, buffer, 1, &slab_);
  engine_.use_slab(static_cast<char*>(data));
  return true;
}

void EngineBridge::shutdown() {
  if (closing_) return;
  closing_ = true;
  engine_.die();
  if (!started_) return;
  auto closed = [](uv_handle_t* handle) {
    auto* self = static_cast<EngineBridge*>(handle->data);
    if (--self->open_handles_ > 0) return;
    self->engine_.close_poll();
    if (!self->environment_ending_) {
      napi_delete_reference(self->env_, self->on_batch_);
      napi_delete_reference(self->env_, self->receiver_);
      if (self->slab_ != nullptr) napi_delete_reference(self->env_, self->slab_);
      napi_async_destroy(self->env_, self->context_);
    }
    if (self->cleanup_ != nullptr) napi_remove_async_cleanup_hook(self->cleanup_);
    self->release();
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), closed);
}

// Runs when the thread ends, whatever ended it, also while the primary is blocked joining it.
void EngineBridge::on_cleanup(napi_async_cleanup_hook_handle handle, void* data) {
  auto* self = static_cast<EngineBridge*>(data);
  self->cleanup_ = handle;
  self->environment_ending_ = true;
  self->shutdown();
}

void EngineBridge::release() {
  if (--references_ == 0) delete this;
}

}  // namespace millrace
