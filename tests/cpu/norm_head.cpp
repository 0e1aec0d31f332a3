// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/norm_head.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/oracle.hpp"
#include "cpu/random_batch.hpp"

using namespace tenon;
using testing::as_doubles;

BOOST_AUTO_TEST_SUITE(norm_head)

BOOST_AUTO_TEST_CASE(gives_logits_of_the_wanted_tokens_alone_as_in_the_batch) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 3, .at_most = set}};
    ctx.reserve(100, 100, 100, 300);
    for (std::int32_t const tokens : {1, 12, 300}) {
      testing::random_batch batch{random, tokens, 10, 400, 16};
      auto const rows = static_cast<std::int64_t>(batch.logit_tokens.size());
      testing::random_matrix<float> const x{random, tokens, 100, 0.3f, 2.0f};
      testing::random_matrix<float> const norm{random, 1, 100, 1.0f, 0.3f};
      testing::random_matrix<typename policy::weight> const head{random, 333, 100};
      testing::random_matrix<float> logits{random, rows, 333};
      cpu::norm_head<policy>(ctx, batch.view(), x.view(), norm.vector(), head.weights(), 0.05f,
                             logits.view());

      testing::matrix_of_doubles wanted(rows, 100);
      testing::random_matrix<float> alone{random, rows, 333};
      for (std::int64_t i = 0; i < rows; ++i) {
        auto const token = batch.logit_tokens[static_cast<std::size_t>(i)];
        wanted.row(i) = as_doubles(x).row(token);
        auto one = batch.only(static_cast<std::size_t>(token));
        cpu::norm_head<policy>(ctx, one.view(), {x.view()[token], {1, 100}}, norm.vector(), head.weights(),
                               0.05f, {alone.view()[i], {1, 333}});
      }
      auto const n = testing::rms_norm<typename policy::activation>(wanted, norm, 0.05);
      BOOST_TEST_CONTEXT(policy::name << ", " << name_of(set) << ", tokens " << tokens) {
        BOOST_TEST(testing::error(as_doubles(logits), n * as_doubles(head).transpose()) <
                   testing::tolerance<policy>());
        BOOST_TEST(testing::same_bits(logits.values, alone.values));
      }
    }
  });
}

BOOST_AUTO_TEST_SUITE_END()
