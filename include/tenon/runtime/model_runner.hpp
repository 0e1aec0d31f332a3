// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/cache/cache_policy.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/launch/launch_policy.hpp"
#include "tenon/model/rope.hpp"
#include "tenon/model/weights.hpp"
#include "tenon/runtime/batch_builder.hpp"
#include "tenon/runtime/scratch_work.hpp"
#include "tenon/runtime/workspace.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// Where the bytes of a runner's one allocation went.
struct runner_memory {
  std::size_t weights = 0;
  std::size_t cache = 0;
  std::size_t workspace = 0;
  std::size_t unused = 0;  ///< of the budget: less than one page, or more than the cache can use
  std::size_t device_free =
      0;  ///< left on the device once everything was taken; 0 if the backend does not say

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

  /// Weights may be on their way until here. Throws options_error when the budget does not hold the workspace
  /// and one page, saying how many bytes are missing, and what `weights.wait()` throws.
  model_runner(weights_type weights, runner_options const& options)
      : weights_{std::move(weights)},
        options_{options},
        layout_{batch_layout_of<R>(options)},
        few_tokens_layout_{batch_layout_of<R>(with_few_tokens(options))},
        pages_{affordable_pages(options)},
        memory_{context(), options.memory_bytes},
        builder_{layout_, static_cast<page_id>(pages_), static_cast<slot_id>(options.max_rows)},
        few_tokens_builder_{few_tokens_layout_, static_cast<page_id>(pages_),
                            static_cast<slot_id>(options.max_rows)} {
    context().clear(memory_.data(), memory_.size());
    carver carving{memory_.data(), memory_.size()};
    space_ = workspace<R>::carve(carving, options_, layout_);
    workspace_bytes_ = carving.used();
    auto* const pages = carving.take<std::byte>(checked_size{cache_page_bytes<R>(options_)} * (pages_ + 1));
    kv_ = R::cache::template make_view<model, precision>(pages, layout_.limits().page_tokens);
    prepare();
    if constexpr (requirement::loads_at_first_use<backend_type>) warm_up();
    // Beside a thread that was still loading, a capture has ended in cudaErrorStreamCaptureInvalidated.
    weights_.wait();
    if constexpr (R::launch::captures) capture_buckets();
    if constexpr (requires { context().free_bytes(); }) device_free_ = context().free_bytes();
  }

