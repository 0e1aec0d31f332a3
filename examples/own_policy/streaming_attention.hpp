// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/cpu/context.hpp"

/// An attention policy of one's own: one pass over keys and values with a running maximum (Milakov and
/// Gimelshein 2018, arXiv:1805.02867), in plain loops. A token's result depends on its own context alone.
struct streaming_attention {
  static constexpr std::string_view name = "streaming_attention";
  static constexpr bool capturable = true;

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = HeadDim > 0 && HeadDim <= 256 && Group > 0;

  static std::size_t plan_words(tenon::batch_limits const&) { return 0; }
  static void plan(tenon::batch_view const&, std::span<std::int32_t>) {}

  /// queries, out: [tokens, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class View, class Element>
  static void run(tenon::cpu::context& context, tenon::batch_view const& batch, tenon::layer_index layer,
                  View const& kv, tenon::matrix_view<std::type_identity_t<Element> const> queries,
                  tenon::matrix_view<Element> out) {
    std::int64_t const width = View::head_dim;
    auto const heads = static_cast<std::int32_t>(queries.extent(1) / width);
    context.team().run(batch.shape.tokens * heads, [&](std::int32_t part, int) {
      std::int32_t const token = part / heads;
      std::int32_t const head = part % heads;
      attend(batch, kv, layer.value, token, head / Group, queries[token] + head * width,
             out[token] + head * width);
    });
  }

 private:
  /// One token, one query head.
  template <class View, class Element>
  static void attend(tenon::batch_view const& batch, View const& kv, std::int32_t layer, std::int32_t token,
                     std::int32_t kv_head, Element const* query, Element* out) {
    constexpr std::size_t width = View::head_dim;
    std::array<float, width> sum{};
    float largest = -std::numeric_limits<float>::infinity();
    float total = 0.0f;
    std::int32_t const context = batch.positions[token] + 1;
    for (std::int32_t position = 0; position < context;) {
      auto const run = kv.run(batch, layer, batch.token_rows[token], kv_head, position);
      std::int32_t const count = std::min(run.tokens, context - position);
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        float const score = dot<width>(query, run.keys + i * width);
        float const keep = score > largest ? std::exp(largest - score) : 1.0f;
        largest = std::max(largest, score);
        float const weight = std::exp(score - largest);
        total = total * keep + weight;
        for (std::size_t d = 0; d < width; ++d) {
          sum[d] = sum[d] * keep + weight * static_cast<float>(run.values[i * width + d]);
        }
      }
      position += count;
    }
    for (std::size_t d = 0; d < width; ++d) out[d] = tenon::round_to<Element>(sum[d] / total);
  }

  template <std::size_t Width, class Element, class Key>
  static float dot(Element const* query, Key const* key) {
    float product = 0.0f;
    for (std::size_t d = 0; d < Width; ++d)
      product += static_cast<float>(query[d]) * static_cast<float>(key[d]);
    return product / std::sqrt(static_cast<float>(Width));
  }
};
