// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/cache/cache_policy.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/launch/launch_policy.hpp"
#include "tenon/model/forward_policy.hpp"
#include "tenon/model/rope.hpp"
#include "tenon/model/weights.hpp"
#include "tenon/runtime/batch_builder.hpp"
#include "tenon/runtime/batch_layout.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// Sizes that a runner's memory follows from.
struct runner_options {
  std::int32_t max_rows = 0;
  std::int32_t max_tokens = 0;
  std::int32_t max_context = 0;
  std::int32_t depth = 1;        ///< steps that may be in flight at one time
  std::size_t memory_bytes = 0;  ///< of the device, for cache and workspace together; taken once
};

/// Where the bytes of a runner's one allocation went.
struct runner_memory {
  std::size_t weights = 0;
  std::size_t cache = 0;
  std::size_t workspace = 0;
  std::size_t unused = 0;  ///< of the budget: less than one page, or more than the cache can use

  friend bool operator==(runner_memory const&, runner_memory const&) = default;
};

/// One rank: weights, cache memory, launch policy and sampler. Runs steps in the order they come; knows no
/// requests.
///
/// All device memory but the weights is one allocation made here. `launch` and `wait` neither allocate device
/// memory nor move anything: addresses live as long as the runner.
template <class R> class model_runner {
 public:
  using model = typename R::model;
  using precision = typename R::precision;
  using backend_type = typename R::backend;
  using weights_type = model_weights<model, precision, backend_type>;
  using ledger_type = typename R::cache::ledger;

  /// Throws options_error when the budget does not hold the workspace and one page, saying how many bytes are
  /// missing.
  model_runner(weights_type weights, runner_options const& options)
      : weights_{std::move(weights)},
        options_{options},
        page_tokens_{R::cache::page_tokens(options.max_context)},
        layout_{{options.max_rows, options.max_tokens, options.max_context, page_tokens_},
                R::attention::plan_words(
                    {options.max_rows, options.max_tokens, options.max_context, page_tokens_})},
        pages_{affordable_pages()},
        memory_{context(), options.memory_bytes},
        builder_{layout_, static_cast<page_id>(pages_), static_cast<slot_id>(options.max_rows)} {
    carver carving{memory_.data(), memory_.size()};
    carve_workspace(carving);
    workspace_bytes_ = carving.used();
    std::size_t const page = page_bytes();
    kv_ = R::cache::template make_view<model, precision>(
        carving.take<std::byte>(checked_size{page} * (pages_ + 1)), page_tokens_);
    prepare_memory();
    constexpr auto shape = model::shape;
    if constexpr (requires { context().reserve(1, 1, 1, 1); }) {
      context().reserve(shape.hidden, shape.ffn, shape.qkv_width(), options_.max_tokens);
    }
  }

  /// A ledger for this runner's cache.
  ledger_options ledger(bool prefix_caching) const {
    return {.pages = static_cast<std::int32_t>(pages_),
            .page_tokens = page_tokens_,
            .slots = options_.max_rows,
            .max_context = options_.max_context,
            .prefix_caching = prefix_caching};
  }

  /// Enqueues a step. At most `depth` steps may be launched and not yet waited for.
  void launch(step const& planned, ledger_type const& ledger) {
    auto& flight = flights_[next_flight_];
    next_flight_ = (next_flight_ + 1) % flights_.size();
    auto const shape = batch_builder::shape_of(planned);
    auto padded = R::launch::padded(shape);
    if (padded.rows > options_.max_rows) padded = shape;
    auto built = builder_.build(planned, ledger, padded, flight.upload.data());
    R::attention::plan(built.view, {const_cast<std::int32_t*>(built.view.plan), layout_.plan_words()});
    context().copy_in_async(flight.block, flight.upload.data(), built.bytes_used);

    auto batch = layout_.view(flight.block);
    batch.shape = padded;
    batch.slot_ids = slot_ids_;
    if (padded.page_copies > 0) copy_pages(context(), batch, kv_);
    launch_.run(context(), padded, [&] { run_model(batch); });
    context().copy_out_async(flight.download.data(), sampled_.ids, sampled_bytes());
    flight.mark = context().record();
    remember_rows(flight, planned, shape, padded);
    in_flight_.push_back(&flight);
  }

  /// Waits for the oldest launched step and tells what it sampled, one entry a sampling row of the step. The
  /// spans are valid until the next launch.
  sampled wait() {
    auto& flight = *in_flight_.front();
    in_flight_.pop_front();
    context().wait(flight.mark);
    auto const rows = static_cast<std::size_t>(options_.max_rows);
    auto const* const ids = reinterpret_cast<token_id const*>(flight.download.data());
    auto const* const logprobs = reinterpret_cast<float const*>(ids + rows);
    auto const* const top_ids = reinterpret_cast<token_id const*>(logprobs + rows);
    auto const* const top_logprobs = reinterpret_cast<float const*>(top_ids + rows * max_logprobs);
    return pick_rows(flight, ids, logprobs, top_ids, top_logprobs);
  }

  bool has_work_in_flight() const noexcept { return !in_flight_.empty(); }
  std::size_t steps_in_flight() const noexcept { return in_flight_.size(); }

  weights_type const& weights() const noexcept { return weights_; }
  typename backend_type::context& context() noexcept { return *weights_.context; }
  launch_counts counts() const noexcept { return launch_.counts(); }

  runner_memory memory() const noexcept {
    std::size_t const cache = page_bytes() * static_cast<std::size_t>(pages_ + 1);
    return {.weights = weights_.bytes(),
            .cache = cache,
            .workspace = workspace_bytes_,
            .unused = options_.memory_bytes - std::min(options_.memory_bytes, cache + workspace_bytes_)};
  }

  /// Logits of the last step's sampling rows, [logit_rows, vocabulary], in device memory: for tests and
  /// research.
  matrix_view<float const> last_logits() const noexcept { return work_.logits; }

 private:
  using context_type = typename backend_type::context;
  using mark_type = decltype(std::declval<context_type&>().record());

  struct flight_slot {
    staging_buffer<backend_type> upload;
    staging_buffer<backend_type> download;
    std::byte* block = nullptr;
    mark_type mark{};
    std::vector<std::int32_t> sampled_rows;  // which rows of the download belong to the step's sampling rows
  };

  std::size_t page_bytes() const noexcept {
    return R::cache::template page_bytes<model, precision>(page_tokens_);
  }
  std::size_t slots() const noexcept { return static_cast<std::size_t>(options_.max_rows) + 1; }
  std::size_t sampled_bytes() const noexcept {
    return static_cast<std::size_t>(options_.max_rows) * (2 + 2 * max_logprobs) * sizeof(float);
  }

  void carve_workspace(carver& memory) {
    static_assert(sizeof(token_id) == sizeof(float), "a sampled block mixes both");
    flights_.resize(static_cast<std::size_t>(options_.depth));
    for (auto& flight : flights_) flight.block = memory.take<std::byte>(layout_.bytes());
    work_ = activations<precision>::template carve<model>(memory, options_.max_tokens, options_.max_rows);
    auto const rows = static_cast<std::size_t>(options_.max_rows);
    auto* const block = memory.take<float>(sampled_bytes() / sizeof(float));
    slot_ids_ = memory.take<token_id>(slots());
    state_begin_ = memory.used();
    state_ = R::sampler::make_state(memory, static_cast<std::int32_t>(slots()), model::shape.vocabulary);
    state_end_ = memory.used();
    rope_ = {memory.take<float>(checked_size{options_.max_context} * model::shape.head_dim),
             options_.max_context, model::shape.head_dim};
    if (block == nullptr) return;
    sampled_.ids = reinterpret_cast<token_id*>(block);
    sampled_.logprobs = block + rows;
    sampled_.top_ids = reinterpret_cast<token_id*>(block + 2 * rows);
    sampled_.top_logprobs = block + (2 + max_logprobs) * rows;
  }

  std::int64_t affordable_pages() {
    carver counting;
    carve_workspace(counting);
    std::size_t const scratch = page_bytes() + buffer_alignment;
    std::size_t const least = counting.used() + scratch + page_bytes();
    if (options_.memory_bytes < least) {
      throw options_error{"memory_bytes: expected at least " + std::to_string(least) + " bytes (workspace " +
                          std::to_string(counting.used()) + ", two pages of " + std::to_string(page_bytes()) +
                          "), found " + std::to_string(options_.memory_bytes) + ": " +
                          std::to_string(least - options_.memory_bytes) + " are missing"};
    }
    auto const affordable =
        static_cast<std::int64_t>((options_.memory_bytes - counting.used() - scratch) / page_bytes());
    return R::cache::useful_pages(options_.max_rows, affordable);
  }

  /// Zeroes the sampler's state and the last ids, fills the rope table, makes the staging buffers.
  void prepare_memory() {
    std::vector<std::byte> const zeros(std::max(state_end_ - state_begin_, slots() * sizeof(token_id)));
    context().copy_in(memory_.data() + state_begin_, zeros.data(), state_end_ - state_begin_);
    context().copy_in(slot_ids_, zeros.data(), slots() * sizeof(token_id));
    std::vector<float> table(static_cast<std::size_t>(options_.max_context) * model::shape.head_dim);
    fill_rope_table(weights_.parameters, model::shape.head_dim, table);
    context().copy_in(const_cast<float*>(rope_.data), table.data(), table.size() * sizeof(float));
    for (auto& flight : flights_) {
      flight.upload = {context(), layout_.bytes()};
      flight.download = {context(), sampled_bytes()};
      flight.sampled_rows.reserve(static_cast<std::size_t>(options_.max_rows));
    }
    context().wait();
  }

  void run_model(batch_view const& batch) {
    R::forward::template run<typename R::attention>(context(), batch, weights_, rope_, kv_, parallel_, work_);
    R::sampler::run(context(), batch, work_.logits.first(batch.shape.logit_rows), state_, sampled_);
  }

  static void remember_rows(flight_slot& flight, step const& planned, batch_shape const& shape,
                            batch_shape const& padded) {
    bool const every_row = padded.sample_rows > shape.sample_rows || padded.rows > shape.rows;
    flight.sampled_rows.clear();
    std::int32_t row = 0;
    for (auto const& planned_row : planned.rows) {
      if (planned_row.samples) flight.sampled_rows.push_back(row);
      if (planned_row.samples || every_row) ++row;
    }
  }

  /// Closes the gaps that padding left, so that entry i belongs to the step's i-th sampling row.
  sampled pick_rows(flight_slot const& flight, token_id const* ids, float const* logprobs,
                    token_id const* top_ids, float const* top_logprobs) {
    picked_ids_.clear();
    picked_counts_.clear();
    picked_logprobs_.clear();
    picked_top_ids_.clear();
    picked_top_logprobs_.clear();
    for (auto row : flight.sampled_rows) {
      picked_ids_.push_back(ids[row]);
      picked_counts_.push_back(1);
      picked_logprobs_.push_back(logprobs[row]);
      auto const top = static_cast<std::ptrdiff_t>(row) * max_logprobs;
      picked_top_ids_.insert(picked_top_ids_.end(), top_ids + top, top_ids + top + max_logprobs);
      picked_top_logprobs_.insert(picked_top_logprobs_.end(), top_logprobs + top,
                                  top_logprobs + top + max_logprobs);
    }
    return {.ids_per_row = 1,
            .top_per_row = max_logprobs,
            .ids = picked_ids_,
            .counts = picked_counts_,
            .logprobs = picked_logprobs_,
            .top_ids = picked_top_ids_,
            .top_logprobs = picked_top_logprobs_};
  }

  weights_type weights_;
  runner_options options_;
  std::int32_t page_tokens_;
  batch_layout layout_;
  std::vector<flight_slot> flights_;
  activations<precision> work_;
  sampled_view sampled_;
  token_id* slot_ids_ = nullptr;
  typename R::sampler::state state_{};
  std::size_t state_begin_ = 0;
  std::size_t state_end_ = 0;
  std::size_t workspace_bytes_ = 0;
  rope_view rope_;
  std::int64_t pages_;
  buffer<backend_type> memory_;
  typename R::cache::template view<model, precision> kv_{};
  batch_builder builder_;
  [[no_unique_address]] typename R::parallel parallel_{};
  typename R::launch launch_{};
  std::deque<flight_slot*> in_flight_;
  std::size_t next_flight_ = 0;
  std::vector<token_id> picked_ids_;
  std::vector<std::int32_t> picked_counts_;
  std::vector<float> picked_logprobs_;
  std::vector<token_id> picked_top_ids_;
  std::vector<float> picked_top_logprobs_;
};

}  // namespace tenon
