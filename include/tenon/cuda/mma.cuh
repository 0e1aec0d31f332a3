// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/cuda/element.cuh"

// The warp-wide instructions that every GPU from compute capability 8.0 on has: tensor-core products, the
// loads that give their operands, and copies to shared memory that run in the background (PTX ISA, "Matrix
// multiply-accumulate operation using mma instruction" and "Data movement").
//
// Fragments: lane = 4 * group + quad (group 0..7, quad 0..3). A word holds two 16-bit elements, the first in
// the low half. An 8 x 8 matrix is one word a lane: row `group`, columns 2 * quad and 2 * quad + 1.
namespace tenon::cuda {

/// Where a generic pointer to shared memory points, as instructions want it.
__device__ inline std::uint32_t shared_address(void const* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// sum[16, 8] += a[16, 16] * b[16, 8] in float.
///
/// sum  [0], [1]: row group, columns 2 * quad, + 1; [2], [3]: row group + 8
/// a    [0]: row group, columns 2 * quad, + 1; [1]: row group + 8; [2], [3]: the same rows, columns + 8
/// b    low: column group, rows 2 * quad, + 1; high: rows + 8
template <class Element>
__device__ inline void mma_m16n8k16(float (&sum)[4], std::uint32_t const (&a)[4], std::uint32_t b_low,
                                    std::uint32_t b_high) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.%10.%10.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_low), "r"(b_high),
        "C"(element_traits<Element>::mma_name));
}

/// Four 8 x 8 matrices from shared memory: lane l gives the address of row l % 8, 16 bytes, of matrix l / 8.
__device__ inline void load_matrices(std::uint32_t (&matrices)[4], std::uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
               : "r"(row)
               : "memory");
}

/// The same, each matrix transposed.
__device__ inline void load_matrices_transposed(std::uint32_t (&matrices)[4], std::uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
               : "r"(row)
               : "memory");
}

/// The transpose of an 8 x 8 matrix that the warp holds in registers.
__device__ inline std::uint32_t transpose_matrix(std::uint32_t matrix) {
  std::uint32_t transposed;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(transposed) : "r"(matrix));
  return transposed;
}

/// Starts to copy 16 bytes to shared memory, past the first-level cache; zeros instead unless `valid`. Both
/// addresses are multiples of 16.
__device__ inline void copy_async_16(std::uint32_t shared, void const* global, bool valid = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global)), "r"(valid ? 16 : 0)
               : "memory");
}

/// Closes a group of this thread's copies.
__device__ inline void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

/// Waits until at most `Pending` of this thread's latest groups are still under way. Other threads see the
/// bytes after a barrier.
template <int Pending> __device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

/// Four words that no other kernel of the step will read again soon: they take no place in the first-level
/// cache.
__device__ inline uint4 load_streaming(void const* global) {
  uint4 words;
  asm volatile("ld.global.L1::no_allocate.L2::128B.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "l"(__cvta_generic_to_global(global)));
  return words;
}

/// Asks for a 128-byte line to be brought to the second-level cache. Nothing is read: it may stand before
/// `wait_for_previous`.
__device__ inline void prefetch_to_l2(void const* global) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(global)));
}

/// 16 bytes at a shared address.
__device__ inline uint4 load_shared(std::uint32_t address) {
  uint4 words;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "r"(address)
               : "memory");
  return words;
}

}  // namespace tenon::cuda
