// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/linear_residual.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/oracle.hpp"

using namespace tenon;
using testing::as_doubles;

BOOST_AUTO_TEST_SUITE(linear_residual)

BOOST_AUTO_TEST_CASE(adds_the_projection_or_replaces_the_residual) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 3, .at_most = set}};
    ctx.reserve(200, 200, 200, 300);
    for (std::int64_t const rows : {1, 2, 5, 64, 300}) {
      auto const in_features = static_cast<std::int64_t>(random() % 199 + 1);
      auto const out_features = static_cast<std::int64_t>(random() % 199 + 1);
      testing::random_matrix<typename policy::activation> const in{random, rows, in_features};
      testing::random_matrix<typename policy::weight> const w{random, out_features, in_features};
      testing::random_matrix<float> x{random, rows + 1, out_features};
      testing::matrix_of_doubles const product = as_doubles(in) * as_doubles(w).transpose();
      for (bool const keep : {true, false}) {
        testing::matrix_of_doubles expected = as_doubles(x);
        if (!keep) expected.topRows(rows).setZero();
        expected.topRows(rows) += product;
        cpu::linear_residual<policy>(ctx, in.view(), w.weights(), x.view(), keep);
        BOOST_TEST_CONTEXT(policy::name << ", " << name_of(set) << ", rows " << rows << ", k "
                                        << in_features) {
          BOOST_TEST(testing::error(as_doubles(x), expected) < 1e-6);
        }
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_bits_alone_and_among_300) {
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 2, .at_most = set}};
    ctx.reserve(90, 90, 90, 300);
    testing::random_matrix<typename policy::activation> const in{random, 300, 90};
    testing::random_matrix<typename policy::weight> const w{random, 70, 90};
    testing::random_matrix<float> const start{random, 300, 70};
    auto together = start;
    auto alone = start;
    cpu::linear_residual<policy>(ctx, in.view(), w.weights(), together.view(), true);
    for (std::int64_t row = 0; row < 300; ++row) {
      cpu::linear_residual<policy>(ctx, {in.view()[row], {1, 90}}, w.weights(), {alone.view()[row], {1, 70}},
                                   true);
    }
    BOOST_TEST(testing::same_bits(together.values, alone.values));
  });
}

BOOST_AUTO_TEST_CASE(too_little_scratch_is_named) {
  cpu::context ctx{{.threads = 1}};
  ctx.reserve(8, 8, 8, 2);
  std::mt19937_64 random{testing::seed()};
  testing::random_matrix<bf16_t> const in{random, 3, 8};
  testing::random_matrix<bf16_t> const w{random, 8, 8};
  testing::random_matrix<float> x{random, 3, 8};
  BOOST_CHECK_EXCEPTION(cpu::linear_residual<bf16>(ctx, in.view(), w.weights(), x.view(), true),
                        options_error, [](options_error const& error) {
                          return std::string{error.what()}.find("24 floats") != std::string::npos &&
                                 std::string{error.what()}.find("16 are there") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()
