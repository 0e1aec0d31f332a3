// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/random_values.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "checkpoint/memory_backend.hpp"
#include "tenon/core/dtype.hpp"

using tenon_test::memory_backend;

namespace {

template <class Target>
std::vector<Target> drawn(std::int64_t count, float limit, std::uint64_t seed, unsigned threads) {
  std::vector<Target> values(static_cast<std::size_t>(count));
  memory_backend::context context{{}};
  tenon::upload_queue<memory_backend> queue;
  tenon::add_random_values(values.data(), count, limit, seed, queue);
  queue.run(context, threads, {});
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_values)

BOOST_AUTO_TEST_CASE(mean_deviation_and_bounds_are_those_of_a_uniform_distribution) {
  auto const values = drawn<float>(1000003, 0.5f, 7, 2);
  double sum = 0;
  double squares = 0;
  float largest = 0;
  for (float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
    largest = std::max(largest, std::abs(value));
  }
  double const count = static_cast<double>(values.size());
  BOOST_TEST(std::abs(sum / count) < 0.002);
  BOOST_TEST(std::abs(std::sqrt(squares / count) - 0.5 / std::sqrt(3.0)) < 0.002);
  BOOST_TEST(largest <= 0.5f);
  BOOST_TEST(largest > 0.499f);
}

BOOST_AUTO_TEST_CASE(a_function_of_seed_and_index_alone) {
  auto const one = drawn<float>(2000000, 1.0f, 3, 1);
  BOOST_TEST((drawn<float>(2000000, 1.0f, 3, 4) == one));
  auto const prefix = drawn<float>(1001, 1.0f, 3, 1);
  BOOST_TEST(std::equal(prefix.begin(), prefix.end(), one.begin()));
  BOOST_TEST((drawn<float>(1001, 1.0f, 4, 1) != prefix));
  auto const rounded = drawn<tenon::bf16_t>(1001, 1.0f, 3, 1);
  for (std::size_t i = 0; i < rounded.size(); ++i) {
    BOOST_TEST_REQUIRE(rounded[i].bits == tenon::bf16_t::from(prefix[i]).bits);
  }
}

BOOST_AUTO_TEST_CASE(limit_gives_unit_variance_of_a_sum) {
  BOOST_TEST(tenon::random_limit(3) == 1.0f);
  BOOST_TEST(tenon::random_limit(300) == 0.1f, boost::test_tools::tolerance(1e-6f));
}

BOOST_AUTO_TEST_SUITE_END()
