// SPDX-License-Identifier: Apache-2.0
// expect: fits_one_axis

#include "tenon/cpu.hpp"

struct no_policy {};

#ifdef TENON_COMPILE_FAIL
using mine = tenon::compose<tenon::qwen3_0_6b, no_policy>;
#else
using mine = tenon::compose<tenon::qwen3_0_6b, tenon::bf16>;
#endif

static_assert(tenon::is_recipe<mine>);
