// The options of an engine and of its listeners, as JavaScript gives them: checked there, and here
// only kept within what native memory is made for.
#pragma once

#include <node_api.h>

#include "core/engine-options.h"

namespace millrace {

EngineOptions read_engine_options(napi_env env, napi_value value);
// Of a listener's options, whom it believes.
ForwardedTrust read_trust(napi_env env, napi_value value);
ListenerOptions read_listener_options(napi_env env, napi_value value);

}  // namespace millrace
