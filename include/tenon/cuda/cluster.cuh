// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/cuda/mma.cuh"

// Blocks that run at one time and read each other's shared memory (PTX ISA, "Cluster of cooperative thread
// arrays"): compute capability 9.0. Elsewhere a cluster is one block.
namespace tenon::cuda {

/// Waits for all threads of the cluster; what they wrote to shared memory before is visible.
__device__ inline void sync_cluster() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
#else
  __syncthreads();
#endif
}

/// The place of this block in its cluster.
__device__ inline std::int32_t cluster_rank() {
  std::uint32_t rank = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return static_cast<std::int32_t>(rank);
}

/// What stands at `pointer`, to this block's shared memory, in that of block `rank`. T is of 4 or 16 bytes.
template <class T> __device__ inline T load_of_rank(T const* pointer, std::int32_t rank) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 16);
  std::uint32_t address;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(address)
               : "r"(shared_address(pointer)), "r"(rank));
  std::uint32_t words[sizeof(T) / 4];
  if constexpr (sizeof(T) == 4) {
    asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(words[0]) : "r"(address) : "memory");
  } else if constexpr (sizeof(T) == 8) {
    asm volatile("ld.shared::cluster.v2.u32 {%0, %1}, [%2];"
                 : "=r"(words[0]), "=r"(words[1])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ld.shared::cluster.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  }
  return reinterpret_cast<T const&>(words);
#else
  return *pointer;
#endif
}

}  // namespace tenon::cuda
