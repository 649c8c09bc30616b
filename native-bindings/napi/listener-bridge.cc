#include "listener-bridge.h"

#include "values.h"

namespace millrace {

namespace {

// Without a descriptor or memory the queue keeps the connections: try again after this.
constexpr uint64_t kRetryMs = 100;

}  // namespace

ListenerBridge::ListenerBridge(napi_env env, ServerShared* server, uint16_t listener)
    : env_(env), server_(server), listener_(listener) {}

int ListenerBridge::start(const BindAddress& address, napi_value on_failed) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env_, &loop);
  int code = acceptor_.listen(address);
  if (code != 0) {
    server_->release();
    delete this;
    return code;
  }
  napi_create_reference(env_, on_failed, 1, &on_failed_);
  // The loop may be at its descriptor limit, or know an adopted descriptor as another's.
  int failed = uv_poll_init(loop, &poll_, acceptor_.fd());
  if (failed != 0) {
    napi_delete_reference(env_, on_failed_);
    if (address.fd >= 0) acceptor_.disown();
    else acceptor_.close(*server_, listener_);
    server_->release();
    delete this;
    return -failed;
  }
  uv_timer_init(loop, &retry_);
  poll_.data = this;
  retry_.data = this;
  open_handles_ = 2;
  watch();
  napi_add_async_cleanup_hook(env_, on_cleanup, this, &cleanup_);
  return 0;
}

void ListenerBridge::watch() {
  if (held_ || stopped_) return;
  uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<ListenerBridge*>(handle->data)->accept();
  });
}

void ListenerBridge::hold(bool is_held) {
  held_ = is_held;
  if (is_held) uv_poll_stop(&poll_);
  else watch();
}

void ListenerBridge::accept() {
  switch (acceptor_.accept_ready(*server_, listener_)) {
    case AcceptResult::kMore:  // still readable: the loop comes back
    case AcceptResult::kEmpty:
      exhausted_ = false;
      break;
    case AcceptResult::kExhausted:
      pause_accepting();
      if (exhausted_) break;
      exhausted_ = true;
      report(false);
      break;
    case AcceptResult::kFailed:
      uv_poll_stop(&poll_);
      report(true);
      break;
  }
}

void ListenerBridge::pause_accepting() {
  uv_poll_stop(&poll_);
  uv_timer_start(
      &retry_,
      [](uv_timer_t* handle) { static_cast<ListenerBridge*>(handle->data)->watch(); }, kRetryMs,
      0);
}

void ListenerBridge::report(bool is_broken) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value function = nullptr;
  napi_value receiver = nullptr;
  napi_get_global(env_, &receiver);  // undefined is refused as a receiver
  napi_get_reference_value(env_, on_failed_, &function);
  napi_value arguments[3] = {from_double(env_, acceptor_.error()), nullptr, nullptr};
  napi_get_boolean(env_, is_broken, &arguments[1]);
  napi_get_boolean(env_, acceptor_.has_accepted(), &arguments[2]);
  napi_status status =
      napi_make_callback(env_, nullptr, receiver, function, 3, arguments, nullptr);
  napi_value error = nullptr;
  if (status == napi_pending_exception &&
      napi_get_and_clear_last_exception(env_, &error) == napi_ok) {
    napi_fatal_exception(env_, error);  // what a listener of the event has thrown
  }
  napi_close_handle_scope(env_, scope);
}

void ListenerBridge::stop(bool is_handed_over) {
  if (stopped_) return;
  stopped_ = true;
  uv_poll_stop(&poll_);
  acceptor_.close(*server_, listener_, is_handed_over);
  close_handles();
}

void ListenerBridge::close_handles() {
  auto closed = [](uv_handle_t* handle) {
    auto* self = static_cast<ListenerBridge*>(handle->data);
    if (--self->open_handles_ > 0) return;
    if (!self->environment_ending_) napi_delete_reference(self->env_, self->on_failed_);
    if (self->cleanup_ != nullptr) napi_remove_async_cleanup_hook(self->cleanup_);
    self->server_->release();
    delete self;
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&retry_), closed);
}

void ListenerBridge::on_cleanup(napi_async_cleanup_hook_handle handle, void* data) {
  auto* self = static_cast<ListenerBridge*>(data);
  self->cleanup_ = handle;
  self->environment_ending_ = true;
  self->stop(false);
}

}  // namespace millrace
