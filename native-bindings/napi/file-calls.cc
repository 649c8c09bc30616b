// The functions that JavaScript calls about files that answers are made of. Opening and reading are
// done at once, on the calling thread, as sendfile itself is. A handle belongs to the thread that
// opened it. Rare: JavaScript keeps what is open.
#include "file-calls.h"

#include <cerrno>

#include "engine-bridge.h"
#include "values.h"

namespace millrace {

namespace {

OpenFile& file_of(napi_env env, napi_value handle) {
  return *static_cast<OpenFile*>(handle_data(env, handle));
}

// openFile(path, root) → { handle, size, modifiedMs, inode, device }, or the number of an error.
// `root`: a canonical path that the file must lie in, or empty.
napi_value open_file(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  std::string path = to_string(env, arguments[0]);
  int error = 0;
  // A path with NUL is another path for the system.
  bool is_path = path.find('\0') == path.npos;
  OpenFile* file =
      is_path ? OpenFile::open(path.c_str(), to_string(env, arguments[1]), error) : nullptr;
  if (file == nullptr) return from_double(env, is_path ? error : EINVAL);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  auto finalize = [](napi_env, void* data, void*) {
    auto* file = static_cast<OpenFile*>(data);
    file->close();
    file->release();
  };
  set(env, result, "handle", make_handle(env, HandleKind::kFile, file, finalize));
  set(env, result, "size", from_double(env, static_cast<double>(file->size())));
  set(env, result, "modifiedMs", from_double(env, file->modified_ms()));
  set(env, result, "inode", from_double(env, static_cast<double>(file->inode())));
  set(env, result, "device", from_double(env, static_cast<double>(file->device())));
  return result;
}

// closeFile(file): answers that are being sent from it go on.
napi_value close_file(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  file_of(env, arguments[0]).close();
  return nullptr;
}

// readFile(file, into, offset) → bytes read, below 0: the number of an error.
napi_value read_file(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* data = nullptr;
  size_t length = 0;
  napi_get_buffer_info(env, arguments[1], &data, &length);
  auto offset = static_cast<uint64_t>(to_double(env, arguments[2]));
  ssize_t count = file_of(env, arguments[0]).read(static_cast<char*>(data), length, offset);
  return from_double(env, static_cast<double>(count));
}

// engineFlushFile(engine, file): the flush of a ring whose last record is a piece of this file.
napi_value engine_flush_file(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  engine_of(env, arguments[0]).flush_file(file_of(env, arguments[1]));
  return nullptr;
}

constexpr Call kCalls[] = {
    {"openFile", open_file, "ss"},
    {"closeFile", close_file, "I"},
    {"readFile", read_file, "IBn"},
    {"engineFlushFile", engine_flush_file, "EI"},
};

}  // namespace

void register_file_calls(napi_env env, napi_value exports) {
  set_calls(env, exports, kCalls, sizeof kCalls / sizeof kCalls[0]);
}

}  // namespace millrace
