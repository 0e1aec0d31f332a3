// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/rms_norm.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/oracle.hpp"

using namespace tenon;
using testing::as_doubles;

BOOST_AUTO_TEST_SUITE(rms_norm)

BOOST_AUTO_TEST_CASE(rounds_before_and_after_the_weight) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using element = typename decltype(precision)::activation;
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 2, .at_most = set}};
    ctx.reserve(700, 1, 1, 40);
    for (std::int64_t const width : {1, 64, 300, 700}) {
      testing::random_matrix<float> const x{random, 40, width, 0.4f, 3.0f};
      testing::random_matrix<float> const weight{random, 1, width, 1.0f, 0.5f};
      float const* const out = cpu::rms_norm_rows<element>(
          ctx, x.view(), 40, [](std::int64_t row) { return 39 - row; }, weight.vector(), 0.5f);
      auto const expected = testing::rms_norm<element>(as_doubles(x).colwise().reverse(), weight, 0.5);
      auto const found = as_doubles(matrix_view<float const>{out, {40, width}});
      BOOST_TEST(testing::error(found, expected) < testing::tolerance<decltype(precision)>());
      BOOST_TEST((testing::rounded<element>(found) == found));
    }
  });
}

BOOST_AUTO_TEST_CASE(a_row_of_zeros_stays_zero) {
  cpu::context ctx{{.threads = 1}};
  ctx.reserve(16, 1, 1, 1);
  std::vector<float> const zeros(16, 0.0f);
  float const* const out = cpu::rms_norm_rows<float>(
      ctx, {zeros.data(), {1, 16}}, 1, [](std::int64_t row) { return row; }, {zeros.data(), {16}}, 1e-6f);
  for (int i = 0; i < 16; ++i) BOOST_TEST(out[i] == 0.0f);
}

BOOST_AUTO_TEST_SUITE_END()
