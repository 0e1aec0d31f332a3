// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/mma.cuh"

// Rings of row segments in shared memory: one warp fills slots by copies that run in the background, other
// warps empty them.
namespace tenon::cuda {

/// How long the second-level cache should keep what is copied: weights pass once, activations are read by all
/// multiprocessors.
enum class keep { normal, briefly };

/// Whether one thread can start a copy of many bytes (compute capability 9.0).
__device__ constexpr bool has_bulk_copies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
  return false;
#else
  return true;
#endif
}

/// Arrivals that a warp makes at a barrier for its copies.
template <bool Bulk> __device__ constexpr std::uint32_t copy_arrivals() {
  return Bulk ? 1 : 32;
}

/// Lets `barrier` expect that many more bytes in this phase, and counts an arrival.
__device__ inline void arrive_expecting(std::uint32_t barrier, std::uint32_t bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
#endif
}

/// Waits until the phase of this parity has ended, on every architecture.
__device__ inline void await(std::uint32_t barrier, std::uint32_t parity) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  wait_for_end(barrier, parity);
#else
  while (!has_ended(barrier, parity)) {
  }
#endif
}

/// Starts one copy of `bytes`, a multiple of 16, which arrives at `barrier` by its bytes.
template <keep Keep>
__device__ void copy_bulk(std::uint32_t shared, void const* global, std::uint32_t bytes,
                          std::uint32_t barrier) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if constexpr (Keep == keep::briefly) {
    std::uint64_t policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, "
        "[%3], %4;" ::"r"(shared),
        "l"(__cvta_generic_to_global(global)), "r"(bytes), "r"(barrier), "l"(policy)
        : "memory");
  } else {
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
            shared),
        "l"(__cvta_generic_to_global(global)), "r"(bytes), "r"(barrier)
        : "memory");
  }
#endif
}

/// Copies row segments from global to shared memory, by one warp: each with one lane's bulk copy, or by all
/// lanes, 16 bytes at a time.
///
/// segments   of `bytes` each, a multiple of 16
/// full       a barrier that expects `copy_arrivals<Bulk>()`; its phase ends when all segments have come
/// source(i)  global address of segment i
/// target(i)  shared address of segment i
template <bool Bulk, keep Keep, class Source, class Target>
__device__ void copy_segments(std::int32_t segments, std::uint32_t bytes, std::uint32_t full,
                              Source const& source, Target const& target) {
  auto const lane = static_cast<std::int32_t>(threadIdx.x % 32);
  if constexpr (Bulk) {
    if (lane == 0) arrive_expecting(full, static_cast<std::uint32_t>(segments) * bytes);
    __syncwarp();
    for (std::int32_t i = lane; i < segments; i += 32) copy_bulk<Keep>(target(i), source(i), bytes, full);
  } else {
    for (std::int32_t i = 0; i < segments; ++i) {
      auto const* const from = reinterpret_cast<char const*>(source(i));
      for (std::uint32_t at = static_cast<std::uint32_t>(lane) * 16; at < bytes; at += 512) {
        copy_async_16(target(i) + at, from + at);
      }
    }
    arrive_after_copies(full);
  }
}

/// Where a producer or a consumer stands in a ring of `slots` slots.
struct ring_position {
  std::int32_t slot = 0;
  std::uint32_t parity = 0;

  __device__ void advance(std::int32_t slots) {
    if (++slot == slots) slot = 0, parity ^= 1;
  }
};

}  // namespace tenon::cuda
