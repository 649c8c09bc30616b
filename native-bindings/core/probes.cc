#include "probes.h"

#include "layout.h"

namespace millrace {

namespace {

// What a cache has kept would hide that the answer has changed.
constexpr std::string_view kNoStore = "Cache-Control: no-store\r\n";
// In a second the state may be another one; probes come at about that rate.
constexpr std::string_view kRetryAfter = "Retry-After: 1\r\n";

ConstantResponse made(int status, std::string_view text) {
  ConstantResponse response{};
  response.status = status;
  response.type = TYPE_TEXT;
  response.lines.append(kNoStore.data(), kNoStore.size());
  if (status == 503) response.lines.append(kRetryAfter.data(), kRetryAfter.size());
  response.body.append(text.data(), text.size());
  return response;
}

}  // namespace

Probes::Probes()
    : live_(made(200, "live")),
      ready_(made(200, "ready")),
      starting_(made(503, "starting")),
      draining_(made(503, "draining")) {}

Probes::~Probes() {
  for (ConstantResponse* each : {&live_, &ready_, &starting_, &draining_}) {
    each->lines.release();
    each->body.release();
  }
}

ConstantResponse* Probes::answer(const ProbePaths& paths, std::string_view path,
                                 Readiness readiness, bool is_stopping) {
  if (path == paths.liveness) return &live_;
  if (path != paths.readiness) return nullptr;
  if (is_stopping || readiness == Readiness::kDraining) return &draining_;
  return readiness == Readiness::kReady ? &ready_ : &starting_;
}

}  // namespace millrace
