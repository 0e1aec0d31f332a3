// SPDX-License-Identifier: Apache-2.0
// Logits in bf16 and fp16 against those that transformers computed in fp32. The weights are exact in all
// three types, so the difference is what rounding activations and cache costs.

#include <boost/test/unit_test.hpp>

#include "integration/reference_models.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/recipes/compose.hpp"

namespace {

using namespace reference_models;

template <class Model, class Precision> void expect_near(double bound) {
  auto const wanted = read_reference(Model::name);
  for (std::int32_t const chunk : {1, 16, 128}) {
    runner_of<compose<Model, Precision>> runner{wanted, no_mutation};
    double const error = relative_error(wanted.logits, runner.logits(wanted.positions, chunk));
    BOOST_TEST_MESSAGE(Model::name << " in " << Precision::name << ", " << chunk
                                   << " tokens a step: relative error " << error);
    BOOST_TEST_CONTEXT(Model::name << ", " << chunk << " tokens a step") {
      BOOST_TEST(error <= bound);
    }
  }
}

template <class Precision> void expect_all_near(double bound) {
  expect_near<qwen3_group2_dim128_tied, Precision>(bound);
  expect_near<qwen3_group4_dim64_yarn, Precision>(bound);
  expect_near<qwen2_group4_dim128_tied_yarn, Precision>(bound);
  expect_near<qwen2_group7_dim64_tied, Precision>(bound);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reference_logits_16bit)

BOOST_AUTO_TEST_CASE(bf16) {
  expect_all_near<tenon::bf16>(0.04);
}

BOOST_AUTO_TEST_CASE(fp16) {
  expect_all_near<tenon::fp16>(0.005);
}

BOOST_AUTO_TEST_SUITE_END()
