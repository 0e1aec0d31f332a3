// SPDX-License-Identifier: Apache-2.0
// expect: names_every_axis

#include "tenon/cpu.hpp"

struct my_recipe {
  using base = tenon::recipes::reference<tenon::qwen3_0_6b>;
  using backend = base::backend;
  using model = base::model;
  using precision = base::precision;
  using cache = base::cache;
  using attention = base::attention;
  using sampler = base::sampler;
#ifndef TENON_COMPILE_FAIL
  using scheduler = base::scheduler;
#endif
  using launch = base::launch;
  using parallel = base::parallel;
  using forward = base::forward;
  static constexpr auto numerics = base::numerics;
};

static_assert(tenon::is_recipe<my_recipe>);
