// SPDX-License-Identifier: Apache-2.0
// Logits in fp32 against those of transformers, for small models of both families: groups of 2, 4, 6 and 7,
// head_dim 64 and 128, tied and untied heads, bias, q/k norm, YaRN beyond its original positions.

#include <boost/test/unit_test.hpp>

#include "integration/reference_models.hpp"
#include "tenon/recipes/reference.hpp"

namespace {

using namespace reference_models;

constexpr double bound = 1e-4;

template <class Model> void expect_reference_logits() {
  auto const wanted = read_reference(Model::name);
  for (std::int32_t const chunk : {1, 5, 16, 128}) {
    runner_of<recipes::reference<Model>> runner{wanted, no_mutation};
    double const error = relative_error(wanted.logits, runner.logits(wanted.positions, chunk));
    BOOST_TEST_MESSAGE(Model::name << ", " << chunk << " tokens a step: relative error " << error);
    BOOST_TEST_CONTEXT(Model::name << ", " << chunk << " tokens a step") {
      BOOST_TEST(error <= bound);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reference_logits)

BOOST_AUTO_TEST_CASE(qwen3) {
  expect_reference_logits<qwen3_group2_dim128_tied>();
  expect_reference_logits<qwen3_group4_dim64_yarn>();
  expect_reference_logits<qwen3_group6_dim64_tied>();
  expect_reference_logits<qwen3_group7_dim128>();
}

BOOST_AUTO_TEST_CASE(qwen2) {
  expect_reference_logits<qwen2_group2_dim64>();
  expect_reference_logits<qwen2_group4_dim128_tied_yarn>();
  expect_reference_logits<qwen2_group6_dim128_tied>();
  expect_reference_logits<qwen2_group7_dim64_tied>();
}

BOOST_AUTO_TEST_SUITE_END()
