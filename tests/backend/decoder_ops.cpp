// SPDX-License-Identifier: Apache-2.0
#include "tenon/backend/decoder_ops.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cpu.hpp"

namespace bare {

/// Argument-dependent look-up finds no op beside this context.
struct context {};
struct backend {
  using context = bare::context;
};

}  // namespace bare

BOOST_AUTO_TEST_SUITE(decoder_ops)

BOOST_AUTO_TEST_CASE(the_cpu_backend_has_the_whole_list_in_every_precision) {
  using namespace tenon;
  static_assert(has_decoder_ops<cpu::backend, fp32, paged_view<float, 64>>);
  static_assert(has_decoder_ops<cpu::backend, bf16, paged_view<bf16_t, 128>>);
  static_assert(has_decoder_ops<cpu::backend, fp16, paged_view<f16_t, 128>>);
  static_assert(!has_decoder_ops<bare::backend, fp32, paged_view<float, 64>>);
  BOOST_CHECK(!(requirement::has_embed<bare::backend, fp32>));
  BOOST_CHECK(!(requirement::has_copy_pages<bare::backend, paged_view<float, 64>>));
}

BOOST_AUTO_TEST_SUITE_END()
