// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#include "tenon/core/dtype.hpp"
#include "tenon/core/error.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/status.hpp"

// Rectangles of a matrix between global and shared memory, moved by the copy engine of compute capability 9.0
// (PTX ISA, "cp.async.bulk.tensor"). In shared memory a rectangle is rows of 128 bytes whose 16-byte chunk c
// of row r lies at chunk c ^ (r % 8), which is what `wgmma_descriptor` describes. Compiled for an earlier
// architecture, the device functions do nothing.
namespace tenon::cuda {

namespace detail {

inline auto tensor_map_encoder() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault,
                                         &found));
  if (found != cudaDriverEntryPointSuccess) {
    throw device_error{"expected a driver that has cuTensorMapEncodeTiled (CUDA 12.0), found none"};
  }
  return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function);
}

template <class T> inline constexpr CUtensorMapDataType tensor_map_type = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
template <> inline constexpr CUtensorMapDataType tensor_map_type<bf16_t> = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
template <> inline constexpr CUtensorMapDataType tensor_map_type<f16_t> = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;

}  // namespace detail

/// Describes `matrix` to the copy engine in boxes of `box_rows` rows of 128 bytes. What a box has outside the
/// matrix is read as zero and not written. A kernel takes it by value, as a __grid_constant__.
///
/// matrix  aligned to 16 bytes, rows of a multiple of 16 bytes
template <class T> CUtensorMap make_tensor_map(matrix_view<T> matrix, std::uint32_t box_rows) {
  using element = std::remove_const_t<T>;
  static auto const encode = detail::tensor_map_encoder();
  cuuint64_t const extents[2] = {static_cast<cuuint64_t>(matrix.extent(1)),
                                 static_cast<cuuint64_t>(matrix.extent(0))};
  cuuint64_t const row_bytes[1] = {extents[0] * sizeof(element)};
  cuuint32_t const box[2] = {128 / sizeof(element), box_rows};
  cuuint32_t const steps[2] = {1, 1};
  CUtensorMap map;
  auto const status =
      encode(&map, detail::tensor_map_type<element>, 2, const_cast<element*>(matrix.data), extents, row_bytes,
             box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    throw device_error{"cuTensorMapEncodeTiled refuses a matrix of " + std::to_string(matrix.extent(0)) +
                       " x " + std::to_string(matrix.extent(1)) + ": error " + std::to_string(status)};
  }
  return map;
}

/// Fetches the descriptor itself ahead of its first use.
__device__ inline void prefetch_tensor_map(CUtensorMap const& map) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
#endif
}

/// Announces `bytes` that copies will bring to `barrier`, and arrives there.
__device__ inline void expect_bytes(std::uint32_t barrier, std::uint32_t bytes) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
#endif
}

/// Starts to bring the box at (row, column) to shared memory at `to`; its bytes count at `barrier`.
__device__ inline void load_box(CUtensorMap const& map, std::uint32_t to, std::int32_t column,
                                std::int32_t row, std::uint32_t barrier) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, "
      "%3}], [%4];" ::"r"(to),
      "l"(&map), "r"(column), "r"(row), "r"(barrier)
      : "memory");
#endif
}

/// The same for every block of the cluster whose bit is set in `blocks`, at the same place of each one's
/// shared memory; its bytes count at each one's barrier.
__device__ inline void load_box_for(CUtensorMap const& map, std::uint32_t to, std::int32_t column,
                                    std::int32_t row, std::uint32_t barrier, std::uint16_t blocks) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster "
      "[%0], "
      "[%1, {%2, %3}], [%4], %5;" ::"r"(to),
      "l"(&map), "r"(column), "r"(row), "r"(barrier), "h"(blocks)
      : "memory");
#endif
}

/// Arrives at the barrier of block `rank` of the cluster that lies where `barrier` lies in this one, once
/// this thread's wgmmas are done. Ordinary writes are not ordered: a release to the cluster would put a fence
/// of the whole GPU before each arrival, which cost a third of a product's speed.
__device__ inline void arrive_at_rank(std::uint32_t barrier, std::uint32_t rank) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
      "r"(rank)
      : "memory");
#endif
}

/// Starts to write the box at `from` to (row, column). Follows `publish_shared`; `commit_stores` closes a
/// group.
__device__ inline void store_box(CUtensorMap const& map, std::uint32_t from, std::int32_t column,
                                 std::int32_t row) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map),
               "r"(column), "r"(row), "r"(from)
               : "memory");
#endif
}

__device__ inline void commit_stores() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#endif
}

/// Waits until all but this thread's latest `Pending` groups of stores have read shared memory.
template <int Pending> __device__ inline void wait_for_reads_of_stores() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(Pending) : "memory");
#endif
}

/// Waits until this thread's stores are done.
__device__ inline void wait_for_stores() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
#endif
}

}  // namespace tenon::cuda
