// A listening socket on the primary's event loop. Thread: the primary's.
#pragma once

#include <node_api.h>
#include <uv.h>

#include "core/acceptor.h"

namespace millrace {

class ListenerBridge {
 public:
  // Takes over the reference to `server`.
  ListenerBridge(napi_env env, ServerShared* server, uint16_t listener);
  // 0, or an errno and the bridge is gone with its next loop turn.
  int start(const BindAddress& address, napi_value on_failed);
  // Serves the kernel's queue, closes; the object frees itself. See Acceptor::close.
  void stop(bool is_handed_over);
  // While it is held nothing is accepted: the kernel's queue keeps those who come.
  void hold(bool is_held);
  const ListeningSocket& socket() const { return acceptor_.socket(); }

 private:
  ~ListenerBridge() = default;

  void accept();
  void watch();
  void pause_accepting();
  void report(bool is_broken);
  void close_handles();
  static void on_cleanup(napi_async_cleanup_hook_handle handle, void* data);

  napi_env env_;
  ServerShared* server_;
  uint16_t listener_;
  Acceptor acceptor_;
  uv_poll_t poll_;
  uv_timer_t retry_;
  napi_ref on_failed_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  int open_handles_ = 0;
  bool stopped_ = false;
  bool held_ = false;
  bool exhausted_ = false;  // and it has been reported
  bool environment_ending_ = false;
};

}  // namespace millrace
