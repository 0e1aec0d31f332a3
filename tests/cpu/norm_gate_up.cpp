// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/norm_gate_up.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/oracle.hpp"

using namespace tenon;
using testing::as_doubles;
using testing::matrix_of_doubles;

namespace {

template <class P> struct gate_up_case {
  static constexpr std::int64_t width = 96;
  testing::random_matrix<float> norm;
  testing::random_matrix<typename P::weight> weights;
  std::int64_t ffn;

  gate_up_case(std::mt19937_64& random, std::int64_t features)
      : norm{random, 1, width, 1.0f, 0.3f}, weights{random, 2 * features, width, 0.0f, 0.2f}, ffn{features} {}

  layer_weights<P> layer() const {
    layer_weights<P> result;
    result.ffn_norm = norm.vector();
    result.gate_up = weights.weights();
    return result;
  }

  matrix_of_doubles expected(testing::random_matrix<float> const& x, double epsilon) const {
    auto const n = testing::rms_norm<typename P::activation>(as_doubles(x), norm, epsilon);
    matrix_of_doubles const both = n * as_doubles(weights).transpose();
    matrix_of_doubles const gate = both.leftCols(ffn);
    return (gate.array() / (1.0 + (-gate.array()).exp()) * both.rightCols(ffn).array()).matrix();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(norm_gate_up)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 3, .at_most = set}};
    ctx.reserve(96, 200, 96, 300);
    for (std::int64_t const rows : {1, 7, 300}) {
      gate_up_case<policy> const test{random, static_cast<std::int64_t>(random() % 199 + 1)};
      testing::random_matrix<float> const x{random, rows, 96, 0.5f, 3.0f};
      testing::random_matrix<typename policy::activation> hidden{random, rows, test.ffn};
      cpu::norm_gate_up<policy>(ctx, x.view(), test.layer(), 0.1f, hidden.view());
      BOOST_TEST_CONTEXT(policy::name << ", " << name_of(set) << ", rows " << rows << ", ffn " << test.ffn) {
        BOOST_TEST(testing::error(as_doubles(hidden), test.expected(x, 0.1)) < testing::tolerance<policy>());
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_bits_alone_and_among_300_in_every_instruction_set) {
  std::vector<bf16_t> first;
  for (auto const set : testing::instruction_sets()) {
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 2, .at_most = set}};
    ctx.reserve(96, 200, 96, 300);
    gate_up_case<bf16> const test{random, 131};
    testing::random_matrix<float> const x{random, 300, 96};
    testing::random_matrix<bf16_t> together{random, 300, 131};
    testing::random_matrix<bf16_t> alone{random, 300, 131};
    cpu::norm_gate_up<bf16>(ctx, x.view(), test.layer(), 1e-6f, together.view());
    for (std::int64_t row = 0; row < 300; ++row) {
      cpu::norm_gate_up<bf16>(ctx, {x.view()[row], {1, 96}}, test.layer(), 1e-6f,
                              {alone.view()[row], {1, 131}});
    }
    if (first.empty()) first = together.values;
    BOOST_TEST(testing::same_bits(together.values, alone.values));
    BOOST_TEST(testing::same_bits(together.values, first));
  }
}

BOOST_AUTO_TEST_SUITE_END()
