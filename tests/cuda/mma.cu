// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/mma.cuh"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

/// sum[16, 8] += a[16, 16] * b[8, 16]^T, all row-major, by one warp: operands by background copies and matrix
/// loads, in the fragments that the header names.
template <class Element> __global__ void product(Element const* a, Element const* b, float* sum) {
  __shared__ __align__(16) Element shared[16 * 16 + 8 * 16];
  auto const lane = static_cast<int>(threadIdx.x);
  cuda::copy_async_16(cuda::shared_address(shared + 8 * lane), a + 8 * lane);
  if (lane < 16) cuda::copy_async_16(cuda::shared_address(shared + 256 + 8 * lane), b + 8 * lane);
  cuda::commit_copies();
  cuda::wait_for_copies<0>();
  __syncwarp();
  std::uint32_t left[4], right[4];
  cuda::load_matrices(left, cuda::shared_address(shared + lane % 16 * 16 + lane / 16 * 8));
  cuda::load_matrices(right, cuda::shared_address(shared + 256 + lane % 8 * 16 + lane / 8 % 2 * 8));
  int const group = lane / 4, quad = lane % 4;
  float* const places[4] = {sum + group * 8 + 2 * quad, sum + group * 8 + 2 * quad + 1,
                            sum + (group + 8) * 8 + 2 * quad, sum + (group + 8) * 8 + 2 * quad + 1};
  float sums[4] = {*places[0], *places[1], *places[2], *places[3]};
  cuda::mma_m16n8k16<Element>(sums, left, right[0], right[1]);
  for (int i = 0; i < 4; ++i) *places[i] = sums[i];
}

template <class Element> void check_product() {
  std::mt19937 random{20261122};
  auto const numbers = [&](std::size_t count) {  // small integers, so that every sum is exact
    std::vector<Element> values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(round_to<Element>(static_cast<float>(static_cast<int>(random() % 17) - 8)));
    return values;
  };
  auto const a = numbers(256), b = numbers(128);
  std::vector<float> expected(128);
  for (std::size_t i = 0; i < 128; ++i) expected[i] = static_cast<float>(i);
  cuda::context ctx;
  testing::device_array const device_a{ctx, a}, device_b{ctx, b};
  testing::device_array const device_sum{ctx, expected};
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      for (std::size_t k = 0; k < 16; ++k) {
        expected[row * 8 + column] +=
            static_cast<float>(a[row * 16 + k]) * static_cast<float>(b[column * 16 + k]);
      }
    }
  }
  cuda::launch<product<Element>>(ctx, dim3(1), dim3(32), 0, cuda::ordering::serial,
                                 static_cast<Element const*>(device_a.data()),
                                 static_cast<Element const*>(device_b.data()), device_sum.data());
  BOOST_TEST((device_sum.values() == expected));
}

/// Element (row, column) of four 8 x 8 matrices of words' halves, transposed in two ways.
__global__ void transpose(std::uint16_t const* in, std::uint16_t* by_loading, std::uint16_t* by_moving) {
  __shared__ __align__(16) std::uint16_t shared[4 * 64];
  auto const lane = static_cast<int>(threadIdx.x);
  cuda::copy_async_16(cuda::shared_address(shared + 8 * lane), in + 8 * lane);
  cuda::commit_copies();
  cuda::wait_for_copies<0>();
  __syncwarp();
  std::uint32_t straight[4], transposed[4];
  cuda::load_matrices(straight, cuda::shared_address(shared + 8 * lane));
  cuda::load_matrices_transposed(transposed, cuda::shared_address(shared + 8 * lane));
  for (int m = 0; m < 4; ++m) {
    reinterpret_cast<std::uint32_t*>(by_loading)[32 * m + lane] = transposed[m];
    reinterpret_cast<std::uint32_t*>(by_moving)[32 * m + lane] = cuda::transpose_matrix(straight[m]);
  }
}

/// Copies 16 bytes a thread, of every second thread zeros.
__global__ void copy_some(uint4 const* in, uint4* out) {
  __shared__ uint4 shared[32];
  auto const at = cuda::shared_address(shared + threadIdx.x);
  cuda::copy_async_16(at, in + threadIdx.x, threadIdx.x % 2 == 0);
  cuda::commit_copies();
  cuda::wait_for_copies<0>();
  out[threadIdx.x] = cuda::load_shared(at);
  out[32 + threadIdx.x] = cuda::load_streaming(in + threadIdx.x);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mma)

BOOST_AUTO_TEST_CASE(a_product_is_in_the_fragments_that_are_named) {
  if (!testing::has_device()) return;
  check_product<bf16_t>();
  check_product<f16_t>();
}

BOOST_AUTO_TEST_CASE(matrices_are_transposed) {
  if (!testing::has_device()) return;
  std::vector<std::uint16_t> in(256), expected(256);
  for (std::size_t i = 0; i < 256; ++i) in[i] = static_cast<std::uint16_t>(1000 + i);
  for (std::size_t i = 0; i < 256; ++i) expected[i] = in[i / 64 * 64 + i % 8 * 8 + i / 8 % 8];
  cuda::context ctx;
  testing::device_array const from{ctx, in};
  testing::device_array<std::uint16_t> const by_loading{ctx, 256}, by_moving{ctx, 256};
  cuda::launch<transpose>(ctx, dim3(1), dim3(32), 0, cuda::ordering::serial,
                          static_cast<std::uint16_t const*>(from.data()), by_loading.data(),
                          by_moving.data());
  BOOST_TEST((by_loading.values() == expected));
  BOOST_TEST((by_moving.values() == expected));
}

BOOST_AUTO_TEST_CASE(a_copy_that_is_not_valid_writes_zeros) {
  if (!testing::has_device()) return;
  std::vector<std::uint32_t> in(128), expected;
  for (std::size_t i = 0; i < 128; ++i) in[i] = static_cast<std::uint32_t>(i + 1);
  for (std::size_t i = 0; i < 128; ++i) expected.push_back(i / 4 % 2 == 0 ? in[i] : 0);
  expected.insert(expected.end(), in.begin(), in.end());
  cuda::context ctx;
  testing::device_array const from{ctx, in};
  testing::device_array<std::uint32_t> const to{ctx, 256};
  cuda::launch<copy_some>(ctx, dim3(1), dim3(32), 0, cuda::ordering::serial,
                          reinterpret_cast<uint4 const*>(from.data()), reinterpret_cast<uint4*>(to.data()));
  BOOST_TEST((to.values() == expected));
}

BOOST_AUTO_TEST_SUITE_END()
