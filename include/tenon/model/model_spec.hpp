// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Everything about a decoder that the compiler must know. Widths are in elements.
struct decoder_shape {
  std::int32_t hidden = 0;
  std::int32_t layers = 0;
  std::int32_t query_heads = 0;
  std::int32_t kv_heads = 0;
  std::int32_t head_dim = 0;  ///< not hidden / query_heads for every model
  std::int32_t ffn = 0;
  std::int32_t vocabulary = 0;  ///< padded: logits span all of it
  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool qk_norm = false;

  /// Query heads that share one key/value head. 7 for Qwen2.5-7B: not always a power of two.
  constexpr std::int32_t group() const noexcept { return query_heads / kv_heads; }
  constexpr std::int32_t query_width() const noexcept { return query_heads * head_dim; }
  constexpr std::int32_t kv_width() const noexcept { return kv_heads * head_dim; }
  constexpr std::int32_t qkv_width() const noexcept { return query_width() + 2 * kv_width(); }

  friend constexpr bool operator==(decoder_shape const&, decoder_shape const&) = default;
};

/// YaRN rope scaling (Peng et al. 2023, arXiv:2309.00071; the reference is transformers'
/// `_compute_yarn_parameters`).
struct yarn_scaling {
  double factor = 1.0;  ///< as given in the checkpoint; never derived from max_position_embeddings
  std::int32_t original_max_positions = 0;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  std::optional<double> attention_factor{};  ///< absent: 0.1 * ln(factor) + 1

  friend bool operator==(yarn_scaling const&, yarn_scaling const&) = default;
};

/// What a checkpoint says at run time and kernels need as values.
struct decoder_parameters {
  double rope_theta = 1e6;
  std::optional<yarn_scaling> rope_scaling{};
  float norm_epsilon = 1e-6f;
  std::int32_t max_positions = 0;    ///< the longest context that the model is meant for
  std::vector<token_id> stop_ids{};  ///< end every choice, unless a request ignores stop ids

  friend bool operator==(decoder_parameters const&, decoder_parameters const&) = default;
};

namespace requirement {

template <class M>
concept has_decoder_shape = requires {
  { M::shape } -> std::convertible_to<decoder_shape>;
};

/// `model_type` is the word that the checkpoint's config.json uses for the family.
template <class M>
concept has_model_type = requires {
  { M::model_type } -> std::convertible_to<std::string_view>;
  { M::name } -> std::convertible_to<std::string_view>;
};

template <class M>
concept positive_widths =
    M::shape.hidden > 0 && M::shape.layers > 0 && M::shape.ffn > 0 && M::shape.vocabulary > 0 &&
    M::shape.query_heads > 0 && M::shape.kv_heads > 0 && M::shape.head_dim > 0;

template <class M>
concept query_heads_divide_into_groups = M::shape.query_heads % M::shape.kv_heads == 0;

/// Rotary embedding turns pairs (i, i + head_dim / 2).
template <class M>
concept even_head_dim = M::shape.head_dim % 2 == 0;

}  // namespace requirement

/// A model as a type: identity for symbols and specialisations, values in `M::shape`.
template <class M>
concept model_spec =
    requirement::has_decoder_shape<M> && requirement::has_model_type<M> && requirement::positive_widths<M> &&
    requirement::query_heads_divide_into_groups<M> && requirement::even_head_dim<M>;

/// Names the failed requirement in a compiler's message: `static_assert(is_model_spec<my_model>);`
template <model_spec M> inline constexpr bool is_model_spec = true;

}  // namespace tenon
