// server-calls.cc: the functions that the primary's JavaScript calls.
#pragma once

#include <node_api.h>

namespace millrace {

void register_server_calls(napi_env env, napi_value exports);

}  // namespace millrace
