// The answers to liveness and readiness probes, which load balancers and orchestrators ask for all
// the time: given by the engine itself, without JavaScript, also above every limit of load.
//
// A live answer says that this worker's loop turns. A ready one says that new work is welcome:
// the server has started, does not drain, and the listener does not stop. Thread: the engine's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "constant-response.h"

namespace millrace {

// Whether the server wants new work; in ServerShared, which says who writes and reads it.
enum class Readiness : uint32_t { kStarting, kReady, kDraining };

// The paths of one listener; empty: it does not answer that probe.
struct ProbePaths {
  std::string liveness;
  std::string readiness;
  bool is_any() const { return !liveness.empty() || !readiness.empty(); }
};

class Probes {
 public:
  Probes();
  ~Probes();
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  // Null: the path is no probe of this listener. The answer is this object's.
  ConstantResponse* answer(const ProbePaths& paths, std::string_view path, Readiness readiness,
                           bool is_stopping);

 private:
  ConstantResponse live_;
  ConstantResponse ready_;
  ConstantResponse starting_;
  ConstantResponse draining_;
};

}  // namespace millrace
