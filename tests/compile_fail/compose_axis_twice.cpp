// SPDX-License-Identifier: Apache-2.0
// expect: names_an_axis_once

#include "tenon/cpu.hpp"

#ifdef TENON_COMPILE_FAIL
using mine = tenon::compose<tenon::qwen3_0_6b, tenon::bf16, tenon::fp16>;
#else
using mine = tenon::compose<tenon::qwen3_0_6b, tenon::bf16, tenon::static_batch>;
#endif

static_assert(tenon::is_recipe<mine>);
