// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>

namespace tenon::conformance {

/// TENON_TEST_SEED, or the same one every time.
inline std::uint64_t seed_of_this_run() {
  if (char const* given = std::getenv("TENON_TEST_SEED")) return std::strtoull(given, nullptr, 10);
  return 20261121;
}

/// `count` scaled by TENON_TEST_SCALE (a number up to 1, for slow builds), at least 1.
inline std::int64_t scaled(std::int64_t count) {
  char const* given = std::getenv("TENON_TEST_SCALE");
  double const scale = given == nullptr ? 1.0 : std::strtod(given, nullptr);
  return scale >= 1.0 || scale <= 0.0 ? count
                                      : 1 + static_cast<std::int64_t>(scale * static_cast<double>(count));
}

}  // namespace tenon::conformance
