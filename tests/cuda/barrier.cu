// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/barrier.cuh"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <numeric>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"

using namespace tenon;

namespace {

constexpr std::int32_t steps = 40;

/// Warp 0 brings 128 bytes a step through a ring of two stages, warp 1 takes them: out = in, if nobody reads
/// before the copies are complete or writes before they have been read.
__global__ void through_a_ring(std::uint32_t const* in, std::uint32_t* out) {
  __shared__ __align__(16) std::uint32_t stages[2][32];
  __shared__ std::uint64_t barriers[4];
  auto const full = [&](std::int32_t step) { return cuda::shared_address(barriers + step % 2); };
  auto const empty = [&](std::int32_t step) { return cuda::shared_address(barriers + 2 + step % 2); };
  auto const lane = static_cast<std::int32_t>(threadIdx.x) % 32;
  if (threadIdx.x == 0) {
    for (std::int32_t stage = 0; stage < 2; ++stage) {
      cuda::init_barrier(full(stage), 8);
      cuda::init_barrier(empty(stage), 32);
    }
    cuda::publish_barriers();
  }
  __syncthreads();
  for (std::int32_t step = 0; step < steps; ++step) {
    auto const turn = static_cast<std::uint32_t>(step / 2 % 2);
    if (threadIdx.x < 32) {
      cuda::wait_for_end(empty(step), turn ^ 1);  // the phase before the first one has ended
      if (lane < 8) {
        cuda::copy_async_16(cuda::shared_address(&stages[step % 2][4 * lane]), in + 32 * step + 4 * lane);
        cuda::arrive_after_copies(full(step));
      }
    } else {
      cuda::wait_for_end(full(step), turn);
      out[32 * step + lane] = stages[step % 2][lane];
      cuda::arrive(empty(step));
    }
  }
}

/// What `has_ended` says of both parities: at first, after one of two arrivals, and after both.
__global__ void phases(std::uint32_t* out) {
  __shared__ std::uint64_t memory;
  auto const barrier = cuda::shared_address(&memory);
  cuda::init_barrier(barrier, 2);
  cuda::publish_barriers();
  for (int i = 0; i < 3; ++i) {
    out[2 * i] = cuda::has_ended(barrier, 0) ? 1 : 0;
    out[2 * i + 1] = cuda::has_ended(barrier, 1) ? 1 : 0;
    if (i < 2) cuda::arrive(barrier);
  }
}

/// Warps 1 to 3 count at a named barrier without waiting, warp 0 waits for them and reads what they wrote.
__global__ void passed(std::uint32_t* out) {
  __shared__ std::uint32_t written[96];
  if (threadIdx.x >= 32) {
    written[threadIdx.x - 32] = threadIdx.x;
    cuda::pass_barrier(3, 128);
    return;
  }
  cuda::wait_at_barrier(3, 128);
  for (int i = 0; i < 3; ++i) out[32 * i + threadIdx.x] = written[32 * i + threadIdx.x];
}

bool has_barriers(cuda::context const& ctx) {
  if (ctx.properties().compute_capability >= 90) return true;
  BOOST_TEST_MESSAGE("skipped: needs compute capability 9.0");
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(barrier)

BOOST_AUTO_TEST_CASE(a_ring_loses_and_repeats_nothing) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  if (!has_barriers(ctx)) return;
  std::vector<std::uint32_t> numbers(32 * steps);
  std::iota(numbers.begin(), numbers.end(), 1);
  testing::device_array const in{ctx, numbers};
  testing::device_array<std::uint32_t> const out{ctx, numbers.size()};
  cuda::launch<through_a_ring>(ctx, dim3(1), dim3(64), 0, cuda::ordering::serial,
                               static_cast<std::uint32_t const*>(in.data()), out.data());
  BOOST_TEST((out.values() == numbers));
}

BOOST_AUTO_TEST_CASE(a_phase_ends_with_its_last_arrival) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  if (!has_barriers(ctx)) return;
  testing::device_array<std::uint32_t> const out{ctx, 6};
  cuda::launch<phases>(ctx, dim3(1), dim3(1), 0, cuda::ordering::serial, out.data());
  BOOST_TEST((out.values() == std::vector<std::uint32_t>{0, 1, 0, 1, 1, 0}));
}

BOOST_AUTO_TEST_CASE(who_waits_at_a_named_barrier_sees_what_others_wrote) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  std::vector<std::uint32_t> expected(96);
  std::iota(expected.begin(), expected.end(), 32);
  testing::device_array<std::uint32_t> const out{ctx, 96};
  cuda::launch<passed>(ctx, dim3(1), dim3(128), 0, cuda::ordering::serial, out.data());
  BOOST_TEST((out.values() == expected));
}

BOOST_AUTO_TEST_SUITE_END()
