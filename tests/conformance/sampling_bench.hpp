// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/request.hpp"

namespace tenon::conformance {

/// One sampling row as a test says it: what a request, its sequence and the model would have made of it.
struct sampling_wish {
  std::vector<float> logits = {};  // [vocabulary]
  sampling_parameters parameters = {};
  std::uint64_t seed = 1;
  std::int32_t choice = 0;
  std::int32_t position = 0;
  slot_id slot = 0;
  token_id forced = no_token;
  std::vector<token_id> banned = {};
  std::vector<std::uint32_t> mask = {};  ///< empty: every id is allowed
  bool resets_slot = false;
  std::vector<token_id> history = {};
  std::int32_t history_prompt = 0;
};

struct sampling_outcome {
  token_id id = no_token;
  token_id in_slot = no_token;
  float logprob = 0.0f;
  std::vector<token_logprob> top;

  friend bool operator==(sampling_outcome const&, sampling_outcome const&) = default;
};

/// A sampler with its state on a backend, fed with rows of a test's making.
template <class Sampler, class Backend> class sampling_bench {
 public:
  sampling_bench(typename Backend::context& context, std::int32_t slots, std::int32_t vocabulary)
      : context_{context}, slots_{slots}, vocabulary_{vocabulary} {
    carver counting;
    Sampler::make_state(counting, slots, vocabulary);
    memory_ = buffer<Backend>{context, std::max<std::size_t>(counting.used(), 1)};
    std::vector<std::byte> const zeros(memory_.size());
    context.copy_in(memory_.data(), zeros.data(), zeros.size());
    carver placing{memory_.data(), memory_.size()};
    state_ = Sampler::make_state(placing, slots, vocabulary);
  }

  /// The row without the ranges that only a batch can give it.
  static sampling_row row_of(sampling_wish const& wish) {
    sampling_row row;
    auto const& p = wish.parameters;
    row.seed = wish.seed;
    row.choice = wish.choice;
    row.position = wish.position;
    row.slot = wish.slot;
    row.temperature = p.temperature;
    row.top_p = p.top_p;
    row.min_p = p.min_p;
    row.repetition_penalty = p.repetition_penalty;
    row.presence_penalty = p.presence_penalty;
    row.frequency_penalty = p.frequency_penalty;
    row.top_k = p.top_k;
    row.logprobs = p.logprobs;
    row.forced = wish.forced;
    row.resets_slot = wish.resets_slot ? 1 : 0;
    row.bias_end = static_cast<std::int32_t>(2 * p.logit_bias.size());
    return row;
  }

  std::vector<sampling_outcome> run(std::span<sampling_wish const> wishes) {
    auto const rows = wishes.size();
    std::vector<sampling_row> sampling;
    std::vector<float> logits;
    std::vector<std::int32_t> table;
    std::vector<std::uint32_t> masks;
    for (auto const& wish : wishes) {
      auto row = row_of(wish);
      row.logit_row = static_cast<std::int32_t>(sampling.size());
      append_ranges(wish, row, table, masks);
      logits.insert(logits.end(), wish.logits.begin(), wish.logits.end());
      sampling.push_back(row);
    }
    auto const on_device = [&](auto const& values) { return upload(std::span{values}); };
    auto const row_memory = on_device(sampling);
    auto const logit_memory = on_device(logits);
    auto const table_memory = on_device(table);
    auto const mask_memory = on_device(masks);
    std::vector<token_id> slot_ids(static_cast<std::size_t>(slots_), -7);
    auto const slot_memory = on_device(slot_ids);
    std::vector<token_id> ids(rows, -7);
    std::vector<float> logprobs(rows, 7.0f);
    std::vector<token_id> top_ids(rows * max_logprobs, -7);
    std::vector<float> top_logprobs(rows * max_logprobs, 7.0f);
    auto const id_memory = on_device(ids);
    auto const logprob_memory = on_device(logprobs);
    auto const top_id_memory = on_device(top_ids);
    auto const top_logprob_memory = on_device(top_logprobs);

    batch_view batch;
    batch.shape.rows = batch.shape.logit_rows = batch.shape.sample_rows = static_cast<std::int32_t>(rows);
    batch.sampling = at<sampling_row>(row_memory);
    batch.table = at<std::int32_t>(table_memory);
    batch.masks = at<std::uint32_t>(mask_memory);
    batch.slot_ids = at<token_id>(slot_memory);
    Sampler::run(context_, batch,
                 matrix_view<float>{at<float>(logit_memory), {static_cast<std::int64_t>(rows), vocabulary_}},
                 state_,
                 sampled_view{at<token_id>(id_memory), at<float>(logprob_memory), at<token_id>(top_id_memory),
                              at<float>(top_logprob_memory)});
    context_.wait();
    download(id_memory, std::span{ids});
    download(logprob_memory, std::span{logprobs});
    download(top_id_memory, std::span{top_ids});
    download(top_logprob_memory, std::span{top_logprobs});
    download(slot_memory, std::span{slot_ids});
    return collect(wishes, slot_ids, ids, logprobs, top_ids, top_logprobs);
  }

  sampling_outcome run_one(sampling_wish const& wish) { return run({&wish, 1}).front(); }

 private:
  void append_ranges(sampling_wish const& wish, sampling_row& row, std::vector<std::int32_t>& table,
                     std::vector<std::uint32_t>& masks) const {
    auto const here = [&] { return static_cast<std::int32_t>(table.size()); };
    row.history_begin = here();
    row.history_prompt = wish.history_prompt;
    table.insert(table.end(), wish.history.begin(), wish.history.end());
    row.history_end = here();
    row.bias_begin = here();
    for (auto const& [id, value] : wish.parameters.logit_bias) {
      table.push_back(id);
      table.push_back(std::bit_cast<std::int32_t>(value));
    }
    row.bias_end = here();
    row.banned_begin = here();
    table.insert(table.end(), wish.banned.begin(), wish.banned.end());
    row.banned_end = here();
    if (wish.mask.empty()) return;
    row.mask = static_cast<std::int32_t>(masks.size() / wish.mask.size());
    masks.insert(masks.end(), wish.mask.begin(), wish.mask.end());
  }

  std::vector<sampling_outcome> collect(std::span<sampling_wish const> wishes,
                                        std::vector<token_id> const& slot_ids,
                                        std::vector<token_id> const& ids, std::vector<float> const& logprobs,
                                        std::vector<token_id> const& top_ids,
                                        std::vector<float> const& top_logprobs) const {
    std::vector<sampling_outcome> outcomes(wishes.size());
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      auto& outcome = outcomes[i];
      outcome.id = ids[i];
      if (wishes[i].slot != no_slot) outcome.in_slot = slot_ids[static_cast<std::size_t>(wishes[i].slot)];
      if (wishes[i].parameters.logprobs < 0) continue;
      outcome.logprob = logprobs[i];
      for (std::size_t k = 0; k < static_cast<std::size_t>(wishes[i].parameters.logprobs); ++k) {
        outcome.top.push_back({top_ids[i * max_logprobs + k], top_logprobs[i * max_logprobs + k]});
      }
    }
    return outcomes;
  }

