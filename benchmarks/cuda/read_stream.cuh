// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/launch.cuh"

namespace tenon::benchmarks {

/// Milliseconds of what `enqueue` puts into the stream: the median of `rounds` rounds.
template <class F> double device_milliseconds(cuda::context& ctx, int rounds, F const& enqueue) {
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  cuda::check(cudaEventCreate(&begin));
  cuda::check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < rounds; ++i) {
    cuda::check(cudaEventRecord(begin, ctx.stream()));
    enqueue();
    cuda::check(cudaEventRecord(end, ctx.stream()));
    cuda::check(cudaEventSynchronize(end));
    float time = 0.0f;
    cuda::check(cudaEventElapsedTime(&time, begin, end));
    times.push_back(time);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return static_cast<double>(times[times.size() / 2]);
}

/// Fills memory with random 16-bit floats of both signs and sizes below `2^exponent`: never zeros, which the
/// device moves and multiplies with less power.
template <class Element>
__global__ void fill_random_kernel(Element* values, std::size_t count, float scale, std::uint32_t seed) {
  std::size_t const stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    auto h = static_cast<std::uint32_t>(i) * 0x9e3779b1u ^ static_cast<std::uint32_t>(i >> 32) ^ seed;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    h ^= h >> 16;
    float const value = (static_cast<float>(h) * 0x1p-31f - 1.0f) * scale;
    values[i] = round_to<Element>(value);
  }
}

/// Uniform values between -scale and scale.
template <class Element>
void fill_random(cuda::context& ctx, Element* values, std::size_t count, float scale, std::uint32_t seed) {
  cuda::launch<fill_random_kernel<Element>>(ctx, dim3{2048}, dim3{256}, 0, cuda::ordering::serial, values,
                                            count, scale, seed);
}

/// Reads every 16 bytes once, `Unrolled` loads in flight a thread; leaves a word that depends on all of them.
template <std::size_t Unrolled>
__global__ void read_stream_kernel(uint4 const* data, std::size_t count, std::uint32_t* out) {
  std::uint32_t sum = 0;
  std::size_t const block = static_cast<std::size_t>(blockDim.x) * Unrolled;
  for (std::size_t begin = blockIdx.x * block; begin + block <= count; begin += gridDim.x * block) {
    uint4 words[Unrolled];
    for (std::size_t j = 0; j < Unrolled; ++j) {
      words[j] = __ldcs(data + begin + j * blockDim.x + threadIdx.x);
    }
    for (auto const& w : words) sum ^= w.x ^ w.y ^ w.z ^ w.w;
  }
  if (sum == 0x12345678u) *out = sum;
}

/// Bytes a second, in GB/s, that the device reads when it does nothing else.
inline double read_stream(cuda::context& ctx, std::byte const* data, std::size_t bytes, int rounds = 7) {
  buffer<cuda::backend> const out{ctx, 4};
  auto const grid = static_cast<unsigned>(ctx.properties().multiprocessors * 4);
  double const time = device_milliseconds(ctx, rounds, [&] {
    cuda::launch<read_stream_kernel<8>>(ctx, dim3{grid}, dim3{512}, 0, cuda::ordering::serial,
                                        reinterpret_cast<uint4 const*>(data), bytes / 16,
                                        reinterpret_cast<std::uint32_t*>(out.data()));
  });
  return static_cast<double>(bytes) / time * 1e-6;
}

/// Bytes read and written a second, in GB/s, of a copy within the device.
inline double copy_stream(cuda::context& ctx, std::byte* data, std::size_t bytes, int rounds = 7) {
  double const time = device_milliseconds(ctx, rounds, [&] {
    cuda::check(cudaMemcpyAsync(data + bytes / 2, data, bytes / 2, cudaMemcpyDeviceToDevice, ctx.stream()));
  });
  return static_cast<double>(bytes) / time * 1e-6;
}

}  // namespace tenon::benchmarks
