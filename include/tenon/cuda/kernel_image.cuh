// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "tenon/core/error.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/device.hpp"
#include "tenon/cuda/status.hpp"

namespace tenon::cuda {

namespace detail {

/// Exists for every architecture that a program is compiled for, like all kernels of that program.
template <class> __global__ void any_kernel() {}

inline std::string capability_text(int capability) {
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

/// Whether kernels that were compiled for one compute capability do on a device of another what they are
/// launched for: devices from 9.0 on get clusters, of which code for earlier ones, translated by the driver,
/// knows nothing.
constexpr bool serves(int compiled, int device) noexcept {
  return device < 90 || compiled >= 90;
}

}  // namespace detail

/// Throws device_error unless this program holds kernels for the context's device. Loading weights asks this
/// before it allocates anything.
inline void check_kernels(context const& ctx) {
  select_device(ctx.properties().device);
  int const capability = ctx.properties().compute_capability;
  cudaFuncAttributes found{};
  auto const status = cudaFuncGetAttributes(&found, detail::any_kernel<void>);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    std::string compiled;
    for (int const architecture : {__CUDA_ARCH_LIST__}) {
      compiled += (compiled.empty() ? "" : ", ") + detail::capability_text(architecture / 10);
    }
    throw device_error{"expected a device of compute capability " + compiled +
                       ", which this program was compiled for, found " + ctx.properties().name + " of " +
                       detail::capability_text(capability)};
  }
  check(status);
  if (!detail::serves(found.ptxVersion, capability)) {
    throw device_error{"expected kernels compiled for compute capability 9.0 or higher, as " +
                       ctx.properties().name + " is of " + detail::capability_text(capability) +
                       ", found them compiled for " + detail::capability_text(found.ptxVersion)};
  }
}

}  // namespace tenon::cuda
