// SPDX-License-Identifier: Apache-2.0
// Logits in fp32 against those of transformers, for small models of both families: groups of 2, 4, 6 and 7,
// head_dim 64 and 128, tied and untied heads, bias, q/k norm, YaRN beyond its original positions.

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

#include "integration/reference_models.hpp"
#include "tenon/recipes/reference.hpp"

namespace {

using namespace reference_models;

constexpr double bound = 1e-4;

template <class Model> void expect_reference_logits() {
  auto const wanted = read_reference(Model::name);
  auto const check = [&](std::int32_t chunk, cpu::instruction_set at_most) {
    runner_of<recipes::reference<Model>> runner{wanted, no_mutation, at_most};
    double const error = relative_error(wanted.logits, runner.logits(wanted.positions, chunk));
    auto const what = std::string{Model::name} + ", " + std::to_string(chunk) + " tokens a step, kernels " +
                      std::string{cpu::name_of(at_most)};
    BOOST_TEST_MESSAGE(what << ": relative error " << error);
    BOOST_TEST_CONTEXT(what) {
      BOOST_TEST(error <= bound);
    }
  };
  for (std::int32_t const chunk : {1, 5, 16, 128}) check(chunk, cpu::instruction_set::avx512);
  for (auto const at_most : {cpu::instruction_set::scalar, cpu::instruction_set::avx2}) check(32, at_most);
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
