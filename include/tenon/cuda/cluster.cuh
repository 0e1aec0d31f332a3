// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/cuda/mma.cuh"

// Blocks that run at one time and write to each other's shared memory (PTX ISA, "Cluster of cooperative
// thread arrays"): compute capability 9.0. Elsewhere a cluster is one block.
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

/// Writes to the same place of shared memory in block `rank` of the cluster; seen there after `sync_cluster`.
__device__ inline void store_at_rank(float* place, std::int32_t rank, float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  std::uint32_t there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(place)), "r"(rank));
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(value) : "memory");
#else
  *place = value;
#endif
}

}  // namespace tenon::cuda
