// SPDX-License-Identifier: Apache-2.0
// expect: replay_has_capturable_attention

#include "tenon/cpu.hpp"

/// Replays what it recorded, so everything recorded must be replayable.
struct replaying : tenon::eager<> {
#ifdef TENON_COMPILE_FAIL
  static constexpr bool captures = true;
#else
  static constexpr bool captures = false;
#endif
};

struct my_recipe : tenon::recipes::reference<tenon::qwen3_0_6b> {
  using launch = replaying;
};

static_assert(tenon::is_recipe<my_recipe>);
