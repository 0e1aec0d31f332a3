// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/forward_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

#include "tenon/cpu.hpp"

namespace {

using namespace tenon;

struct nameless_forward {
  template <class Attention> static void run(auto&&...) {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(forward_policy)

BOOST_AUTO_TEST_CASE(a_forward_pass_computes_logits_under_a_name) {
  using view = paged_cache<16>::view<qwen3_tiny, bf16>;
  static_assert(tenon::forward_policy<op_chain, reference_attention, qwen3_tiny, bf16, cpu::backend, view,
                                      single_device>);
  static_assert(!tenon::forward_policy<nameless_forward, reference_attention, qwen3_tiny, bf16, cpu::backend,
                                       view, single_device>);
  BOOST_CHECK_EQUAL(std::string_view{op_chain::name}, "op_chain");
}

BOOST_AUTO_TEST_CASE(activations_are_sized_for_the_largest_batch) {
  carver counting;
  activations<fp32>::carve<qwen3_tiny>(counting, 10, 3);
  std::vector<std::byte> memory(counting.used() + buffer_alignment);
  carver real{memory.data(), memory.size()};
  auto const work = activations<fp32>::carve<qwen3_tiny>(real, 10, 3);
  BOOST_CHECK_EQUAL(work.residual.size(), 10 * 256);
  BOOST_CHECK_EQUAL(work.queries.size(), 10 * 256);
  BOOST_CHECK_EQUAL(work.ffn_hidden.size(), 10 * 768);
  BOOST_CHECK_EQUAL(work.logits.size(), 3 * 4224);
  BOOST_CHECK_GE(work.queries.data, work.residual.data + work.residual.size());
}

BOOST_AUTO_TEST_SUITE_END()
