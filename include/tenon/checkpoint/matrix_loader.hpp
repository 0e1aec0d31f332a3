// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/checkpoint/dense_tensor.hpp"
#include "tenon/checkpoint/random_values.hpp"
#include "tenon/checkpoint/upload_queue.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// One projection of the checkpoint within a stacked matrix: `name` is its prefix, such as
/// "model.layers.0.self_attn.q_proj", and the matrix holds its `rows` output features.
struct matrix_part {
  std::string name;
  std::int32_t rows = 0;
};

/// A tensor that a checkpoint must have.
struct expected_tensor {
  std::string name;
  std::vector<dtype> types;  ///< any of these
  std::vector<std::int64_t> shape;
};

/// Types that dense weights may be stored in; any of them loads into any dense precision.
inline std::vector<dtype> dense_types() {
  return {dtype::bf16, dtype::f16, dtype::f32};
}

/// How weight matrices of precision P come from a checkpoint into device memory. The primary template is for
/// precisions whose matrix is a `dense_matrix`; a precision with another layout specialises it, in its own
/// file, with the same members. No list names the specialisations.
///
/// All members are static. `parts` are the projections that the matrix stacks, in order of its rows.
template <precision_policy P> struct matrix_loader {
  using weight = typename P::matrix::element_type;
  static_assert(std::same_as<typename P::matrix, dense_matrix<weight>>,
                "matrix_loader: specialise it for a precision whose matrix is not dense");

  /// The quant_method of the checkpoints that this loader reads; empty: not quantized ones.
  static constexpr std::string_view quant_method = "";

  /// Takes the matrix's memory from `space`; its pointers are null while `space` only counts.
  static typename P::matrix carve(carver& space, std::int32_t out_features, std::int32_t in_features) {
    return {space.template take<weight>(checked_size{out_features} * in_features), out_features, in_features};
  }

  /// The embedding's memory as the matrix of a tied head. Quantized checkpoints keep the embedding and the
  /// head in 16 bits: the matrix of such a precision can be dense too.
  static typename P::matrix tied_head(dense_matrix<typename P::activation> const& embedding) {
    return embedding;
  }

  /// Adds the tensors that the parts need.
  static void expect(std::span<matrix_part const> parts, std::int32_t in_features,
                     std::vector<expected_tensor>& to) {
    for (auto const& part : parts) {
      to.push_back({part.name + ".weight", dense_types(), {part.rows, in_features}});
    }
  }

  /// Plans reading, packing and uploading; called after every expected tensor was found and checked. The
  /// source must outlive the queue's run.
  template <weight_source S, backend B>
  static void load(S const& source, std::span<matrix_part const> parts, typename P::matrix const& to,
                   upload_queue<B>& queue) {
    std::int64_t row = 0;
    for (auto const& part : parts) {
      add_dense_tensor(source, *source.find(part.name + ".weight"), writable_row(to, row), queue);
      row += part.rows;
    }
  }

  /// Plans filling with uniform random values of mean 0 and standard deviation 1 / sqrt(in_features), which
  /// keeps activations of the order of 1.
  template <backend B>
  static void fill_random(typename P::matrix const& to, std::uint64_t seed, upload_queue<B>& queue) {
    add_random_values(writable_row(to, 0), std::int64_t{to.out_features} * to.in_features,
                      random_limit(to.in_features), seed, queue);
  }

 private:
  /// Loading is the one time that weights are written.
  static weight* writable_row(typename P::matrix const& matrix, std::int64_t row) {
    return const_cast<weight*>(matrix.row(row));
  }
};

}  // namespace tenon
