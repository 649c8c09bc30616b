// The listeners that an engine knows: their options come and go while it runs. A connection points
// at the options that it was adopted with until its slot is freed, so those that were replaced live
// as long as one of them does.
#include "engine.h"

namespace millrace {

namespace {

uint32_t slab_bytes_for(uint32_t head_bytes_max) {
  uint32_t wanted = 4 * head_bytes_max + 16384;
  uint32_t size = SLAB_BYTES_MIN;
  while (size < wanted) size *= 2;
  return size;
}

}  // namespace

// What all listeners share is made for the largest limit that there has ever been.
void Engine::fit(const ListenerOptions& options) {
  if (options.pipeline_max + 8 > static_cast<uint32_t>(read_events_max_)) {
    read_events_max_ = static_cast<int32_t>(options.pipeline_max) + 8;
  }
  if (options.limits.headers_max > headers_max_) {
    headers_max_ = options.limits.headers_max;
    for (Parser* parser : parsers_) delete parser;  // too small; so are those in use, afterwards
    parsers_.clear();
  }
  if (options.limits.head_bytes_max <= head_bytes_max_) return;
  head_bytes_max_ = options.limits.head_bytes_max;
  slab_bytes_ = slab_bytes_for(head_bytes_max_);
  slab_.set_need(head_bytes_max_ + 4);  // a head may lack its last CR LF CR LF
}

// Between turns. A slab of `slab_bytes` must be given before the next one if that has grown. Null
// of `options` takes the listener away. Nothing of the one that had the index before is left.
void Engine::set_listener(uint16_t index, const ListenerOptions* options) {
  ListenerOptions* before = listeners_[index];
  listeners_[index] = nullptr;
  if (before != nullptr) {
    before->is_replaced = true;
    if (before->holders > 0) replaced_.push_back(before);
    else delete before;
  }
  listener_draining_[index] = false;
  std::erase(drained_, index);
  if (options == nullptr) return;
  auto* added = new ListenerOptions(*options);
  added->holders = 0;
  added->is_replaced = false;
  listeners_[index] = added;
  fit(*added);
}

// A slot is free: its connection holds its options no more.
void Engine::free_slot(uint32_t slot) {
  Connection& connection = *table_.at(slot);
  ListenerOptions* options = connection.options;
  if (connection.has_own_clocks) own_clocks_.erase(slot);
  table_.free(connection);
  if (--options->holders > 0 || !options->is_replaced) return;
  std::erase(replaced_, options);
  delete options;
}

void Engine::count_connection(uint16_t listener, int change) {
  listener_counts_[listener] += change;
  share_counts(listener);
}

// Those that have switched protocols count apart: whoever waits for the end of HTTP on a listener
// does not wait for them.
void Engine::count_upgraded(uint16_t listener, int change) {
  upgraded_counts_[listener] += change;
  server_->listener(listener).upgraded.fetch_add(change, std::memory_order_relaxed);
  share_counts(listener);
}

void Engine::share_counts(uint16_t listener) {
  int32_t count = listener_counts_[listener] + upgraded_counts_[listener];
  // The only writer is this thread; read by the primary for its reports.
  shared_->counters[listener].connections.store(static_cast<uint32_t>(count),
                                                std::memory_order_relaxed);
}

}  // namespace millrace
