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

}  // namespace detail

/// Throws device_error unless this program holds machine code that the context's device runs. Loading weights
/// asks this before it allocates anything.
inline void check_kernels(context const& ctx) {
  select_device(ctx.properties().device);
  cudaFuncAttributes found{};
  auto const status = cudaFuncGetAttributes(&found, detail::any_kernel<void>);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction) {
    cudaGetLastError();
    std::string compiled;
    for (int const architecture : {__CUDA_ARCH_LIST__}) {
      compiled += (compiled.empty() ? "" : ", ") + std::to_string(architecture / 100) + "." +
                  std::to_string(architecture % 100 / 10);
    }
    int const capability = ctx.properties().compute_capability;
    throw device_error{"expected a device of compute capability " + compiled +
                       ", which this program was compiled for, found " + ctx.properties().name + " of " +
                       std::to_string(capability / 10) + "." + std::to_string(capability % 10)};
  }
  check(status);
}

}  // namespace tenon::cuda
