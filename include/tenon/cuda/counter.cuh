// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

// Counters in global memory on which blocks meet (PTX ISA, "Memory consistency model"), at the scope of the
// whole GPU. Every access names its state space, because nvcc 13.0 takes such an address for shared memory's
// in functions that are called.
namespace tenon::cuda {

template <class T>
concept device_counter = std::same_as<T, std::uint32_t> || std::same_as<T, std::int32_t>;

/// Counts this thread in; says how many came before. What it wrote, and what it knows others of its block to
/// have written, is seen by whoever comes later.
template <device_counter T> __device__ inline T count_in(T* counter) {
  T before;
  asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;"
               : "=r"(before)
               : "l"(__cvta_generic_to_global(counter))
               : "memory");
  return before;
}

/// Hands out 0, 1, ..., count - 1, then 0 again; orders nothing.
__device__ inline std::uint32_t take_ticket(std::uint32_t* counter, std::uint32_t count) {
  std::uint32_t taken;
  asm volatile("atom.relaxed.gpu.global.inc.u32 %0, [%1], %2;"
               : "=r"(taken)
               : "l"(__cvta_generic_to_global(counter)), "r"(count - 1)
               : "memory");
  return taken;
}

/// What was written before the `store_release` whose value this reads is seen from here on.
__device__ inline std::uint32_t load_acquire(std::uint32_t const* counter) {
  std::uint32_t value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
               : "=r"(value)
               : "l"(__cvta_generic_to_global(counter))
               : "memory");
  return value;
}

__device__ inline void store_release(std::uint32_t* counter, std::uint32_t value) {
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(__cvta_generic_to_global(counter)), "r"(value)
               : "memory");
}

}  // namespace tenon::cuda
