#include "mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace millrace {

bool Mailbox::open() {
  std::lock_guard<std::mutex> guard(lock_);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  is_open_ = wake_fd_ >= 0;
  return is_open_;
}

Mailbox::Push Mailbox::push(const Handover& item) {
  std::lock_guard<std::mutex> guard(lock_);
  if (!is_open_) return Push::kClosed;
  items_.push_back(item);
  return items_.size() == 1 ? Push::kWakeNeeded : Push::kQueued;
}

void Mailbox::wake() {
  std::lock_guard<std::mutex> guard(lock_);
  if (wake_fd_ < 0) return;
  uint64_t one = 1;
  ssize_t written = ::write(wake_fd_, &one, sizeof one);
  (void)written;  // only a counter at its maximum fails, and that wakes too
}

void Mailbox::drain(std::vector<Handover>& into) {
  std::lock_guard<std::mutex> guard(lock_);
  if (into.empty()) {
    into.swap(items_);  // the usual case; the two vectors keep each other's room
    return;
  }
  into.insert(into.end(), items_.begin(), items_.end());
  items_.clear();
}

void Mailbox::close(std::vector<Handover>& left) {
  std::lock_guard<std::mutex> guard(lock_);
  is_open_ = false;
  left.swap(items_);
  if (wake_fd_ >= 0) ::close(wake_fd_);
  wake_fd_ = -1;
}

bool Mailbox::is_open() {
  std::lock_guard<std::mutex> guard(lock_);
  return is_open_;
}

}  // namespace millrace