  template <class T> buffer<Backend> upload(std::span<T const> values) {
    buffer<Backend> memory{context_, std::max<std::size_t>(values.size_bytes(), 1)};
    if (!values.empty()) context_.copy_in(memory.data(), values.data(), values.size_bytes());
    return memory;
  }
  template <class T> void download(buffer<Backend> const& memory, std::span<T> values) {
    if (!values.empty()) context_.copy_out(values.data(), memory.data(), values.size_bytes());
  }
  template <class T> static T* at(buffer<Backend> const& memory) {
    return reinterpret_cast<T*>(memory.data());
  }

  typename Backend::context& context_;
  std::int32_t slots_;
  std::int32_t vocabulary_;
  buffer<Backend> memory_;
  typename Sampler::state state_;
};

/// TENON_TEST_SEED where it is set, so that a failure can be repeated.
inline std::uint64_t sampling_test_seed(std::uint64_t fallback) {
  char const* const given = std::getenv("TENON_TEST_SEED");
  return given == nullptr ? fallback : std::stoull(given);
}

/// Logits of a random shape: peaked, flat or with many equal values, as models and their paddings give them.
inline std::vector<float> random_logits(std::mt19937_64& random, std::int32_t vocabulary) {
  std::normal_distribution<float> normal{
      0.0f, std::exp(std::uniform_real_distribution<float>{-2.0f, 2.5f}(random))};
  bool const coarse = random() % 4 == 0;
  std::vector<float> logits(static_cast<std::size_t>(vocabulary));
  for (auto& logit : logits) {
    logit = normal(random);
    if (coarse) logit = std::round(logit);
  }
  return logits;
}

}  // namespace tenon::conformance
