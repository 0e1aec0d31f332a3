// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/attention_policy.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/attention/reference_attention.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"

namespace {

using namespace tenon;

/// Has code for groups that are powers of two alone.
struct even_groups_only : reference_attention {
  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = (Group & (Group - 1)) == 0;
};

struct without_a_plan {
  static constexpr std::string_view name = "without_a_plan";
  static constexpr bool capturable = false;
  template <std::int32_t HeadDim, std::int32_t Group> static constexpr bool supports = true;
};

using view_type = paged_view<bf16_t, 128>;

}  // namespace

BOOST_AUTO_TEST_SUITE(attention_policy)

BOOST_AUTO_TEST_CASE(says_at_compile_time_which_models_fit) {
  static_assert(tenon::attention_policy<reference_attention, qwen2_5_7b, bf16, view_type, cpu::backend>);
  static_assert(tenon::attention_policy<reference_attention, qwen3_1_7b, bf16, view_type, cpu::backend>);
  static_assert(tenon::attention_policy<even_groups_only, qwen3_1_7b, bf16, view_type, cpu::backend>);
  static_assert(!tenon::attention_policy<even_groups_only, qwen2_5_7b, bf16, view_type, cpu::backend>);
  static_assert(!requirement::supports_head_shape<even_groups_only, qwen2_5_7b>);
  static_assert(!requirement::plans_on_the_host<without_a_plan>);
  static_assert(!tenon::attention_policy<without_a_plan, qwen3_1_7b, bf16, view_type, cpu::backend>);
  BOOST_TEST((reference_attention::supports<64, 7>));
  BOOST_TEST(!(reference_attention::supports<63, 1>));
}

BOOST_AUTO_TEST_SUITE_END()
