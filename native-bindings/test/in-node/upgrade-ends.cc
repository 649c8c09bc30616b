// How connections that have switched protocols end: FIN of either side in every state, resets,
// aborts, and what stops and the ends of threads leave of them.
#include <string>

#include "../open-descriptors.h"
#include "../socket-stage.h"

using namespace millrace;
using namespace millrace::test;

namespace {

void either_side_may_end_first() {
  for (bool is_tcp : {true, false}) {
    SocketStage stage;
    int first = upgraded_peer(stage, is_tcp);
    send_all(first, "last words");
    shutdown(first, SHUT_WR);
    stage.run();
    CHECK(stage.socket().data == "last words" && stage.socket().is_ended);
    CHECK(stage.socket().closed == 0 && stage.upgraded() == 1);
    stage.app.send(stage.socket(), "answer");
    stage.app.signal(stage.socket(), KIND_FINISH);
    stage.run();
    CHECK(received(first) == "answer" && has_ended(first));
    CHECK(stage.socket().closed == CLOSED_GONE && stage.live() == 0);

    int second = upgraded_peer(stage, is_tcp);
    stage.app.send(stage.socket(1), "ours");
    stage.app.signal(stage.socket(1), KIND_FINISH);
    stage.app.send(stage.socket(1), "too late");
    stage.run();
    CHECK(received(second) == "ours" && has_ended(second) && stage.socket(1).closed == 0);
    send_all(second, "still");
    stage.run();
    CHECK(stage.socket(1).data == "still");
    close(second);
    stage.run();
    CHECK(stage.socket(1).is_ended && stage.socket(1).closed == CLOSED_GONE);
    close(first);
  }
}

// FIN that came while a handler worked on the request belongs to what comes after it.
void an_end_before_the_switch_is_told_after_it() {
  for (bool starts_paused : {false, true}) {
    for (bool has_data : {false, true}) {
      SocketStage stage;
      stage.app.starts_paused = starts_paused;
      int peer = stage.connect(true);
      send_all(peer, has_data ? std::string(kWait) + "data" : std::string(kWait));
      stage.run();
      shutdown(peer, SHUT_WR);
      stage.run();
      CHECK(stage.app.waiting.size() == 1);
      stage.app.upgrade_waiting();
      stage.run();
      bool waits = starts_paused && has_data;
      CHECK(stage.socket().is_ended == !waits);
      CHECK(stage.socket().data == (has_data && !waits ? "data" : ""));
      if (starts_paused) stage.app.signal(stage.socket(), KIND_RESUME_BODY);
      stage.run();
      CHECK(stage.socket().is_ended && stage.socket().data == (has_data ? "data" : ""));
      CHECK(stage.socket().closed == 0 && received(peer).starts_with("HTTP/1.1 101 "));
      close(peer);
    }
  }
}

// An end behind bytes that nobody reads waits for them; without any it is told at once.
void an_end_while_paused() {
  for (bool is_tcp : {true, false}) {
    for (bool has_data : {false, true}) {
      for (bool finishes : {false, true}) {
        SocketStage stage;
        int peer = upgraded_peer(stage, is_tcp);
        stage.app.signal(stage.socket(), KIND_PAUSE_BODY);
        if (finishes) stage.app.signal(stage.socket(), KIND_FINISH);
        stage.run();
        if (has_data) send_all(peer, "unread");
        stage.run();
        CHECK(stage.socket().data.empty());
        if (is_tcp || finishes) shutdown(peer, SHUT_WR);
        else close(peer);  // of a Unix socket the kernel says then that it has hung up
        for (int i = 0; i < 3; i++) stage.run();  // it must come to rest
        CHECK(stage.socket().is_ended == !has_data);
        CHECK(!has_data || stage.socket().closed == 0);
        stage.app.signal(stage.socket(), KIND_RESUME_BODY);
        stage.run();
        CHECK(stage.socket().data == (has_data ? "unread" : "") && stage.socket().is_ended);
        CHECK((stage.socket().closed == CLOSED_GONE) == (finishes || !is_tcp));
        if (is_tcp || finishes) close(peer);
      }
    }
  }
}

void a_reset_is_told_in_every_state() {
  enum class State { kWaiting, kOpen, kPaused, kUnread, kUnsent, kFinished, kEnded, kLingering };
  for (int i = 0; i <= static_cast<int>(State::kLingering); i++) {
    State state = static_cast<State>(i);
    SocketStage stage;
    int peer;
    if (state == State::kWaiting) {
      peer = stage.connect(true);
      send_all(peer, kWait);
      stage.run();
      auto waiting = stage.app.waiting;
      reset(peer);
      stage.run();
      CHECK(stage.live() == 0);
      stage.app.upgrade_waiting();  // it has gone meanwhile
      stage.run();
      CHECK(stage.upgraded() == 0);
      continue;
    }
    peer = upgraded_peer(stage);
    const Socket& socket = stage.socket();
    bool pauses = state == State::kPaused || state == State::kUnread;
    if (pauses) stage.app.signal(socket, KIND_PAUSE_BODY);
    if (state == State::kFinished) stage.app.signal(socket, KIND_FINISH);
    if (state == State::kLingering) stage.app.signal(socket, KIND_FINISH, REPLY_CLOSE);
    if (state == State::kUnread) send_all(peer, "unread");
    if (state == State::kEnded) shutdown(peer, SHUT_WR);
    while (state == State::kUnsent && stage.app.unsent(socket) < 1000000) {
      stage.app.send(socket, std::string(100000, 'x'));
      stage.run();
    }
    stage.run();
    CHECK(stage.upgraded() == 1);
    reset(peer);
    stage.run();
    bool lingers = state == State::kLingering;  // it was over for JavaScript
    CHECK(stage.socket().closed == (lingers ? CLOSED_GONE : CLOSED_RESET));
    CHECK(stage.upgraded() == 0 && stage.live() == 0);
  }
}

void an_abort_ends_it_at_once() {
  for (bool is_reset : {false, true}) {
    SocketStage stage;
    int peer = upgraded_peer(stage);
    stage.app.send(stage.socket(), "written");
    stage.app.signal(stage.socket(), KIND_ABORT, is_reset ? REPLY_RESET : 0);
    stage.app.send(stage.socket(), "too late");
    stage.run();
    CHECK(stage.socket().closed == CLOSED_GONE && stage.live() == 0);
    CHECK(is_reset ? was_reset(peer) : received(peer) == "written" && has_ended(peer));
    close(peer);
  }
}

// Who closes with bytes of the peer unread resets the connection, which can destroy what was
// written before: it is read on until the peer has ended, and JavaScript hears nothing of it.
void a_closing_finish_lingers() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  std::string answer(200000, 'a');
  stage.app.signal(stage.socket(), KIND_PAUSE_BODY);
  send_all(peer, std::string(50000, 'u'));
  stage.run();
  for (size_t at = 0; at < answer.size(); at += 50000) {
    stage.app.send(stage.socket(), std::string_view(answer).substr(at, 50000));
  }
  stage.app.signal(stage.socket(), KIND_FINISH, REPLY_CLOSE);
  std::string got;
  for (int i = 0; i < 100 && got.size() < answer.size(); i++) {
    stage.run();
    send_all(peer, "more");
    got += received(peer);
  }
  CHECK(got == answer && has_ended(peer));
  CHECK(stage.socket().data.empty() && stage.socket().closed == 0);
  CHECK(stage.upgraded() == 1);
  close(peer);
  stage.run();
  CHECK(stage.socket().closed == CLOSED_GONE && stage.upgraded() == 0);
}

