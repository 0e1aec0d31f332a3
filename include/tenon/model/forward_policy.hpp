// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "tenon/backend/buffer.hpp"
#include "tenon/backend/weights.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/model/weights.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// What flows between ops of one step, in device memory, sized for the largest batch.
template <class P> struct activations {
  matrix_view<float> residual;                     // [max_tokens, hidden]
  matrix_view<typename P::activation> queries;     // [max_tokens, query_width]
  matrix_view<typename P::activation> attended;    // [max_tokens, query_width]
  matrix_view<typename P::activation> ffn_hidden;  // [max_tokens, ffn]
  matrix_view<float> logits;                       // [max_logit_rows, vocabulary]

  template <class M>
  static activations carve(carver& memory, std::int32_t max_tokens, std::int32_t max_logit_rows) {
    auto const matrix = [&]<class T>(matrix_view<T>& view, std::int32_t rows, std::int32_t columns) {
      view = {memory.take<T>(checked_size{rows} * columns), {rows, columns}};
    };
    activations made;
    matrix(made.residual, max_tokens, M::shape.hidden);
    matrix(made.queries, max_tokens, M::shape.query_width());
    matrix(made.attended, max_tokens, M::shape.query_width());
    matrix(made.ffn_hidden, max_tokens, M::shape.ffn);
    matrix(made.logits, max_logit_rows, M::shape.vocabulary);
    return made;
  }
};

namespace requirement {

/// From a batch's ids to `logits` [logit_rows, vocabulary], by the first `layers` layers; keys and values of
/// every token are stored on the way. A step has all layers; one is enough to load what all of them run.
template <class F, class A, class M, class P, class B, class V, class L>
concept computes_logits = requires(typename B::context& context, batch_view const& batch,
                                   model_weights<M, P, B> const& weights, rope_view const& rope, V const& kv,
                                   L& parallel, activations<P> const& work, std::int32_t layers) {
  { F::template run<A>(context, batch, weights, rope, kv, parallel, work, layers) };
};

}  // namespace requirement

/// The forward pass as a recipe member: `op_chain`, or a whole-model kernel tested against it.
template <class F, class A, class M, class P, class B, class V, class L>
concept forward_policy = requirement::computes_logits<F, A, M, P, B, V, L> && requires {
  { F::name } -> std::convertible_to<std::string_view>;
};

template <class F, class A, class M, class P, class B, class V, class L>
  requires forward_policy<F, A, M, P, B, V, L>
inline constexpr bool is_forward_policy = true;

}  // namespace tenon
