// Small helpers between Node-API values and C++. A call that fails returns the default: arguments
// are checked in TypeScript before the addon is touched (src/native.ts).
#pragma once

#include <node_api.h>

#include <string>

namespace millrace {

// The arguments of a call, missing ones are undefined.
struct Arguments {
  static constexpr size_t kMax = 6;
  napi_value values[kMax];
  Arguments(napi_env env, napi_callback_info info);
  napi_value operator[](size_t index) const { return values[index]; }
};

double to_double(napi_env env, napi_value value);
int32_t to_int(napi_env env, napi_value value);
bool to_bool(napi_env env, napi_value value);
std::string to_string(napi_env env, napi_value value);  // empty when it is not a string
bool is_undefined(napi_env env, napi_value value);
napi_value get(napi_env env, napi_value object, const char* name);

napi_value from_double(napi_env env, double value);
napi_value from_string(napi_env env, const char* text);
napi_value undefined(napi_env env);
void set(napi_env env, napi_value object, const char* name, napi_value value);
void set_function(napi_env env, napi_value object, const char* name, napi_callback callback);

}  // namespace millrace
