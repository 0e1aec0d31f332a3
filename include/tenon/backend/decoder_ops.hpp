// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/backend.hpp"
#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

namespace requirement {

/// x[t, :] = table[id(t), :], widened to float.
template <class B, class P>
concept has_embed = requires(typename B::context& context, batch_view const& batch,
                             dense_matrix<typename P::activation> const& table,
                             matrix_view<float> x) { embed<P>(context, batch, table, x); };

/// Norm, query/key/value projections, bias, per-head norm, rotary embedding; stores keys and values.
template <class B, class P, class V>
concept has_norm_qkv =
    requires(typename B::context& context, batch_view const& batch, matrix_view<float const> x,
             layer_weights<P> const& layer, rope_view rope, float epsilon, std::int32_t index, V const& kv,
             matrix_view<typename P::activation> queries) {
      norm_qkv<P>(context, batch, x, layer, rope, epsilon, index, kv, queries);
    };

/// x += in * W^T, or x = in * W^T without keep_residual.
template <class B, class P>
concept has_linear_residual =
    requires(typename B::context& context, matrix_view<typename P::activation const> in,
             typename P::matrix const& matrix, matrix_view<float> x,
             bool keep_residual) { linear_residual<P>(context, in, matrix, x, keep_residual); };

/// hidden = silu(gate) * up of the normed input.
template <class B, class P>
concept has_norm_gate_up = requires(
    typename B::context& context, matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
    matrix_view<typename P::activation> hidden) { norm_gate_up<P>(context, x, layer, epsilon, hidden); };

/// Final norm and head of the tokens whose logits are wanted.
template <class B, class P>
concept has_norm_head =
    requires(typename B::context& context, batch_view const& batch, matrix_view<float const> x,
             vector_view<float const> norm, typename P::matrix const& head, float epsilon,
             matrix_view<float> logits) { norm_head<P>(context, batch, x, norm, head, epsilon, logits); };

/// Copies whole pages of the cache, every layer.
template <class B, class V>
concept has_copy_pages = requires(typename B::context& context, batch_view const& batch, V const& kv) {
  copy_pages(context, batch, kv);
};

}  // namespace requirement

/// A backend with the whole op list for precision P and cache view V. Ops are free functions found by
/// argument-dependent look-up through the context; `cpu/` documents each under its own stem.
template <class B, class P, class V>
concept has_decoder_ops = requirement::has_embed<B, P> && requirement::has_norm_qkv<B, P, V> &&
                          requirement::has_linear_residual<B, P> && requirement::has_norm_gate_up<B, P> &&
                          requirement::has_norm_head<B, P> && requirement::has_copy_pages<B, V>;

}  // namespace tenon
