// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/model/forward_policy.hpp"
#include "tenon/runtime/batch_layout.hpp"
#include "tenon/sampling/sampler_policy.hpp"

namespace tenon {

/// Sizes that a runner's memory follows from.
struct runner_options {
  std::int32_t max_rows = 0;
  std::int32_t max_tokens = 0;
  std::int32_t max_context = 0;
  std::int32_t depth = 1;        ///< steps that may be in flight at one time
  std::size_t memory_bytes = 0;  ///< of the device, for cache and workspace together; taken once
};

/// What recipe R's batches look like at those sizes.
template <class R> batch_layout batch_layout_of(runner_options const& options) {
  batch_limits const limits{options.max_rows, options.max_tokens, options.max_context,
                            R::cache::page_tokens(options.max_context)};
  return {limits, R::attention::plan_words(limits)};
}

/// The sizes that decide how much scratch memory recipe R's ops need.
template <class R> constexpr scratch_sizes scratch_sizes_of(runner_options const& options) noexcept {
  constexpr auto shape = R::model::shape;
  return {.hidden = shape.hidden,
          .ffn = shape.ffn,
          .query_width = shape.query_width(),
          .qkv_width = shape.qkv_width(),
          .max_tokens = options.max_tokens,
          .max_rows = options.max_rows};
}

/// Everything that a step needs in device memory besides weights and cache. One more slot than rows:
/// padding's.
template <class R> struct workspace {
  using model = typename R::model;

  /// What a step in flight has for itself, so that copies of one step run beside the ops of another.
  struct lane {
    std::byte* batch_block = nullptr;
    sampled_view sampled;
  };

  std::vector<lane> lanes;       ///< one for each step that may be in flight
  std::byte* scratch = nullptr;  ///< the ops'
  activations<typename R::precision> work;
  token_id* slot_ids = nullptr;  // [slots]
  typename R::sampler::state sampler_state{};
  rope_view rope;

  static std::int32_t slots(runner_options const& options) noexcept { return options.max_rows + 1; }

  /// Bytes of the block that a lane's `sampled` points into, downloaded as it is: ids, log-probabilities,
  /// alternatives.
  static std::size_t sampled_bytes(runner_options const& options) noexcept {
    static_assert(sizeof(token_id) == sizeof(float), "the block mixes both");
    return static_cast<std::size_t>(options.max_rows) * (2 + 2 * max_logprobs) * sizeof(float);
  }

  /// The block's arrays, wherever it lies.
  static sampled_view sampled_in(std::byte* block, runner_options const& options) noexcept {
    if (block == nullptr) return {};
    auto const rows = static_cast<std::size_t>(options.max_rows);
    auto* const words = reinterpret_cast<float*>(block);
    return {.ids = reinterpret_cast<token_id*>(words),
            .logprobs = words + rows,
            .top_ids = reinterpret_cast<token_id*>(words + 2 * rows),
            .top_logprobs = words + (2 + max_logprobs) * rows};
  }

  /// Lays everything out in `memory`, which must be zeroed: samplers start from it.
  static workspace carve(carver& memory, runner_options const& options, batch_layout const& layout) {
    workspace made;
    for (std::int32_t i = 0; i < options.depth; ++i) {
      auto& mine = made.lanes.emplace_back();
      mine.batch_block = memory.take<std::byte>(checked_size{layout.bytes()});
      mine.sampled = sampled_in(memory.take<std::byte>(checked_size{sampled_bytes(options)}), options);
    }
    made.scratch = memory.take<std::byte>(
        checked_size{R::backend::context::scratch_bytes(scratch_sizes_of<R>(options))});
    made.work = decltype(made.work)::template carve<model>(memory, options.max_tokens, options.max_rows);
    made.slot_ids = memory.take<token_id>(checked_size{slots(options)});
    made.sampler_state = R::sampler::make_state(memory, slots(options), model::shape.vocabulary);
    made.rope = {memory.take<float>(checked_size{options.max_context} * model::shape.head_dim),
                 options.max_context, model::shape.head_dim};
    return made;
  }

  static std::size_t bytes(runner_options const& options) {
    carver counting;
    carve(counting, options, batch_layout_of<R>(options));
    return counting.used();
  }
};

/// Bytes of one page of recipe R's cache, all layers.
template <class R> std::size_t cache_page_bytes(runner_options const& options) {
  return R::cache::template page_bytes<typename R::model, typename R::precision>(
      R::cache::page_tokens(options.max_context));
}

/// The budget that holds the workspace and a cache of `positions` positions in all: what `memory_bytes`
/// should be.
template <class R> std::size_t memory_for(runner_options const& options, std::int64_t positions) {
  auto const pages = ceil_div<std::int64_t>(positions, R::cache::page_tokens(options.max_context));
  auto const cache = checked_size{cache_page_bytes<R>(options)} * checked_size{pages + 1};
  return (checked_size{workspace<R>::bytes(options)} + cache + checked_size{buffer_alignment}).value();
}

}  // namespace tenon
