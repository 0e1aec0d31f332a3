// SPDX-License-Identifier: Apache-2.0
// Every sampling kernel once or twice, on batches small enough for compute-sanitizer.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "conformance/sampler_policy.hpp"
#include "conformance/sampling_bench.hpp"
#include "cuda/device.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/sampling/block_greedy.cuh"
#include "tenon/sampling/block_top_p.cuh"
#include "tenon/sampling/greedy.hpp"
#include "tenon/sampling/top_p.hpp"

using namespace tenon;

namespace {

/// The sampler with blocks that meet through global memory, three rows at one time.
struct linked_top_p : block_top_p {
  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    run_teams<block_sampling::counter_team>(ctx, batch, logits, state, out, std::min(state.linked_rows, 3));
  }
};

/// Rows of all kinds of parameters, twice over the same state, against the host's sampler. The seed is fixed:
/// a draw on the border of two ids may fall either way (docs/concepts/sampler_policy.md).
template <class Device, class Host> void check(std::int32_t rows, std::int32_t vocabulary) {
  using host_bench = conformance::sampling_bench<Host, cpu::backend>;
  std::mt19937_64 random{7};
  cpu::context host{{.threads = 1}};
  cuda::context device{};
  std::vector<conformance::sampling_wish> wishes;
  for (slot_id slot = 0; slot < rows; ++slot) {
    wishes.push_back(conformance::sampler_detail::random_wish<host_bench, Host>(random, vocabulary, slot));
  }
  auto const expected = host_bench{host, rows, vocabulary}.run(wishes);
  conformance::sampling_bench<Device, cuda::backend> bench{device, rows, vocabulary};
  for (int round = 0; round < 2; ++round) {
    auto const found = bench.run(wishes);
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      BOOST_TEST(found[i].id == expected[i].id, "row " << i << " of " << rows << ", round " << round);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sampling)

BOOST_AUTO_TEST_CASE(highest_logit) {
  if (!testing::has_device()) return;
  check<block_greedy, greedy>(3, 4224);  // many blocks a row
  check<block_greedy, greedy>(300, 70);  // one
}

BOOST_AUTO_TEST_CASE(any_parameters) {
  if (!testing::has_device()) return;
  check<block_top_p, top_p>(12, 300);
  check<block_top_p, top_p>(2, 4224);
}

BOOST_AUTO_TEST_CASE(any_parameters_without_clusters) {
  if (!testing::has_device()) return;
  check<linked_top_p, top_p>(8, 300);
}

BOOST_AUTO_TEST_SUITE_END()
