// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/block_greedy.cuh"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "conformance/sampler_policy.hpp"
#include "cuda/device.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/sampling/greedy.hpp"

using namespace tenon;
using conformance::sampling_wish;

namespace {

using host_bench = conformance::sampling_bench<greedy, cpu::backend>;
using device_bench = conformance::sampling_bench<block_greedy, cuda::backend>;

sampling_wish any_wish(std::mt19937_64& random, std::int32_t vocabulary, slot_id slot) {
  auto wish = conformance::sampler_detail::random_wish<host_bench, greedy>(random, vocabulary, slot);
  auto const any = [&] { return wish.logits[random() % wish.logits.size()]; };
  switch (random() % 5) {
    case 0:
      for (auto& logit : wish.logits) logit = std::round(logit);
      break;
    case 1:
      for (auto& logit : wish.logits) logit = random() % 3 == 0 ? std::nanf("") : logit;
      wish.logits[random() % wish.logits.size()] = std::numeric_limits<float>::infinity();
      break;
    case 2:
      wish.logits.assign(wish.logits.size(), any());
      break;
    case 3:
      wish.logits.assign(wish.logits.size(), std::nanf(""));
      break;
    default:
      break;
  }
  return wish;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_greedy)

BOOST_AUTO_TEST_CASE(conforms) {
  if (!testing::has_device()) return;
  conformance::check_sampler_policy<tenon::block_greedy, cuda::backend>();
}

BOOST_AUTO_TEST_CASE(chooses_what_the_host_chooses) {
  if (!testing::has_device()) return;
  auto const seed = conformance::sampling_test_seed(31);
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed);
  std::mt19937_64 random{seed};
  cpu::context host{};
  cuda::context device{};
  std::size_t rows = 0;
  for (int batch = 0; batch < 80; ++batch) {
    auto const count = static_cast<std::int32_t>(1 + random() % (batch % 4 == 0 ? 300 : 20));
    auto const vocabulary =
        batch % 16 == 1 ? 152064 : static_cast<std::int32_t>(2 + random() % (batch % 4 == 0 ? 500 : 9000));
    std::vector<sampling_wish> wishes;
    for (slot_id slot = 0; slot < count; ++slot) wishes.push_back(any_wish(random, vocabulary, slot));
    auto const expected = host_bench{host, count, vocabulary}.run(wishes);
    device_bench bench{device, count, vocabulary};
    BOOST_TEST(bool(bench.run(wishes) == expected), "vocabulary " << vocabulary << ", rows " << count);
    BOOST_TEST(bool(bench.run(wishes) == expected), "in a second run");
    rows += wishes.size();
  }
  BOOST_TEST_MESSAGE(rows << " rows");
}

BOOST_AUTO_TEST_CASE(serves_what_the_hosts_serves) {
  for (auto const& row :
       {sampling_row{.temperature = 0.0f}, sampling_row{.temperature = 0.5f},
        sampling_row{.temperature = 0.0f, .frequency_penalty = 0.1f},
        sampling_row{.temperature = 0.0f, .logprobs = 0}, sampling_row{.temperature = 0.0f, .bias_end = 2}}) {
    BOOST_TEST(tenon::block_greedy::serves(row) == tenon::greedy::serves(row));
  }
}

BOOST_AUTO_TEST_SUITE_END()
