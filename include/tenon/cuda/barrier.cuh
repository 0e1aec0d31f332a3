// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

// How warps of one block with different tasks wait for each other: barriers in shared memory that count
// arrivals (PTX ISA, "mbarrier"; compute capability 9.0), named barriers, and registers that move between
// warpgroups. Compiled for an earlier architecture, what needs a later one does nothing.
namespace tenon::cuda {

/// Makes the 8 bytes at `barrier` a barrier whose phase ends with `arrivals` arrivals. One thread does so,
/// then `publish_barriers`, and all threads synchronise before they use it.
__device__ inline void init_barrier(std::uint32_t barrier, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ inline void publish_barriers() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}

/// What this thread did before is seen by those that find the phase ended.
__device__ inline void arrive(std::uint32_t barrier) {
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared.b64 state, [%0];\n}" ::"r"(barrier) : "memory");
}

/// Arrives once the copies to shared memory that this thread has started are complete; it does not wait for
/// them.
__device__ inline void arrive_after_copies(std::uint32_t barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(barrier) : "memory");
}

/// Whether the phase of this parity has ended; a new barrier is in phase 0, and the one before it has ended.
__device__ inline bool has_ended(std::uint32_t barrier, std::uint32_t parity) {
  std::uint32_t ended = 0;
  asm volatile("{\n.reg .pred p;\nmbarrier.test_wait.parity.shared.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(ended)
               : "r"(barrier), "r"(parity)
               : "memory");
  return ended != 0;
}

/// Waits until that phase has ended.
__device__ inline void wait_for_end(std::uint32_t barrier, std::uint32_t parity) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  std::uint32_t ended = 0;
  while (ended == 0) {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
        : "=r"(ended)
        : "r"(barrier), "r"(parity)
        : "memory");
  }
#endif
}

/// Lets the tensor cores and the copy engine see what this thread wrote to shared memory, and what it knows
/// others to have written.
__device__ inline void publish_shared() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

/// Waits at named barrier `number` (1 to 15) until `threads` threads wait or have arrived there.
__device__ inline void wait_at_barrier(std::uint32_t number, std::uint32_t threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

/// Counts at a named barrier without waiting.
__device__ inline void pass_barrier(std::uint32_t number, std::uint32_t threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

/// Takes registers for this warpgroup from those that others have given, up to `Count` a thread.
template <int Count> __device__ inline void take_registers() {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}

/// Gives registers of this warpgroup away, down to `Count` a thread.
template <int Count> __device__ inline void give_registers() {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}

}  // namespace tenon::cuda
