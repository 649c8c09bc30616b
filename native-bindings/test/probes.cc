// Which probe gets which answer, in every state of server and listener.
#include "core/probes.h"

#include "check.h"

using millrace::ConstantResponse;
using millrace::ProbePaths;
using millrace::Probes;
using millrace::Readiness;

namespace {

std::string_view text_of(const millrace::Bytes& bytes) { return {bytes.data, bytes.length}; }

bool is(const ConstantResponse* response, int status, std::string_view body) {
  return response != nullptr && response->status == status && text_of(response->body) == body;
}

void check_readiness(Probes& probes) {
  ProbePaths paths{"/livez", "/readyz"};
  auto ask = [&](Readiness readiness, bool stopping) {
    return probes.answer(paths, "/readyz", readiness, stopping);
  };
  CHECK(is(ask(Readiness::kStarting, false), 503, "starting"));
  CHECK(is(ask(Readiness::kReady, false), 200, "ready"));
  CHECK(is(ask(Readiness::kDraining, false), 503, "draining"));
  CHECK(is(ask(Readiness::kReady, true), 503, "draining"));
  CHECK(text_of(ask(Readiness::kReady, false)->lines) == "Cache-Control: no-store\r\n");
  CHECK(text_of(ask(Readiness::kDraining, false)->lines) ==
        "Cache-Control: no-store\r\nRetry-After: 1\r\n");
}

void check_liveness(Probes& probes) {
  ProbePaths paths{"/livez", "/readyz"};
  for (Readiness state : {Readiness::kStarting, Readiness::kReady, Readiness::kDraining}) {
    for (bool stopping : {false, true}) {
      CHECK(is(probes.answer(paths, "/livez", state, stopping), 200, "live"));
    }
  }
}

void check_paths(Probes& probes) {
  ProbePaths both{"/livez", "/readyz"};
  for (std::string_view path : {"", "/", "/live", "/livez/", "/livezz", "/readyz ", "/READYZ"}) {
    CHECK(probes.answer(both, path, Readiness::kReady, false) == nullptr);
  }
  ProbePaths none;
  CHECK(!none.is_any());
  ProbePaths live{"/livez", ""};
  CHECK(live.is_any());
  CHECK(probes.answer(live, "/readyz", Readiness::kReady, false) == nullptr);
}

}  // namespace

int main() {
  Probes probes;
  check_readiness(probes);
  check_liveness(probes);
  check_paths(probes);
}
