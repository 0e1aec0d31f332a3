// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tenon/cuda/context.hpp"
#include "tenon/cuda/device.hpp"
#include "tenon/cuda/status.hpp"

namespace tenon::cuda {

/// Whether a kernel may start before the one ahead of it has ended. A dependent kernel must call
/// `wait_for_previous` before it touches anything that an earlier kernel writes or reads.
enum class ordering { dependent, serial };

/// The lowest compute capability that this program is compiled for, 90 for 9.0: kernels for those below need
/// not be.
inline constexpr int lowest_compute_capability = std::min({__CUDA_ARCH_LIST__}) / 10;

/// Waits until all earlier kernels of the stream are complete and their writes visible. Before it a kernel
/// may only read weights and what the host wrote before the step.
__device__ inline void wait_for_previous() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

/// Lets the next kernel of the stream start; it waits by itself for what this one writes.
__device__ inline void let_next_start() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

/// `launch` in clusters of `cluster` consecutive blocks along x, which run at one time and read each other's
/// shared memory (compute capability 9.0; at most 8). `grid.x` is a multiple of `cluster`.
template <auto Kernel, class... Arguments>
void launch_in_clusters(context& ctx, unsigned cluster, dim3 grid, dim3 block, std::size_t shared_bytes,
                        ordering order, Arguments const&... arguments) {
  static std::array<std::atomic<std::size_t>, 64> allowed{};  // of each device
  auto const stream = ctx.stream();
  auto& most = allowed.at(static_cast<std::size_t>(ctx.properties().device));
  if (shared_bytes > std::max(most.load(), std::size_t{48} << 10)) {
    check(cudaFuncSetAttribute(reinterpret_cast<void const*>(Kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)));
    most = shared_bytes;
  }
  cudaLaunchAttribute attributes[2]{};
  cudaLaunchConfig_t config{};
  if (order == ordering::dependent && ctx.properties().compute_capability >= 90) {
    auto& attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
  }
  if (cluster > 1) {
    auto& attribute = attributes[config.numAttrs++];
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {cluster, 1, 1};
  }
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  check(cudaLaunchKernelEx(&config, Kernel, arguments...));
}

/// Enqueues a kernel on the context's stream, with programmatic dependent launch where the device has it
/// (compute capability 9.0). `Kernel` with more than 48 KiB of shared memory is given its limit once.
template <auto Kernel, class... Arguments>
void launch(context& ctx, dim3 grid, dim3 block, std::size_t shared_bytes, ordering order,
            Arguments const&... arguments) {
  launch_in_clusters<Kernel>(ctx, 1, grid, block, shared_bytes, order, arguments...);
}

/// The body of a kernel for compute capability 9.0a where it is compiled for another.
__device__ inline void mark_as_absent() {
  __shared__ std::int32_t volatile absent;
  absent = 0;
}

/// Whether the device's code of this kernel is that of compute capability 9.0a. Such kernels have no static
/// shared memory but that of `mark_as_absent`.
template <auto Kernel> bool is_compiled(context const& ctx) {
  if (ctx.properties().compute_capability != 90) return false;
  static bool const compiled = [&] {
    select_device(ctx.properties().device);
    cudaFuncAttributes attributes{};
    check(cudaFuncGetAttributes(&attributes, reinterpret_cast<void const*>(Kernel)));
    return attributes.sharedSizeBytes == 0;
  }();
  return compiled;
}

}  // namespace tenon::cuda
