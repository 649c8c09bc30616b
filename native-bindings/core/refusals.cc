#include "refusals.h"

#include "transport.h"

namespace millrace {

namespace {

// No Date: a 5xx may go without one (RFC 9110 6.6.1), and the primary keeps no clock for it.
constexpr char kAnswer[] =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: text/plain;charset=UTF-8\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "Content-Length: 21\r\n\r\n"
    "too many connections\n";

// Reads and drops what has come, bounded. True: the peer has ended the connection.
bool has_ended(int fd) {
  char dropped[4096];
  for (int i = 0; i < 4; i++) {
    IoResult result = Transport::receive(fd, dropped, sizeof dropped);
    if (result.status == IoStatus::kBlocked) return false;
    if (result.status != IoStatus::kDone) return true;
  }
  return false;
}

}  // namespace

Refusals::~Refusals() { clear(); }

void Refusals::answer(int fd) {
  // A new socket has room for it; one that has not is gone.
  Transport::send(fd, kAnswer, sizeof kAnswer - 1);
  Transport::end(fd);
}

void Refusals::add(int fd, uint64_t now_ms) {
  answer(fd);
  if (count_ == kMax) drop_oldest();
  refused_[(first_ + count_) % kMax] = {fd, now_ms};
  count_++;
}

void Refusals::expire(uint64_t now_ms) {
  size_t kept = 0;
  for (size_t i = 0; i < count_; i++) {
    Refused each = refused_[(first_ + i) % kMax];
    if (has_ended(each.fd) || now_ms - each.since_ms >= kAgeMs) {
      Transport::close_socket(each.fd);
    } else {
      refused_[(first_ + kept++) % kMax] = each;
    }
  }
  count_ = kept;
}

void Refusals::drop_oldest() {
  has_ended(refused_[first_].fd);
  Transport::close_socket(refused_[first_].fd);
  first_ = (first_ + 1) % kMax;
  count_--;
}

void Refusals::clear() {
  while (count_ > 0) drop_oldest();
}

}  // namespace millrace
