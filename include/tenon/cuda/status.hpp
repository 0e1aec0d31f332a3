// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <source_location>
#include <string>

#include "tenon/core/error.hpp"

namespace tenon::cuda {

/// Throws device_error with CUDA's own words and the line that asked, unless all is well.
inline void check(cudaError_t status, std::source_location const& where = std::source_location::current()) {
  if (status == cudaSuccess) return;
  throw device_error{std::string{cudaGetErrorName(status)} + ": " + cudaGetErrorString(status) + " (" +
                     where.file_name() + ":" + std::to_string(where.line()) + ")"};
}

inline void check(cublasStatus_t status,
                  std::source_location const& where = std::source_location::current()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw device_error{std::string{cublasLtGetStatusName(status)} + ": " + cublasLtGetStatusString(status) +
                     " (" + where.file_name() + ":" + std::to_string(where.line()) + ")"};
}

}  // namespace tenon::cuda
