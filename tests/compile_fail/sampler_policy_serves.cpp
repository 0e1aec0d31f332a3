// SPDX-License-Identifier: Apache-2.0
// expect: says_what_it_serves

#include "tenon/cpu/backend.hpp"
#include "tenon/sampling/sampler_policy.hpp"

struct my_sampler {
  static constexpr auto name = "mine";
  struct state {};
  static state make_state(tenon::carver&, int slots, int vocabulary);
  static void run(auto& context, tenon::batch_view const&, tenon::matrix_view<float>, state const&,
                  tenon::sampled_view const&);
#ifdef TENON_COMPILE_FAIL
  static void serves(tenon::sampling_row const&);
#else
  static bool serves(tenon::sampling_row const&);
#endif
};

static_assert(tenon::is_sampler_policy<my_sampler, tenon::cpu::backend>);
