// The mailbox: one wake-up per change from empty to not empty, nothing lost at the close.
#include "core/mailbox.h"

#include <poll.h>
#include <unistd.h>

#include "check.h"

using millrace::Handover;
using millrace::Mailbox;

namespace {

Handover item_of(uint64_t id) {
  Handover item;
  item.id = id;
  return item;
}

bool is_awake(const Mailbox& mailbox) {
  pollfd entry{mailbox.wake_fd(), POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

void a_closed_mailbox_takes_nothing() {
  Mailbox mailbox;
  CHECK(!mailbox.is_open());
  CHECK(mailbox.push(item_of(1)) == Mailbox::Push::kClosed);
  mailbox.wake();  // nobody is there: nothing happens
}

void only_the_first_push_asks_for_a_wake() {
  Mailbox mailbox;
  CHECK(mailbox.open() && mailbox.is_open());
  CHECK(mailbox.push(item_of(1)) == Mailbox::Push::kWakeNeeded);
  CHECK(mailbox.push(item_of(2)) == Mailbox::Push::kQueued);
  CHECK(!is_awake(mailbox));
  mailbox.wake();
  CHECK(is_awake(mailbox));
  std::vector<Handover> taken;
  mailbox.drain(taken);
  CHECK(taken.size() == 2 && taken[0].id == 1 && taken[1].id == 2);
  CHECK(mailbox.push(item_of(3)) == Mailbox::Push::kWakeNeeded);
  std::vector<Handover> left;
  mailbox.close(left);
  CHECK(left.size() == 1 && left[0].id == 3);
}

void draining_adds_to_what_the_reader_still_has() {
  Mailbox mailbox;
  CHECK(mailbox.open());
  std::vector<Handover> waiting{item_of(1)};
  CHECK(mailbox.push(item_of(2)) == Mailbox::Push::kWakeNeeded);
  mailbox.drain(waiting);
  CHECK(waiting.size() == 2 && waiting[0].id == 1 && waiting[1].id == 2);
  std::vector<Handover> left;
  mailbox.close(left);
  CHECK(left.empty());
}

void it_can_be_opened_again() {
  Mailbox mailbox;
  std::vector<Handover> left;
  CHECK(mailbox.open());
  mailbox.close(left);
  CHECK(!mailbox.is_open() && mailbox.wake_fd() == -1);
  CHECK(mailbox.push(item_of(1)) == Mailbox::Push::kClosed);
  CHECK(mailbox.open());
  CHECK(mailbox.push(item_of(2)) == Mailbox::Push::kWakeNeeded);
  mailbox.close(left);
  CHECK(left.size() == 1);
}

}  // namespace

int main() {
  a_closed_mailbox_takes_nothing();
  only_the_first_push_asks_for_a_wake();
  draining_adds_to_what_the_reader_still_has();
  it_can_be_opened_again();
}
