// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/counter.cuh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <numeric>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

/// Every thread leaves a number; the block that comes last adds those of all blocks. [0] how often that was;
/// [1] its sum.
__global__ void add_all(std::int32_t* counter, std::uint32_t* left, std::uint32_t* out) {
  __shared__ bool last;
  left[blockIdx.x * blockDim.x + threadIdx.x] = 1 + blockIdx.x;
  __syncthreads();
  if (threadIdx.x == 0) last = cuda::count_in(counter) + 1 == static_cast<std::int32_t>(gridDim.x);
  __syncthreads();
  if (!last) return;
  if (threadIdx.x == 0) *counter = 0;
  std::uint32_t sum = 0;
  for (std::uint32_t i = threadIdx.x; i < gridDim.x * blockDim.x; i += blockDim.x) sum += left[i];
  atomicAdd(out + 1, sum);
  if (threadIdx.x == 0) atomicAdd(out, 1u);
}

__global__ void take_tickets(std::uint32_t* counter, std::uint32_t count, std::uint32_t* taken) {
  taken[blockIdx.x * blockDim.x + threadIdx.x] = cuda::take_ticket(counter, count);
}

/// The first block hands a number a round to the second, and waits until it has come back with one more.
__global__ void pass_to_and_fro(std::uint32_t* turn, std::uint32_t* ball, std::uint32_t rounds) {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    auto const mine = 2 * round + blockIdx.x;
    while (cuda::load_acquire(turn) != mine) {
    }
    *ball += 1 + blockIdx.x;
    cuda::store_release(turn, mine + 1);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(counter)

BOOST_AUTO_TEST_CASE(who_counts_in_last_sees_what_all_have_written) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  constexpr std::uint32_t blocks = 500;
  constexpr std::uint32_t threads = 256;
  constexpr std::uint32_t rounds = 50;
  testing::device_array<std::int32_t> const counter{ctx, std::vector<std::int32_t>(1)};
  testing::device_array<std::uint32_t> const out{ctx, std::vector<std::uint32_t>(2)};
  for (std::uint32_t round = 0; round < rounds; ++round) {
    testing::device_array<std::uint32_t> const left{ctx, std::vector<std::uint32_t>(blocks * threads)};
    cuda::launch<add_all>(ctx, dim3(blocks), dim3(threads), 0, cuda::ordering::serial, counter.data(),
                          left.data(), out.data());
    ctx.wait();
  }
  BOOST_TEST(out.values() == (std::vector{rounds, rounds * threads * blocks * (blocks + 1) / 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_ticket_is_taken_once_a_round) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  constexpr std::uint32_t count = 64 * 96;
  testing::device_array<std::uint32_t> const counter{ctx, std::vector<std::uint32_t>(1)};
  testing::device_array<std::uint32_t> const taken{ctx, count};
  std::vector<std::uint32_t> expected(count);
  std::iota(expected.begin(), expected.end(), 0u);
  for (int round = 0; round < 3; ++round) {
    cuda::launch<take_tickets>(ctx, dim3(64), dim3(96), 0, cuda::ordering::serial, counter.data(), count,
                               taken.data());
    auto found = taken.values();
    std::ranges::sort(found);
    BOOST_TEST(found == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(what_came_before_a_release_is_seen_behind_the_acquire) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  constexpr std::uint32_t rounds = 2000;
  testing::device_array<std::uint32_t> const turn{ctx, std::vector<std::uint32_t>(1)};
  testing::device_array<std::uint32_t> const ball{ctx, std::vector<std::uint32_t>(1)};
  cuda::launch<pass_to_and_fro>(ctx, dim3(2), dim3(1), 0, cuda::ordering::serial, turn.data(), ball.data(),
                                rounds);
  BOOST_TEST(ball.values() == std::vector{3 * rounds}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
