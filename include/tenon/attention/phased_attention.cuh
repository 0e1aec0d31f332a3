// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/cuda/context.hpp"

namespace tenon {

namespace requirement {

/// Serves any range of a batch's rows, besides whole batches.
template <class A>
concept plans_ranges_of_rows =
    requires(batch_view const& batch, std::span<std::int32_t> words, std::int32_t row) {
      { A::plan_rows(batch, words, row, row) };
    };

}  // namespace requirement

/// Leading rows of one token by `Decode`, all others by `Prefill`.
///
/// Each has its own kernel and its own words of the plan, Decode's first. `Decode` is given a batch of the
/// leading rows, and `Decode::plan_words` of exactly as many rows and tokens says how many words are its own.
/// Recorded steps only decode, so that `Decode` alone has to be capturable.
template <requirement::plans_ranges_of_rows Prefill, class Decode> struct phased_attention {
  static constexpr std::string_view name = "phased_attention";
  static constexpr bool capturable = Decode::capturable;

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports =
      Prefill::template supports<HeadDim, Group> && Decode::template supports<HeadDim, Group>;

  static std::size_t plan_words(batch_limits const& limits) {
    return decode_words(limits.max_rows) + Prefill::plan_words(limits);
  }

  static void plan(batch_view const& batch, std::span<std::int32_t> words) {
    std::int32_t const decode_rows = batch.shape.decode_rows;
    auto const used = decode_words(decode_rows);
    if (decode_rows > 0) Decode::plan(decode_part(batch), words.first(used));
    if (!batch.shape.decode_only()) {
      Prefill::plan_rows(batch, words.subspan(used), decode_rows, batch.shape.rows);
    }
  }

  /// queries, out: [tokens or more, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class View, class Element>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                  matrix_view<std::type_identity_t<Element> const> queries, matrix_view<Element> out) {
    std::int32_t const decode_rows = batch.shape.decode_rows;
    if (decode_rows > 0) Decode::template run<Group>(ctx, decode_part(batch), layer, kv, queries, out);
    if (batch.shape.decode_only()) return;
    auto rest = batch;
    rest.plan += decode_words(decode_rows);
    Prefill::template run_rows<Group>(ctx, rest, layer, kv, queries, out, decode_rows, batch.shape.rows,
                                      decode_rows);
  }

 private:
  /// In whole 64 bytes, so that what follows is aligned for every load.
  static std::size_t decode_words(std::int32_t rows) {
    return (Decode::plan_words({.max_rows = rows, .max_tokens = rows}) + 15) / 16 * 16;
  }

  static batch_view decode_part(batch_view batch) {
    std::int32_t const rows = batch.shape.decode_rows;
    batch.shape = {.rows = rows, .decode_rows = rows, .tokens = rows};
    return batch;
  }
};

}  // namespace tenon
