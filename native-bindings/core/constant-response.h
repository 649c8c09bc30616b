// A response made once and given any number of times: a `Response` constant of a route, or the
// answer to a probe. Thread: the engine's that owns it and releases its bytes.
#pragma once

#include <cstdint>

#include "bytes.h"

namespace millrace {

struct ConstantResponse {
  int status;
  int type;
  Bytes lines;
  Bytes body;
  uint64_t answered[4] = {};  // to GET, GET of HTTP/1.0, HEAD, HEAD of HTTP/1.0
};

}  // namespace millrace
