// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/work/batch.hpp"

/// The ops of the CPU backend on host memory, by the contracts of `cpu/`, for tests that nvcc compiles: the
/// intrinsics stay in reference_ops.cpp, which the host compiler compiles. Defined for bf16 and fp16,
/// head_dim 64 and 128, and groups of 1, 2, 4, 6 and 7; for bf16 also head_dim 256 without attention.
namespace tenon::testing::reference {

template <class P>
void embed(batch_view const& batch, dense_matrix<typename P::activation> const& table, matrix_view<float> x);

template <class P, class View>
void norm_qkv(batch_view const& batch, matrix_view<float const> x, layer_weights<P> const& layer,
              rope_view rope, float epsilon, std::int32_t layer_number, View const& kv,
              matrix_view<typename P::activation> queries);

template <class P>
void linear_residual(matrix_view<typename P::activation const> in, typename P::matrix const& matrix,
                     matrix_view<float> x, bool keep_residual);

template <class P>
void norm_gate_up(matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
                  matrix_view<typename P::activation> hidden);

template <class P>
void norm_head(batch_view const& batch, matrix_view<float const> x, vector_view<float const> norm,
               typename P::matrix const& head, float epsilon, matrix_view<float> logits);

template <class View> void copy_pages(batch_view const& batch, View const& kv);

template <std::int32_t Group, class View>
void attention(batch_view const& batch, std::int32_t layer, View const& kv,
               matrix_view<typename View::element_type const> queries,
               matrix_view<typename View::element_type> out);

}  // namespace tenon::testing::reference
