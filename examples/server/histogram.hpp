// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace server {

/// Durations by upper bound, in seconds. Any thread adds without a lock; a reader sees sums that may be a few
/// additions apart.
class histogram {
 public:
  static constexpr std::size_t most_bounds = 32;

  /// bounds: increasing, at most `most_bounds`, and living as long as this object.
  explicit histogram(std::span<double const> bounds)
      : bounds_{bounds.first(std::min(bounds.size(), most_bounds))} {}

  void add(std::int64_t nanoseconds) noexcept {
    nanoseconds = std::max<std::int64_t>(nanoseconds, 0);
    auto const place =
        std::ranges::lower_bound(bounds_, static_cast<double>(nanoseconds) * 1e-9) - bounds_.begin();
    counts_[static_cast<std::size_t>(place)].fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(nanoseconds, std::memory_order_relaxed);
  }

  std::span<double const> bounds() const noexcept { return bounds_; }
  /// How many lie between bound `place` - 1 (exclusive) and bound `place`; the last place has no upper bound.
  std::uint64_t count(std::size_t place) const noexcept {
    return counts_[place].load(std::memory_order_relaxed);
  }
  double sum() const noexcept {
    return static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  }

 private:
  std::span<double const> bounds_;
  std::array<std::atomic<std::uint64_t>, most_bounds + 1> counts_{};
  std::atomic<std::int64_t> nanoseconds_ = 0;
};

}  // namespace server
