#include "values.h"

#include <cstdio>

#include "core/server.h"

namespace millrace {

Arguments::Arguments(napi_env env, napi_callback_info info) {
  size_t count = kMax;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
}

double to_double(napi_env env, napi_value value) {
  double result = 0;
  napi_get_value_double(env, value, &result);
  return result;
}

int32_t to_int(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

bool to_bool(napi_env env, napi_value value) {
  bool result = false;
  napi_get_value_bool(env, value, &result);
  return result;
}

std::string to_string(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return {};
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}

napi_value get(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  if (napi_get_named_property(env, object, name, &value) != napi_ok) return undefined(env);
  return value;
}

napi_value from_double(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value from_string(napi_env env, const char* text) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

napi_value undefined(napi_env env) {
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  return result;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

namespace {

// Random, one for each kind.
constexpr napi_type_tag kTags[] = {
    {0x6a1d0c5f3b7e4921, 0x9c42f08be7d15a63},
    {0x2f8be4907c5d4a16, 0xb30d9e61a87f24c5},
    {0xd47a159c02ef4b38, 0x85f6c23d4e9071ab},
    {0x71c3e8025ad94f6b, 0xa90b47d6f2381ec4},
    {0x3be07d14c86f2a95, 0xe61f58a39b02d47c},
};

bool is_handle(napi_env env, napi_value value, HandleKind kind) {
  napi_valuetype type = napi_undefined;
  bool matches = false;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_external &&
         napi_check_object_type_tag(env, value, &kTags[static_cast<size_t>(kind)], &matches) ==
             napi_ok &&
         matches;
}

bool is_index(napi_env env, napi_value value, int limit) {
  double number = -1;
  return napi_get_value_double(env, value, &number) == napi_ok && number >= 0 && number < limit &&
         number == static_cast<int>(number);
}

bool is_number(napi_env env, napi_value value, double least) {
  double number = 0;
  // 2^53: no number of an option is larger, and casts to 64 bits are defined.
  return napi_get_value_double(env, value, &number) == napi_ok && number >= least &&
         number <= 9007199254740992.0;
}

bool is_float64_array(napi_env env, napi_value value) {
  bool is_array = false;
  napi_typedarray_type type = napi_int8_array;
  return napi_is_typedarray(env, value, &is_array) == napi_ok && is_array &&
         napi_get_typedarray_info(env, value, &type, nullptr, nullptr, nullptr, nullptr) ==
             napi_ok &&
         type == napi_float64_array;
}

bool is_type(napi_env env, napi_value value, napi_valuetype wanted) {
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type == wanted;
}

bool fits(napi_env env, napi_value value, char kind) {
  bool result = false;
  switch (kind) {
    case 'S': return is_handle(env, value, HandleKind::kServer);
    case 'E': return is_handle(env, value, HandleKind::kEngine);
    case 'L': return is_handle(env, value, HandleKind::kListener);
    case 'T': return is_handle(env, value, HandleKind::kTrust);
    case 'I': return is_handle(env, value, HandleKind::kFile);
    case 'l': return is_index(env, value, kListenersMax);
    case 'w': return is_index(env, value, kWorkersMax);
    case 'n': return is_number(env, value, 0);
    case 'd': return is_number(env, value, -2147483648.0);
    case 'b': return is_type(env, value, napi_boolean);
    case 's': return is_type(env, value, napi_string);
    case 'f': return is_type(env, value, napi_function);
    case 'o': return is_type(env, value, napi_object);
    case 'a': return napi_is_array(env, value, &result) == napi_ok && result;
    case 'B': return napi_is_buffer(env, value, &result) == napi_ok && result;
    case 'F': return is_float64_array(env, value);
    default: return false;
  }
}

napi_value checked(napi_env env, napi_callback_info info) {
  napi_value values[Arguments::kMax];
  size_t count = Arguments::kMax;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, values, nullptr, &data) != napi_ok) return nullptr;
  const Call& call = *static_cast<const Call*>(data);
  for (size_t i = 0; call.arguments[i] != 0; i++) {
    if (fits(env, values[i], call.arguments[i])) continue;
    char message[96];
    std::snprintf(message, sizeof message, "%s: argument %u is of the wrong kind", call.name,
                  static_cast<unsigned>(i));
    napi_throw_type_error(env, "ERR_MILLRACE_NATIVE_ARGUMENT", message);
    return nullptr;
  }
  return call.callback(env, info);
}

}  // namespace

napi_value make_handle(napi_env env, HandleKind kind, void* data, napi_finalize finalize) {
  napi_value handle = nullptr;
  napi_create_external(env, data, finalize, nullptr, &handle);
  napi_type_tag_object(env, handle, &kTags[static_cast<size_t>(kind)]);
  return handle;
}

void* handle_data(napi_env env, napi_value value) {
  void* data = nullptr;
  napi_get_value_external(env, value, &data);
  return data;
}

void set_calls(napi_env env, napi_value object, const Call* calls, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value function = nullptr;
    void* data = const_cast<Call*>(&calls[i]);
    napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, checked, data, &function);
    set(env, object, calls[i].name, function);
  }
}

}  // namespace millrace
