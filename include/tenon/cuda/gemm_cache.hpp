// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/cuda/status.hpp"

namespace tenon::cuda {

/// out[rows, out_features] = in[rows, in_features] * W[out_features, in_features]^T, all row-major without
/// gaps.
struct gemm_product {
  std::int64_t rows = 0;
  std::int64_t out_features = 0;
  std::int64_t in_features = 0;
  cudaDataType_t operand = CUDA_R_16BF;  ///< of `in` and W
  cudaDataType_t result = CUDA_R_32F;    ///< of `out`; sums are in float whatever it is

  friend bool operator==(gemm_product const&, gemm_product const&) = default;
};

/// Where a product runs.
struct gemm_place {
  cublasLtHandle_t blas = nullptr;
  cudaStream_t stream = nullptr;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

struct gemm_operands {
  void const* in = nullptr;
  void const* weights = nullptr;
  void* out = nullptr;
  bool accumulate = false;  ///< adds to `out`, else replaces it
};

/// cuBLASLt's algorithm for every shape of product seen so far. The first product of a shape asks cuBLASLt's
/// heuristic and may load a kernel, which takes milliseconds and device memory; later ones only look it up.
/// So an engine runs every row count that has algorithms of its own at its start (`backend::row_class`).
/// (To time its twelve best guesses and keep the fastest gained nothing on an H100 for 16 to 8192 rows of
/// both models' shapes: 168.4 and 168.5 ms for the products of 28 layers of 7B at 8192 rows.)
///
/// Row counts share an algorithm: they are rounded up to four binary digits, but to no less than a multiple
/// of 16, so that a prompt of any length finds one of at most 8 for each doubling. Only the algorithm is
/// shared; every product computes exactly its own rows.
class gemm_cache {
 public:
  /// Enqueues the product. Results are the same from run to run: an algorithm that splits the sum over
  /// in_features keeps float parts in the workspace and adds them in order.
  void run(gemm_place const& place, gemm_product const& product, gemm_operands const& operands) {
    auto const& algorithm = find(place, product);
    if (multiply(place, product, operands, algorithm) == CUBLAS_STATUS_SUCCESS) return;
    // The algorithm of the rounded row count does not serve this one: ask for these rows alone.
    check(multiply(place, product, operands, ask(place, product)));
  }

  std::size_t size() const noexcept { return choices_.size(); }

  static constexpr std::int64_t rounded_rows(std::int64_t rows) noexcept {
    auto const step = std::max<std::int64_t>(
        16, static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(rows))) / 8);
    return round_up(rows, step);
  }

 private:
  struct hash {
    std::size_t operator()(gemm_product const& product) const noexcept {
      auto const mix = [](std::uint64_t sum, std::int64_t value) {
        return (sum ^ static_cast<std::uint64_t>(value)) * 0x9e37'79b9'7f4a'7c15u;
      };
      auto const types = static_cast<std::int64_t>(product.operand) * 256 + product.result;
      return static_cast<std::size_t>(
          mix(mix(mix(mix(0, product.rows), product.out_features), product.in_features), types) >> 16);
    }
  };

  /// cuBLASLt counts columns first, so it is told out^T = (W^T)^T * in^T. The structures live on the stack.
  struct descriptors {
    cublasLtMatmulDescOpaque_t operation;
    cublasLtMatrixLayoutOpaque_t weights, in, out;

    explicit descriptors(gemm_product const& product) {
      auto const rows = static_cast<std::uint64_t>(product.rows);
      auto const features = static_cast<std::uint64_t>(product.out_features);
      auto const depth = static_cast<std::uint64_t>(product.in_features);
      check(cublasLtMatmulDescInit(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
      cublasOperation_t const transposed = CUBLAS_OP_T;
      check(cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                           sizeof transposed));
      check(cublasLtMatrixLayoutInit(&weights, product.operand, depth, features, product.in_features));
      check(cublasLtMatrixLayoutInit(&in, product.operand, depth, rows, product.in_features));
      check(cublasLtMatrixLayoutInit(&out, product.result, features, rows, product.out_features));
    }
  };

  static cublasStatus_t multiply(gemm_place const& place, gemm_product const& product,
                                 gemm_operands const& operands, cublasLtMatmulAlgo_t const& algorithm) {
    descriptors described{product};
    float const one = 1.0f;
    float const kept = operands.accumulate ? 1.0f : 0.0f;
    return cublasLtMatmul(place.blas, &described.operation, &one, operands.weights, &described.weights,
                          operands.in, &described.in, &kept, operands.out, &described.out, operands.out,
                          &described.out, &algorithm, place.workspace, place.workspace_bytes, place.stream);
  }

  cublasLtMatmulAlgo_t const& find(gemm_place const& place, gemm_product product) {
    product.rows = rounded_rows(product.rows);
    auto const found = choices_.find(product);
    if (found != choices_.end()) return found->second;
    return choices_.emplace(product, ask(place, product)).first->second;
  }

  static cublasLtMatmulAlgo_t ask(gemm_place const& place, gemm_product const& product) {
    cublasLtMatmulPreferenceOpaque_t preference;
    check(cublasLtMatmulPreferenceInit(&preference));
    auto const prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      check(cublasLtMatmulPreferenceSetAttribute(&preference, attribute, &value, sizeof value));
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{place.workspace_bytes});
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    descriptors described{product};
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    check(cublasLtMatmulAlgoGetHeuristic(place.blas, &described.operation, &described.weights, &described.in,
                                         &described.out, &described.out, &preference, 1, &found, &count));
    check(count == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : found.state);
    return found.algo;
  }

  std::unordered_map<gemm_product, cublasLtMatmulAlgo_t, hash> choices_;  // by rounded row count
};

}  // namespace tenon::cuda
