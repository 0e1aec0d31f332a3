// SPDX-License-Identifier: Apache-2.0
// expect: supports_head_shape

#include <bit>

#include "tenon/cpu.hpp"

/// Attention that has code for groups of a power of two only, as many kernels do.
struct pairs_only : tenon::reference_attention {
  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = std::has_single_bit(static_cast<unsigned>(Group));
};

#ifdef TENON_COMPILE_FAIL
using model = tenon::qwen2_5_7b;  // seven query heads share a key/value head
#else
using model = tenon::qwen3_1_7b;
#endif

struct my_recipe : tenon::recipes::reference<model> {
  using attention = pairs_only;
};

static_assert(tenon::is_recipe<my_recipe>);
