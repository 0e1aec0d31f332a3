// SPDX-License-Identifier: Apache-2.0
// expect: shards_evenly

#include "tenon/cpu.hpp"

/// As many ranks as a recipe's head count must divide by.
struct spread : tenon::single_device {
#ifdef TENON_COMPILE_FAIL
  static constexpr std::int32_t world = 3;  // eight key/value heads
#else
  static constexpr std::int32_t world = 2;
#endif
};

struct my_recipe : tenon::recipes::reference<tenon::qwen3_1_7b> {
  using parallel = spread;
};

static_assert(tenon::is_recipe<my_recipe>);
