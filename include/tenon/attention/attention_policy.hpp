// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tenon/backend/backend.hpp"
#include "tenon/cache/kv_view.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/precision/precision_policy.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

namespace requirement {

/// `supports<HeadDim, Group>`: whether the kernel has code for that head width and that many query heads a
/// key/value head. Answered at compile time, so that a recipe that does not fit does not compile.
template <class A, class M>
concept supports_head_shape = A::template supports<M::shape.head_dim, M::shape.group()>;

/// Whether `run` may be recorded once and replayed for every batch of the same shape.
template <class A>
concept says_if_capturable = requires {
  { A::capturable } -> std::convertible_to<bool>;
  { A::name } -> std::convertible_to<std::string_view>;
};

/// `plan_words` bounds, and `plan` writes, what `run` reads through `batch_view::plan`: host work before the
/// upload.
template <class A>
concept plans_on_the_host =
    requires(batch_limits const& limits, batch_view const& batch, std::span<std::int32_t> words) {
      { A::plan_words(limits) } -> std::same_as<std::size_t>;
      { A::plan(batch, words) };
    };

/// Causal attention of every token of the batch over its row's context, in one layer:
///   out[t, h, :] = sum_p softmax_p(q[t, h, :] . k[p, h / Group, :] / sqrt(head_dim)) * v[p, h / Group, :], p
///   <= position(t)
template <class A, class M, class P, class V, class B>
concept runs_on_the_device =
    requires(typename B::context& context, batch_view const& batch, V const& kv,
             matrix_view<typename P::activation const> queries, matrix_view<typename P::activation> out) {
      { A::template run<M::shape.group()>(context, batch, layer_index{0}, kv, queries, out) };
    };

}  // namespace requirement

/// How attention is computed, for a model spec M (its `shape` is all that is read). Stateless: what a step
/// needs is planned into the batch.
template <class A, class M, class P, class V, class B>
concept attention_policy =
    precision_policy<P> && kv_view<V> && backend<B> && requirement::says_if_capturable<A> &&
    requirement::supports_head_shape<A, M> && requirement::plans_on_the_host<A> &&
    requirement::runs_on_the_device<A, M, P, V, B>;

template <class A, class M, class P, class V, class B>
  requires attention_policy<A, M, P, V, B>
inline constexpr bool is_attention_policy = true;

}  // namespace tenon
