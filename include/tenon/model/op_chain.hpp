// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "tenon/model/forward_policy.hpp"

namespace tenon {

/// The decoder of Qwen2.5 and Qwen3 as a chain of ops, written once for every backend: ops are found through
/// the context.
struct op_chain {
  static constexpr std::string_view name = "op_chain";

  template <class Attention, model_spec M, precision_policy P, backend B, class View, class Parallel>
  static void run(typename B::context& context, batch_view const& batch,
                  model_weights<M, P, B> const& weights, rope_view const& rope, View const& kv,
                  Parallel& parallel, activations<P> const& work, std::int32_t layers) {
    float const epsilon = weights.parameters.norm_epsilon;
    bool const keep_residual = parallel.rank() == 0;
    auto const x = work.residual.first(batch.shape.tokens);
    auto const queries = work.queries.first(batch.shape.tokens);
    auto const attended = work.attended.first(batch.shape.tokens);
    auto const hidden = work.ffn_hidden.first(batch.shape.tokens);
    auto const logits = work.logits.first(batch.shape.logit_rows);

    embed<P>(context, batch, weights.embedding, x);
    for (std::int32_t i = 0; i < layers; ++i) {
      auto const& layer = weights.layers[static_cast<std::size_t>(i)];
      norm_qkv<P>(context, batch, x, layer, rope, epsilon, i, kv, queries);
      Attention::template run<M::shape.group()>(context, batch, layer_index{i}, kv, queries, attended);
      linear_residual<P>(context, attended, layer.output, x, keep_residual);
      parallel.all_reduce(context, x);
      norm_gate_up<P>(context, x, layer, epsilon, hidden);
      linear_residual<P>(context, hidden, layer.down, x, keep_residual);
      parallel.all_reduce(context, x);
    }
    norm_head<P>(context, batch, x, weights.final_norm, weights.head, epsilon, logits);
    parallel.all_gather(context, logits);
  }
};

}  // namespace tenon
