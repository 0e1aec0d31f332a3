// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/kernels.hpp"

namespace tenon {

/// Attention on the CPU for any head shape: the reference for every other kernel, and the cpu backend's own.
///
/// A context is walked in blocks of `block` positions, counted from position 0. Each block gives its own
/// softmax maximum, sum and weighted values, in float, and blocks are merged in order (Milakov and Gimelshein
/// 2018, arXiv:1805.02867). So a token's result depends on its own context alone: neither on pages, chunks
/// and neighbours nor on threads.
struct reference_attention {
  static constexpr std::string_view name = "reference_attention";
  static constexpr bool capturable = false;

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports =
      HeadDim > 0 && HeadDim <= 256 && HeadDim % 2 == 0 && Group > 0 && Group <= 32;

  static std::size_t plan_words(batch_limits const&) { return 0; }
  static void plan(batch_view const&, std::span<std::int32_t>) {}

  /// queries, out: [tokens or more, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class View, class Element>
  static void run(cpu::context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                  matrix_view<std::type_identity_t<Element> const> queries, matrix_view<Element> out) {
    static_assert(supports<View::head_dim, Group>,
                  "reference_attention needs an even head_dim up to 256 and a group of at most 32");
    std::int64_t const kv_heads = queries.extent(1) / (Group * View::head_dim);
    std::int64_t const tokens = batch.shape.tokens;
    // As many tokens as share their reads of keys and values well, if that leaves enough parts to balance.
    std::int64_t const balanced = tokens * kv_heads / (8 * ctx.team().size());
    std::int64_t const part_tokens = std::clamp<std::int64_t>(balanced, 1, tile_tokens<Group>);
    auto const parts = static_cast<std::int32_t>((tokens + part_tokens - 1) / part_tokens * kv_heads);
    cpu::with_kernels(ctx.instructions(), [&](auto kernels) {
      ctx.team().run(parts, [&](std::int32_t part, int worker) {
        auto const head = static_cast<std::int32_t>(part % kv_heads);
        std::int64_t const last = std::min(tokens, (part / kv_heads + 1) * part_tokens);
        for (std::int64_t t = part / kv_heads * part_tokens; t < last;) {
          std::int64_t const row_end = batch.row_begin[batch.token_rows[t] + 1];
          std::int64_t const end = std::min(last, row_end);
          tile<decltype(kernels), Group, View, Element> work{batch, kv, layer.value, head,
                                                             ctx.worker_scratch(worker)};
          work.attend(queries, out, t, end);
          t = end;
        }
      });
    });
  }

 private:
  static constexpr std::int64_t block = 256;

  template <std::int32_t Group>
  static constexpr std::int64_t tile_tokens = std::max<std::int32_t>(1, 24 / Group);

