// server-calls.cc: the functions that the primary's JavaScript calls.
#pragma once

#include <node_api.h>

#include "core/server.h"
#include "values.h"

namespace millrace {

// Of a handle, which is an argument that has been checked.
inline ServerShared* server_of(napi_env env, napi_value handle) {
  return static_cast<ServerShared*>(handle_data(env, handle));
}

void register_server_calls(napi_env env, napi_value exports);

}  // namespace millrace
