// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/backend.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

#include "tenon/backend/buffer.hpp"
#include "tenon/backend/decoder_ops.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cpu/copy_pages.hpp"
#include "tenon/cpu/embed.hpp"
#include "tenon/cpu/linear_residual.hpp"
#include "tenon/cpu/norm_gate_up.hpp"
#include "tenon/cpu/norm_head.hpp"
#include "tenon/cpu/norm_qkv.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"

using namespace tenon;

static_assert(is_backend<cpu::backend>);
static_assert(has_decoder_ops<cpu::backend, fp32, paged_view<float, 64>>);
static_assert(has_decoder_ops<cpu::backend, bf16, paged_view<bf16_t, 128>>);
static_assert(has_decoder_ops<cpu::backend, fp16, paged_view<f16_t, 128>>);

BOOST_AUTO_TEST_SUITE(backend)

BOOST_AUTO_TEST_CASE(owns_buffers) {
  cpu::backend::context ctx{cpu::backend::context_options{.threads = 1}};
  buffer<cpu::backend> first{ctx, 1000};
  auto* const data = first.data();
  buffer<cpu::backend> const second{std::move(first)};
  BOOST_TEST(second.data() == data);
  BOOST_TEST(cpu::backend::name == "cpu");
}

BOOST_AUTO_TEST_SUITE_END()
