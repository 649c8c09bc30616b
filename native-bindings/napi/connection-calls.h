// connection-calls.cc: what a worker's JavaScript asks about one connection of its engine.
#pragma once

#include <node_api.h>

namespace millrace {

void register_connection_calls(napi_env env, napi_value exports);

}  // namespace millrace