void a_lingering_one_can_be_aborted() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  stage.app.signal(stage.socket(), KIND_FINISH, REPLY_CLOSE);
  stage.run();
  CHECK(has_ended(peer) && stage.socket().closed == 0);
  stage.app.signal(stage.socket(), KIND_ABORT);
  stage.run();
  CHECK(stage.socket().closed == CLOSED_GONE);
  close(peer);
}

void a_stop_waits_for_http_alone() {
  SocketStage stage;
  int idle = stage.connect(true);
  int peer = upgraded_peer(stage);
  int late = stage.connect(true);
  send_all(late, kWait);
  stage.run();
  stage.stop(false);
  close(idle);
  stage.run();
  CHECK(stage.app.drained.empty());  // one request is under way
  stage.app.upgrade_waiting();
  stage.run();
  CHECK(stage.app.drained == std::vector<int32_t>{0});  // no HTTP is left
  CHECK(stage.upgraded() == 2 && stage.live() == 2);
  send_all(peer, "on");
  stage.run();
  CHECK(stage.socket(0).data == "on");
  stage.stop(true);
  CHECK(stage.live() == 2 && stage.upgraded() == 0);  // they linger
  stage.run();
  CHECK(stage.socket(0).closed == CLOSED_GONE && stage.socket(1).closed == CLOSED_GONE);
  send_all(peer, "more");
  received(late);  // the answer that has switched it
  CHECK(has_ended(peer) && has_ended(late) && stage.app.drained.size() == 1);
  close(peer);
  close(late);
  stage.run();
  CHECK(stage.live() == 0 && stage.app.drained.size() == 2);
}