  /// A ledger for this runner's cache.
  ledger_options ledger(bool prefix_caching) const {
    return {.pages = static_cast<std::int32_t>(pages_),
            .page_tokens = layout_.limits().page_tokens,
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
    auto const batch = upload(flight, planned, ledger, padded);
    if (padded.page_copies > 0) copy_pages(context(), batch, kv_);
    flight.launch.run(context(), padded, [&] { run_model(batch, flight.lane.sampled, model::shape.layers); });
    flight.mark = context().copy_out_behind(flight.download.data(), flight.lane.sampled.ids,
                                            workspace<R>::sampled_bytes(options_));
    remember_rows(flight, planned, shape, padded);
    in_flight_.push_back(&flight);
  }

  /// Waits for the oldest launched step and tells what it sampled, one entry a sampling row of the step. The
  /// spans are valid until the next call.
  sampled wait() {
    auto& flight = *in_flight_.front();
    in_flight_.pop_front();
    context().wait(flight.mark);
    return pick_rows(flight, workspace<R>::sampled_in(flight.download.data(), options_));
  }

  bool has_work_in_flight() const noexcept { return !in_flight_.empty(); }
  std::size_t steps_in_flight() const noexcept { return in_flight_.size(); }

  weights_type const& weights() const noexcept { return weights_; }
  typename backend_type::context& context() noexcept { return *weights_.context; }
  launch_counts counts() const {
    launch_counts sum = flights_.front().launch.counts();
    for (std::size_t i = 1; i < flights_.size(); ++i) sum += flights_[i].launch.counts();
    return sum;
  }

  runner_memory memory() const noexcept {
    std::size_t const cache = cache_page_bytes<R>(options_) * static_cast<std::size_t>(pages_ + 1);
    return {.weights = weights_.bytes(),
            .cache = cache,
            .workspace = workspace_bytes_,
            .unused = options_.memory_bytes - std::min(options_.memory_bytes, cache + workspace_bytes_),
            .device_free = device_free_};
  }

  /// Logits of the last step's sampling rows, [logit_rows, vocabulary], in device memory: for tests and
  /// research.
  matrix_view<float const> last_logits() const noexcept { return space_.work.logits; }

 private:
  using context_type = typename backend_type::context;
  using mark_type = decltype(std::declval<context_type&>().record());

  /// Each has its own recordings, for a recording holds the addresses that it reads and writes.
  struct flight_slot {
    typename workspace<R>::lane lane;
    typename R::launch launch{};
    staging_buffer<backend_type> upload;
    staging_buffer<backend_type> download;
    mark_type mark{};
    std::vector<std::size_t> sampled_rows;  // which rows of the download belong to the step's sampling rows
  };

  static std::int64_t affordable_pages(runner_options const& options) {
    std::size_t const page = cache_page_bytes<R>(options);
    std::size_t const least = memory_for<R>(options, 1);
    if (options.memory_bytes < least) {
      throw options_error{"memory_bytes: expected at least " + std::to_string(least) + " bytes (workspace " +
                          std::to_string(workspace<R>::bytes(options)) + ", two pages of " +
                          std::to_string(page) + "), found " + std::to_string(options.memory_bytes) + ": " +
                          std::to_string(least - options.memory_bytes) + " are missing"};
    }
    auto const affordable = static_cast<std::int64_t>((options.memory_bytes - least) / page) + 1;
    return R::cache::useful_pages(options.max_rows, affordable);
  }

  void prepare() {
    std::vector<float> table(static_cast<std::size_t>(options_.max_context) * model::shape.head_dim);
    fill_rope_table(weights_.parameters, model::shape.head_dim, table);
    context().copy_in(const_cast<float*>(space_.rope.data), table.data(), table.size() * sizeof(float));
    for (std::int32_t i = 0; i < options_.depth; ++i) {
      auto& flight = flights_.emplace_back();
      flight.lane = space_.lanes[static_cast<std::size_t>(i)];
      flight.upload = {context(), layout_.bytes()};
      flight.download = {context(), workspace<R>::sampled_bytes(options_)};
    }
    context().use_scratch(space_.scratch, scratch_sizes_of<R>(options_));
    context().wait();
  }

  scratch_work scratch() const {
    return {static_cast<page_id>(pages_), static_cast<slot_id>(options_.max_rows), layout_.limits()};
  }

  /// Loads what the device loads at first use: runs a batch of every class of row counts, of rows that decode
  /// while so many fit and of a prompt's tokens from there on, and copies a page. One layer suffices, for all
  /// have the same kernels, and so do weights that have yet to come. All of it reads and writes the scratch
  /// page and slot.
  void warm_up() {
    auto work = scratch();
    auto const most = work.prompt(options_.max_tokens).tokens;  // fewer where rows and contexts are few
    auto const most_decoded = std::min(options_.max_rows, most);
    for_each_class(most_decoded, [&](std::int32_t rows) { run_one_layer(step{}, work, decode_shape(rows)); });
    for_each_class(most, [&](std::int32_t rows) {
      if (rows > most_decoded || rows == most) run_one_layer(work.prompt(rows), work);
    });
    run_one_layer(work.page_copy(), work);
  }

  /// Lets the launch policy capture every bucket, largest first.
  void capture_buckets() {
    auto work = scratch();
    for_each_bucket([&](batch_shape const& shape) {
      for (auto& flight : flights_) {
        auto const batch = upload(flight, step{}, work, shape);
        context().wait();
        flight.launch.prepare(context(), shape,
                              [&] { run_model(batch, flight.lane.sampled, model::shape.layers); });
      }
    });
    context().wait();
  }

  /// Every class with at most so many rows, and this number itself.
  template <class Visit> static void for_each_class(std::int32_t most, Visit const& visit) {
    for (auto rows = backend_type::row_class(1); rows < most; rows = backend_type::row_class(rows + 1))
      visit(rows);
    visit(most);
  }

  template <class Visit> void for_each_bucket(Visit const& visit) {
    for (auto const bucket : R::launch::buckets) {
      if (bucket > options_.max_rows) continue;
      visit(R::launch::padded({.rows = bucket, .decode_rows = bucket, .tokens = bucket}));
    }
  }

  void run_one_layer(step const& planned, scratch_work const& work) {
    run_one_layer(planned, work, batch_builder::shape_of(planned));
  }
  void run_one_layer(step const& planned, scratch_work const& work, batch_shape const& shape) {
    auto& flight = flights_.front();
    auto const batch = upload(flight, planned, work, shape);
    if (shape.page_copies > 0) copy_pages(context(), batch, kv_);
    run_model(batch, flight.lane.sampled, 1);
    context().wait();
  }

  /// A step that decodes would else upload arrays sized for the longest prompt chunk.
  static runner_options with_few_tokens(runner_options options) noexcept {
    options.max_tokens = std::min(options.max_tokens, options.max_rows);
    return options;
  }

  /// Enqueues the copy of a step's batch to its lane on the device, ahead of work in flight. Its layout
  /// follows from its shape, so that a recording finds every batch of that shape at the same addresses.
  template <class Ledger>
  batch_view upload(flight_slot& flight, step const& planned, Ledger const& ledger,
                    batch_shape const& padded) {
    bool const few = padded.tokens <= few_tokens_layout_.limits().max_tokens;
    auto const& layout = few ? few_tokens_layout_ : layout_;
    auto& builder = few ? few_tokens_builder_ : builder_;
    auto built = builder.build(planned, ledger, padded, flight.upload.data());
    R::attention::plan(built.view, {const_cast<std::int32_t*>(built.view.plan), layout.plan_words()});
    context().copy_in_ahead(flight.lane.batch_block, flight.upload.data(), built.bytes_used);
    auto batch = layout.view(flight.lane.batch_block);
    batch.shape = padded;
    batch.slot_ids = space_.slot_ids;
    return batch;
  }

  void run_model(batch_view const& batch, sampled_view const& sampled, std::int32_t layers) {
    R::forward::template run<typename R::attention>(context(), batch, weights_, space_.rope, kv_, parallel_,
                                                    space_.work, layers);
    R::sampler::run(context(), batch, space_.work.logits.first(batch.shape.logit_rows), space_.sampler_state,
                    sampled);
  }

  /// In a padded batch every row samples; in others only those that were asked to.
  static void remember_rows(flight_slot& flight, step const& planned, batch_shape const& shape,
                            batch_shape const& padded) {
    bool const every_row = padded.sample_rows > shape.sample_rows || padded.rows > shape.rows;
    flight.sampled_rows.clear();
    std::size_t row = 0;
    for (auto const& planned_row : planned.rows) {
      if (planned_row.samples) flight.sampled_rows.push_back(row);
      if (planned_row.samples || every_row) ++row;
    }
  }

  /// Closes the gaps that padding left, so that entry i belongs to the step's i-th sampling row.
  sampled pick_rows(flight_slot const& flight, sampled_view const& found) {
    picked_ids_.clear();
    picked_logprobs_.clear();
    picked_top_ids_.clear();
    picked_top_logprobs_.clear();
    picked_counts_.assign(flight.sampled_rows.size(), 1);
    for (auto row : flight.sampled_rows) {
      picked_ids_.push_back(found.ids[row]);
      picked_logprobs_.push_back(found.logprobs[row]);
      auto const top = row * max_logprobs;
      picked_top_ids_.insert(picked_top_ids_.end(), found.top_ids + top, found.top_ids + top + max_logprobs);
      picked_top_logprobs_.insert(picked_top_logprobs_.end(), found.top_logprobs + top,
                                  found.top_logprobs + top + max_logprobs);
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
  batch_layout layout_;
  batch_layout few_tokens_layout_;  ///< of the same block, for batches of at most max_rows tokens
  std::int64_t pages_;
  buffer<backend_type> memory_;
  batch_builder builder_;
  batch_builder few_tokens_builder_;
  workspace<R> space_;
  std::size_t workspace_bytes_ = 0;
  std::size_t device_free_ = 0;
  typename R::cache::template view<model, precision> kv_{};
  [[no_unique_address]] typename R::parallel parallel_{};
  std::vector<flight_slot> flights_;
  std::deque<flight_slot*> in_flight_;
  std::size_t next_flight_ = 0;
  std::vector<token_id> picked_ids_;
  std::vector<std::int32_t> picked_counts_;
  std::vector<float> picked_logprobs_;
  std::vector<token_id> picked_top_ids_;
  std::vector<float> picked_top_logprobs_;
};

}  // namespace tenon
