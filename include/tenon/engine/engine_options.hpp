// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/launch/launch_policy.hpp"
#include "tenon/runtime/model_runner.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/work/event.hpp"

namespace tenon {

/// Called on the thread that runs the engine, once an event; it may submit and cancel. It should return soon:
/// the next step waits for it. An exception cancels its request and comes out of `run_one_step` once all
/// events are delivered.
using event_handler = std::function<void(event const&)>;

/// How large an engine is. Everything is taken at construction and nothing grows later.
struct engine_options {
  std::int32_t max_rows = 16;     ///< sequences in one step
  std::int32_t max_tokens = 512;  ///< tokens in one step: decode rows and prompt chunks together
  std::int32_t max_context = 0;   ///< positions of one sequence; 0: what the checkpoint says
  std::size_t memory_bytes = std::size_t{512} << 20;  ///< budget for cache and workspace together
  double memory_fraction = 0.0;  ///< above 0: this part of the device memory that is free, for memory_bytes
  bool prefix_caching = true;
  std::int32_t depth = 1;               ///< steps in flight: 2 plans a step while the one before it runs
  std::optional<std::uint64_t> seed{};  ///< for requests without one; absent: from the operating system
};

/// Counters since the start, and the present state. Cheap: no locks, no device work.
struct engine_stats {
  scheduler_counts requests{};
  cache_usage pages{};
  launch_counts steps{};
  runner_memory memory{};
  std::int64_t finished_choices = 0;
  std::int64_t prompt_tokens = 0;  ///< of finished choices
  std::int64_t cached_tokens = 0;  ///< of those, taken from the prefix cache
  std::int64_t generated_tokens = 0;
  std::int32_t last_rows = 0;  ///< rows of the latest step
  std::int32_t last_tokens = 0;
  std::int64_t busy_nanoseconds = 0;  ///< with at least one step on its way, as the engine's thread sees it

  /// Part of the cache that sequences hold, 0 to 1.
  double cache_in_use() const noexcept {
    return pages.total > 0 ? static_cast<double>(pages.held) / static_cast<double>(pages.total) : 0.0;
  }

  friend bool operator==(engine_stats const&, engine_stats const&) = default;
};

}  // namespace tenon
