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
    auto const kv_heads = static_cast<std::int32_t>(queries.extent(1) / (Group * View::head_dim));
    std::int64_t const blocks = blocks_to_split(ctx, batch, kv_heads, part_floats(Group, View::head_dim));
    cpu::with_kernels(ctx.instructions(), [&](auto kernels) {
      using tile_type = tile<decltype(kernels), View, Element>;
      auto const tile_for = [&](std::int32_t head, int worker) {
        return tile_type{batch, kv, layer.value, head, Group, ctx.worker_scratch(worker)};
      };
      if (blocks > 0) {
        run_split(ctx, batch, kv_heads, blocks, part_floats(Group, View::head_dim), tile_for, queries, out);
      } else {
        run_whole(ctx, batch, kv_heads, tile_queries / Group, tile_for, queries, out);
      }
    });
  }

 private:
  static constexpr std::int64_t block = 256;

  /// Query heads of all tokens of a tile, which share their reads of keys and values, at most.
  static constexpr std::int64_t tile_queries = 32;

  /// What one block of one token and key/value head gives: weighted values, maxima, sums.
  static constexpr std::int64_t part_floats(std::int64_t group, std::int64_t head_dim) {
    return group * (head_dim + 2);
  }

  /// How many blocks a context has at most, if there are too few tokens and heads to keep every thread busy,
  /// and if the scratch memory, free between two ops, holds every block's part; else 0.
  static std::int64_t blocks_to_split(cpu::context const& ctx, batch_view const& batch, std::int64_t kv_heads,
                                      std::int64_t floats) {
    std::int64_t const units = batch.shape.tokens * kv_heads;
    if (ctx.workers() == 1 || units >= 4 * ctx.workers()) return 0;
    std::int32_t longest = 0;
    for (std::int32_t row = 0; row < batch.shape.rows; ++row) longest = std::max(longest, batch.context[row]);
    std::int64_t const blocks = (longest + block - 1) / block;
    return blocks > 1 && units * blocks * floats <= ctx.input_capacity() ? blocks : 0;
  }

  /// A part of the work is a range of tokens and one key/value head.
  template <class TileFor, class Element>
  static void run_whole(cpu::context& ctx, batch_view const& batch, std::int32_t kv_heads,
                        std::int64_t most_tokens, TileFor const& tile_for, matrix_view<Element const> queries,
                        matrix_view<Element> out) {
    std::int64_t const tokens = batch.shape.tokens;
    // As many tokens as share their reads well, if that leaves enough parts to balance.
    std::int64_t const balanced = tokens * kv_heads / (8 * ctx.workers());
    std::int64_t const part_tokens = std::clamp<std::int64_t>(balanced, 1, most_tokens);
    auto const parts = static_cast<std::int32_t>((tokens + part_tokens - 1) / part_tokens * kv_heads);
    ctx.team().run(parts, [&](std::int32_t part, int worker) {
      auto work = tile_for(part % kv_heads, worker);
      std::int64_t const last = std::min(tokens, (part / kv_heads + 1) * part_tokens);
      for (std::int64_t t = part / kv_heads * part_tokens; t < last;) {
        std::int64_t const row_end = batch.row_begin[batch.token_rows[t] + 1];
        std::int64_t const end = std::min(last, row_end);
        work.attend(queries, out, t, end);
        t = end;
      }
    });
  }

  /// A part of the work is one block of one token's context and one key/value head; then blocks are merged in
  /// the order in which `attend` would have merged them.
  template <class TileFor, class Element>
  static void run_split(cpu::context& ctx, batch_view const& batch, std::int32_t kv_heads,
                        std::int64_t blocks, std::int64_t part_size, TileFor const& tile_for,
                        matrix_view<Element const> queries, matrix_view<Element> out) {
    auto const units = static_cast<std::int32_t>(batch.shape.tokens * kv_heads);
    float* const parts = ctx.input_scratch(units * blocks * part_size);
    ctx.team().run(units * static_cast<std::int32_t>(blocks), [&](std::int32_t part, int worker) {
      std::int64_t const unit = part / blocks;
      auto work = tile_for(static_cast<std::int32_t>(unit % kv_heads), worker);
      work.attend_part(queries, unit / kv_heads, part % blocks, parts + part * part_size);
    });
    ctx.team().run(units, [&](std::int32_t unit, int worker) {
      auto work = tile_for(unit % kv_heads, worker);
      work.merge_parts(out, unit / kv_heads, parts + unit * blocks * part_size);
    });
  }

  /// Some consecutive tokens of one row, and one key/value head.
  template <class Kernels, class View, class Element> class tile {
   public:
    tile(batch_view const& batch, View const& kv, std::int32_t layer, std::int32_t head, std::int64_t group,
         std::byte* scratch)
        : batch_{batch}, kv_{kv}, layer_{layer}, head_{head}, group_{group} {
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
      select(first, end);
      widen_queries(queries, first);
      std::int64_t const context = positions_[tokens_ - 1] + 1;
      for (std::int64_t begin = 0; begin < context; begin += block) {
        std::int64_t const block_end = std::min(context, begin + block);
        attend_block(begin, block_end);
        for (std::int64_t t = 0; t < tokens_; ++t) {
          if (visible(t, begin, block_end) == 0) continue;
          for (std::int64_t q = t * group_; q < (t + 1) * group_; ++q) merge(q, begin == 0);
        }
      }
      finish(out, first);
    }

    /// Block `number` of token t's context, to `part`; nothing if the context ends before it.
    void attend_part(matrix_view<Element const> queries, std::int64_t t, std::int64_t number, float* part) {
      select(t, t + 1);
      std::int64_t const context = positions_[0] + 1;
      if (number * block >= context) return;
      widen_queries(queries, t);
      attend_block(number * block, std::min(context, (number + 1) * block));
      std::copy_n(part_, group_ * head_dim, part);
      std::copy_n(part_largest_, group_, part + group_ * head_dim);
      std::copy_n(part_weight_, group_, part + group_ * (head_dim + 1));
    }

    /// Merges what `attend_part` gave for every block of token t's context.
    void merge_parts(matrix_view<Element> out, std::int64_t t, float const* parts) {
      select(t, t + 1);
      for (std::int64_t begin = 0; begin <= positions_[0];
           begin += block, parts += part_floats(group_, head_dim)) {
        std::copy_n(parts, group_ * head_dim, part_);
        std::copy_n(parts + group_ * head_dim, group_, part_largest_);
        std::copy_n(parts + group_ * (head_dim + 1), group_, part_weight_);
        for (std::int64_t q = 0; q < group_; ++q) merge(q, begin == 0);
      }
      finish(out, t);
    }

   private:
    static constexpr std::int64_t head_dim = View::head_dim;
    static constexpr std::int64_t rows = tile_queries;
    static_assert((rows * (3 * head_dim + block + 4)) * sizeof(float) <= cpu::context::worker_scratch_bytes);

    void select(std::int64_t first, std::int64_t end) {
      tokens_ = end - first;
      row_ = batch_.token_rows[first];
      positions_ = batch_.positions + first;
    }

    std::int64_t column() const { return head_ * group_ * head_dim; }

    void widen_queries(matrix_view<Element const> queries, std::int64_t first) {
      for (std::int64_t t = 0; t < tokens_; ++t) {
        Kernels::widen(queries[first + t] + column(), queries_ + t * group_ * head_dim, group_ * head_dim);
      }
    }

    /// Divides by the sum of weights and rounds.
    void finish(matrix_view<Element> out, std::int64_t first) {
      for (std::int64_t q = 0; q < tokens_ * group_; ++q) {
        float const factor = 1.0f / weight_[q];
        for (std::int64_t d = 0; d < head_dim; ++d) sum_[q * head_dim + d] *= factor;
      }
      for (std::int64_t t = 0; t < tokens_; ++t) {
        Kernels::round(sum_ + t * group_ * head_dim, out[first + t] + column(), group_ * head_dim);
      }
    }

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

    /// Positions [begin, end), of one block: fills part_, part_largest_ and part_weight_.
    void attend_block(std::int64_t begin, std::int64_t end) {
      for_each_run(begin, end, [&](auto const& run, std::int64_t offset) { score(run, offset); });
      float const scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
      for (std::int64_t t = 0; t < tokens_; ++t) {
        std::int64_t const count = visible(t, begin, end);
        for (std::int64_t q = t * group_; count > 0 && q < (t + 1) * group_; ++q) {
          float* const scores = scores_ + q * block;
          part_largest_[q] = Kernels::scale_and_find_largest(scores, count, scale);
          part_weight_[q] = Kernels::exponentials(scores, count, part_largest_[q]);
        }
      }
      std::fill_n(part_, tokens_ * group_ * head_dim, 0.0f);
      std::int64_t t = 0;
      for (; t < tokens_ && visible(t, begin, end) < end - begin; ++t) {
        weigh_values(t * group_, (t + 1) * group_, begin, begin + visible(t, begin, end));
      }
      weigh_values(t * group_, tokens_ * group_, begin, end);
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
      for (; q + Columns <= tokens_ * group_; q += Columns) {
        Kernels::template dots<Rows, Columns>(keys, head_dim, queries_ + q * head_dim, head_dim, head_dim,
                                              scores_ + q * block + offset, block);
      }
      if constexpr (Columns > 1) {
        if (q < tokens_ * group_) score_columns<Rows, Columns - 1>(keys, offset, q);
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
    std::int64_t group_;
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
