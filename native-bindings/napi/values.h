// Small helpers between Node-API values and C++, and the check of every call from JavaScript: each
// function is registered with the kinds of its arguments, and is called only with those. So no
// JavaScript, right or wrong, makes native code follow a pointer that is none.
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

// What a handle stands for. A handle is an external value with a tag of its kind.
enum class HandleKind : uint8_t { kServer, kEngine, kListener, kTrust, kFile };
napi_value make_handle(napi_env env, HandleKind kind, void* data, napi_finalize finalize);
// Of an argument that has been checked.
void* handle_data(napi_env env, napi_value value);

// A function for JavaScript. A letter for each argument: S, E, L, T, I the handle of a server, an
// engine, a listener, a trust, an open file; l the index of a listener, w of a worker; n a number
// from 0 on, d an integer, b a boolean, s a string, f a function, o an object, a an array, B a
// Buffer, F a Float64Array.
struct Call {
  const char* name;
  napi_callback callback;
  const char* arguments;
};

// The calls must live as long as the process. A wrong argument throws a TypeError.
void set_calls(napi_env env, napi_value object, const Call* calls, size_t count);

}  // namespace millrace
