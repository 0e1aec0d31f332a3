// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/attention/prefill_plan.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/context.hpp"

namespace tenon {

/// What policies that plan with `prefill_plan` and have a `run_rows` share: a whole batch is all of its rows.
template <class Policy> struct planned_prefill {
  static constexpr bool capturable = true;

  static std::size_t plan_words(batch_limits const& limits) { return prefill_plan::words(limits); }
  static void plan(batch_view const& batch, std::span<std::int32_t> words) {
    plan_rows(batch, words, 0, batch.shape.rows);
  }

  /// The same for rows [first_row, last_row) alone.
  static void plan_rows(batch_view const& batch, std::span<std::int32_t> words, std::int32_t first_row,
                        std::int32_t last_row) {
    prefill_plan::write(batch, words, first_row, last_row);
  }

  /// queries, out: [tokens or more, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class Element, std::int32_t HeadDim>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer,
                  paged_view<Element, HeadDim> const& kv,
                  matrix_view<std::type_identity_t<Element> const> queries,
                  matrix_view<std::type_identity_t<Element>> out) {
    Policy::template run_rows<Group>(ctx, batch, layer, kv, queries, out, 0, batch.shape.rows, 0);
  }
};

}  // namespace tenon
