// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>

#include <cstdint>

#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/swiglu.cuh"
#include "tenon/cuda/tensor_map.cuh"
#include "tenon/cuda/wgmma_gemm.cuh"

// What `wgmma_gemm` does with the sums of a tile. An epilogue looks up what it has to know of its rows before
// the products, so that memory's latency passes meanwhile, tells where each half of a tile's features begins
// in the weights, and takes the sums of one warpgroup: sums[4 * n + 2 * half + i] is row 16 * warp + lane / 4
// + 8 * half, feature 8 * n + 2 * (lane % 4) + i, as `wgmma.cuh` says.
namespace tenon::cuda::wgmma_gemm {

/// What an epilogue knows of its rows that needs to know nothing.
struct no_rows {};

/// Waits for the threads of one warpgroup.
__device__ inline void sync_warpgroup(std::int32_t warpgroup) {
  wait_at_barrier(static_cast<std::uint32_t>(1 + warpgroup), 128);
}

/// Where a lane's 16 bytes lie in panels of 64 rows x 128 bytes: chunk `chunk` of row `row`.
__device__ inline std::uint32_t panel_place(std::uint32_t staging, std::uint32_t row, std::uint32_t chunk) {
  return staging + chunk / 8 * panel_bytes + row * 128 + (chunk % 8 ^ row % 8) * 16;
}

/// Four 8 x 8 matrices of 16-bit elements to shared memory: lane l gives the address of row l % 8 of matrix l
/// / 8.
__device__ inline void store_matrices(std::uint32_t row, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                                      std::uint32_t d) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(row), "r"(a), "r"(b),
               "r"(c), "r"(d)
               : "memory");
#endif
}

/// hidden = silu(gate) * up: the halves of a tile are 128 gates and the 128 ups that belong to them, which so
/// meet in one thread.
template <class Element> struct swiglu_epilogue {
  CUtensorMap hidden;  // [rows, ffn], boxes of 64 rows
  std::int32_t ffn;

  __device__ no_rows look_up(std::int32_t, std::int32_t) const { return {}; }

  __device__ std::int32_t first_feature(std::int32_t feature_tile, std::int32_t half) const {
    return feature_tile * half_features + half * ffn;
  }

  __device__ void finish(float (&sums)[128], no_rows, std::int32_t row, std::int32_t feature_tile,
                         std::uint32_t staging, std::int32_t warpgroup) const {
    auto const thread = static_cast<std::uint32_t>(threadIdx.x) % 128;
    auto const lane = thread % 32;
    auto const pair = [&](int i) {
      return element_traits<Element>::round_pair(swiglu(sums[i], sums[64 + i]),
                                                 swiglu(sums[i + 1], sums[65 + i]));
    };
    if (thread == 0) wait_for_reads_of_stores<0>();
    sync_warpgroup(warpgroup);
#pragma unroll
    for (int n = 0; n < 16; n += 2) {
      auto const to = panel_place(staging, thread / 32 * 16 + lane / 8 % 2 * 8 + lane % 8,
                                  static_cast<std::uint32_t>(n) + lane / 16);
      store_matrices(to, pair(4 * n), pair(4 * n + 2), pair(4 * n + 4), pair(4 * n + 6));
    }
    publish_shared();
    sync_warpgroup(warpgroup);
    if (thread == 0) {
      store_box(hidden, staging, feature_tile * half_features, row);
      store_box(hidden, staging + panel_bytes, feature_tile * half_features + 64, row);
      commit_stores();
    }
  }
};

}  // namespace tenon::cuda::wgmma_gemm
