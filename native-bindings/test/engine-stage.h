// One engine with its app and its server, from the first connection to the last: what it leaves
// behind is checked when it ends.
#pragma once

#include "check.h"
#include "worker-engine.h"

namespace millrace::test {

template <typename App>
struct EngineStage {
  ServerShared* server = ServerShared::create();
  int worker = server->add_worker();
  App app;
  WorkerEngine engine;

  explicit EngineStage(const ListenerOptions& options) : engine(*server, worker, app, options) {
    CHECK(engine->open_mailbox());
  }
  ~EngineStage() {
    engine->die();
    server->drop_orphans(-1);  // idle ones of HTTP
    CHECK(live() == 0);
    CHECK(server->worker(worker)->connections.load() == 0);
    CHECK(server->worker(worker)->in_flight.load() == 0);
    server->remove_worker(worker);
    server->release();
  }
  EngineStage(const EngineStage&) = delete;
  EngineStage& operator=(const EngineStage&) = delete;

  int64_t live() { return server->listener(0).connections.load(); }
};

}  // namespace millrace::test