void a_retired_worker_keeps_them_and_says_so() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  stage.engine->retire();
  stage.run();
  CHECK(stage.app.retired == 1);
  send_all(peer, "on");
  stage.run();
  CHECK(stage.socket().data == "on" && stage.upgraded() == 1);
  stage.app.send(stage.socket(), "as ever");
  stage.run();
  CHECK(received(peer) == "as ever");
  close(peer);
}

void a_switch_on_a_retired_worker_is_the_last_of_http() {
  SocketStage stage;
  int peer = stage.connect(true);
  send_all(peer, kWait);
  stage.run();
  stage.engine->retire();
  stage.run();
  CHECK(stage.app.retired == 0);
  stage.app.upgrade_waiting();
  stage.run();
  CHECK(stage.app.retired == 1 && stage.upgraded() == 1);
  close(peer);
}

void only_idle_http_is_given_away() {
  SocketStage stage;
  int peer = upgraded_peer(stage);
  int other = stage.server->add_worker();
  {
    SocketApp app;
    WorkerEngine engine(*stage.server, other, app);
    CHECK(engine->open_mailbox());
    CHECK(stage.engine->give(10, other) == 0);
    engine->turn();
  }
  stage.server->remove_worker(other);
  CHECK(stage.upgraded() == 1 && stage.live() == 1);
  close(peer);
}

// FIN where all was sent, else a reset: FIN would be the end of what was cut.
void a_dying_thread_closes_them() {
  for (bool has_unsent : {false, true}) {
    SocketStage stage;
    int peer = upgraded_peer(stage);
    while (has_unsent && stage.app.unsent(stage.socket()) < 1000000) {
      stage.app.send(stage.socket(), std::string(100000, 'x'));
      stage.run();
    }
    int waiting = stage.connect(true);
    send_all(waiting, kWait);
    stage.run();
    stage.app.send(stage.socket(), "complete records are sent");
    stage.engine->die();
    CHECK(stage.upgraded() == 0 && stage.live() == 0);
    if (has_unsent) CHECK(was_reset(peer));
    else CHECK(received(peer) == "complete records are sent" && has_ended(peer));
    CHECK(received(waiting).starts_with("HTTP/1.1 500 "));
    close(peer);
    close(waiting);
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void*) {
  Parser::init_process();
  int before = open_descriptors();
  either_side_may_end_first();
  an_end_before_the_switch_is_told_after_it();
  an_end_while_paused();
  a_reset_is_told_in_every_state();
  an_abort_ends_it_at_once();
  a_closing_finish_lingers();
  a_lingering_one_can_be_aborted();
  a_stop_waits_for_http_alone();
  a_retired_worker_keeps_them_and_says_so();
  a_switch_on_a_retired_worker_is_the_last_of_http();
  only_idle_http_is_given_away();
  a_dying_thread_closes_them();
  CHECK(open_descriptors() == before);
  std::fflush(stdout);
  std::_Exit(0);  // the Node.js that has loaded this must not go on
}
