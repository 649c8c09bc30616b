// What the primary asks of its own process beside serving: a word to systemd, and descriptors.
#pragma once

#include <node_api.h>

namespace millrace {

void register_process_calls(napi_env env, napi_value exports);

}  // namespace millrace
