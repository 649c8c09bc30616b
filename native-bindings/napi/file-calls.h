// Open files for JavaScript.
#pragma once

#include <node_api.h>

namespace millrace {

void register_file_calls(napi_env env, napi_value exports);

}  // namespace millrace
