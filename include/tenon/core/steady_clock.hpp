// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>

namespace tenon {

/// Nanoseconds of a clock that never goes back, from an arbitrary start: std::chrono::steady_clock's own, without the
/// tenth of a second that every file including `<chrono>` pays for.
inline std::int64_t steady_nanoseconds() noexcept {
  std::timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace tenon
