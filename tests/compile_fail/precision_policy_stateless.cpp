// SPDX-License-Identifier: Apache-2.0
// expect: is_stateless

#include "tenon/precision/fp32.hpp"

struct my_precision : tenon::fp32 {
#ifdef TENON_COMPILE_FAIL
  float scale = 1.0f;
#endif
};

static_assert(tenon::is_precision_policy<my_precision>);