  /// Some consecutive tokens of one row, and one key/value head.
  template <class Kernels, std::int32_t Group, class View, class Element> class tile {
   public:
    tile(batch_view const& batch, View const& kv, std::int32_t layer, std::int32_t head, std::byte* scratch)
        : batch_{batch}, kv_{kv}, layer_{layer}, head_{head} {
      auto* const floats = reinterpret_cast<float*>(scratch);
      queries_ = floats;
      scores_ = queries_ + rows * head_dim;
      part_ = scores_ + rows * block;
      sum_ = part_ + rows * head_dim;
      largest_ = sum_ + rows * head_dim;
      weight_ = largest_ + rows;
      part_largest_ = weight_ + rows;
      part_weight_ = part_largest_ + rows;
    }

    /// Tokens [first, end) of one row.
    void attend(matrix_view<Element const> queries, matrix_view<Element> out, std::int64_t first,
                std::int64_t end) {
      tokens_ = end - first;
      row_ = batch_.token_rows[first];
      positions_ = batch_.positions + first;
      std::int64_t const column = static_cast<std::int64_t>(head_) * Group * head_dim;
      for (std::int64_t t = 0; t < tokens_; ++t) {
        Kernels::widen(queries[first + t] + column, queries_ + t * Group * head_dim, Group * head_dim);
      }
      std::int64_t const context = positions_[tokens_ - 1] + 1;
      for (std::int64_t begin = 0; begin < context; begin += block) {
        attend_block(begin, std::min(context, begin + block));
      }
      for (std::int64_t q = 0; q < tokens_ * Group; ++q) {
        float const factor = 1.0f / weight_[q];
        for (std::int64_t d = 0; d < head_dim; ++d) sum_[q * head_dim + d] *= factor;
      }
      for (std::int64_t t = 0; t < tokens_; ++t) {
        Kernels::round(sum_ + t * Group * head_dim, out[first + t] + column, Group * head_dim);
      }
    }

   private:
    static constexpr std::int64_t head_dim = View::head_dim;
    static constexpr std::int64_t rows = tile_tokens<Group> * Group;
    static_assert((rows * (3 * head_dim + block + 4)) * sizeof(float) <= cpu::context::worker_scratch_bytes);

    /// Positions of [begin, end) that token t sees.
    std::int64_t visible(std::int64_t t, std::int64_t begin, std::int64_t end) const {
      return std::clamp<std::int64_t>(positions_[t] + 1 - begin, 0, end - begin);
    }

    /// Calls f(run, offset) for the contiguous pieces of the cache that make up [begin, end).
    template <class F> void for_each_run(std::int64_t begin, std::int64_t end, F const& f) const {
      for (std::int64_t position = begin; position < end;) {
        auto run = kv_.run(batch_, layer_, row_, head_, static_cast<std::int32_t>(position));
        run.tokens = static_cast<std::int32_t>(std::min<std::int64_t>(run.tokens, end - position));
        f(run, position - begin);
        position += run.tokens;
      }
    }

    void attend_block(std::int64_t begin, std::int64_t end) {
      for_each_run(begin, end, [&](auto const& run, std::int64_t offset) { score(run, offset); });
      float const scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
      for (std::int64_t t = 0; t < tokens_; ++t) {
        std::int64_t const count = visible(t, begin, end);
        for (std::int64_t q = t * Group; count > 0 && q < (t + 1) * Group; ++q) {
          float* const scores = scores_ + q * block;
          part_largest_[q] = Kernels::scale_and_find_largest(scores, count, scale);
          part_weight_[q] = Kernels::exponentials(scores, count, part_largest_[q]);
        }
      }
      std::fill_n(part_, tokens_ * Group * head_dim, 0.0f);
      std::int64_t t = 0;
      for (; t < tokens_ && visible(t, begin, end) < end - begin; ++t) {
        weigh_values(t * Group, (t + 1) * Group, begin, begin + visible(t, begin, end));
      }
      weigh_values(t * Group, tokens_ * Group, begin, end);
      for (t = 0; t < tokens_; ++t) {
        if (visible(t, begin, end) == 0) continue;
        for (std::int64_t q = t * Group; q < (t + 1) * Group; ++q) merge(q, begin == 0);
      }
    }

    /// scores_[q, offset + i] = queries_[q, :] . run.keys[i, :] for every query of the tile.
    template <class Run> void score(Run const& run, std::int64_t offset) {
      std::int64_t i = 0;
      for (; i + Kernels::weight_rows <= run.tokens; i += Kernels::weight_rows) {
        score_columns<Kernels::weight_rows, Kernels::activation_rows>(run.keys + i * head_dim, offset + i, 0);
      }
      for (; i < run.tokens; ++i) {
        score_columns<1, Kernels::activation_rows>(run.keys + i * head_dim, offset + i, 0);
      }
    }

    template <int Rows, int Columns, class Key>
    void score_columns(Key const* keys, std::int64_t offset, std::int64_t q) {
      for (; q + Columns <= tokens_ * Group; q += Columns) {
        Kernels::template dots<Rows, Columns>(keys, head_dim, queries_ + q * head_dim, head_dim, head_dim,
                                              scores_ + q * block + offset, block);
      }
      if constexpr (Columns > 1) {
        if (q < tokens_ * Group) score_columns<Rows, Columns - 1>(keys, offset, q);
      }
    }

    /// part_[q, :] += the values of [begin, end), weighted, for queries [first, last).
    void weigh_values(std::int64_t first, std::int64_t last, std::int64_t begin, std::int64_t end) {
      if (first == last) return;
      for_each_run(begin, end,
                   [&](auto const& run, std::int64_t offset) { weigh_run<4>(run, offset, first, last); });
    }

    template <int Columns, class Run>
    void weigh_run(Run const& run, std::int64_t offset, std::int64_t q, std::int64_t last) {
      for (; q + Columns <= last; q += Columns) {
        Kernels::template add_weighted<Columns>(run.values, head_dim, run.tokens,
                                                scores_ + q * block + offset, block, part_ + q * head_dim,
                                                head_dim, head_dim);
      }
      if constexpr (Columns > 1) {
        if (q < last) weigh_run<Columns / 2>(run, offset, q, last);
      }
    }

    /// Merges a block's part into what the blocks before it gave.
    void merge(std::int64_t q, bool is_first) {
      float* const sum = sum_ + q * head_dim;
      float const* const part = part_ + q * head_dim;
      float const largest = is_first ? part_largest_[q] : std::max(largest_[q], part_largest_[q]);
      float const keep = is_first ? 0.0f : cpu::scalar_kernels::exponential(largest_[q] - largest);
      float const add = cpu::scalar_kernels::exponential(part_largest_[q] - largest);
      for (std::int64_t d = 0; d < head_dim; ++d) {
        sum[d] = is_first ? part[d] : sum[d] * keep + part[d] * add;
      }
      weight_[q] = is_first ? part_weight_[q] : weight_[q] * keep + part_weight_[q] * add;
      largest_[q] = largest;
    }

    batch_view const& batch_;
    View const& kv_;
    std::int32_t layer_;
    std::int32_t head_;
    std::int32_t row_ = 0;
    std::int64_t tokens_ = 0;
    std::int32_t const* positions_ = nullptr;
    float* queries_;       // [rows, head_dim]
    float* scores_;        // [rows, block]
    float* part_;          // [rows, head_dim] this block's weighted values
    float* sum_;           // [rows, head_dim] those of all blocks so far
    float* largest_;       // [rows]
    float* weight_;        // [rows]
    float* part_largest_;  // [rows]
    float* part_weight_;   // [rows]
  };
};

}  // namespace tenon
