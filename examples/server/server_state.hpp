// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "server/api_keys.hpp"
#include "server/event_log.hpp"
#include "server/http_limits.hpp"
#include "server/router.hpp"

namespace server {

/// What the server is doing; it only moves downwards.
enum class phase { loading, serving, draining, failed };

/// What all connections share. The first part is set before the first of them and only read then.
struct server_state {
  http_limits limits{};
  api_keys keys{};
  std::vector<std::string> allowed_origins{};  ///< of browsers' pages; "*" allows all of them
  event_log& log;

  std::atomic<phase> now = phase::loading;
  std::atomic<bool> stalled = false;            ///< a step of the engine takes longer than one may
  std::atomic<router const*> routes = nullptr;  ///< replaced once, when the model is loaded
  std::atomic<std::int64_t> connections = 0;
  std::atomic<std::int64_t> open_requests = 0;  ///< from the head's end to the answer's last byte
  std::atomic<std::int64_t> buffered_bytes = 0;
};

/// A request's part of the memory that all bodies share.
class body_budget {
 public:
  body_budget(std::atomic<std::int64_t>& total, std::int64_t most) : total_{&total}, most_{most} {}
  body_budget(body_budget const&) = delete;
  body_budget& operator=(body_budget const&) = delete;
  ~body_budget() { total_->fetch_sub(held_, std::memory_order_relaxed); }

  /// Holds `bytes` in all from now on. False when there is no room for more: then it holds what it held.
  bool hold(std::size_t bytes) noexcept {
    auto const more = static_cast<std::int64_t>(bytes) - held_;
    if (total_->fetch_add(more, std::memory_order_relaxed) + more > most_ && more > 0) {
      total_->fetch_sub(more, std::memory_order_relaxed);
      return false;
    }
    held_ += more;
    return true;
  }

 private:
  std::atomic<std::int64_t>* total_;
  std::int64_t most_;
  std::int64_t held_ = 0;
};

}  // namespace server
