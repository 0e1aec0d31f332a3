// SPDX-License-Identifier: Apache-2.0
// Computes a checkpoint's logits for prompts on the GPU and writes them to files, for compare_logits.py.
//
//   <program> CHECKPOINT PROMPTS OUT [CHUNK]
//
// PROMPTS: one prompt a line, ids separated by spaces; a line that begins with "last" wants the last token's
// logits alone. OUT/<line>.f32: [wanted tokens, vocabulary] floats. CHUNK: tokens of one step at most.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/model/forward_policy.hpp"
#include "tenon/model/rope.hpp"
#include "tenon/parallel/single_device.hpp"
#include "tenon/runtime/batch_layout.hpp"

namespace tenon::testing {

/// The forward pass without engine and scheduler: one sequence, chunk by chunk, logits of any of its tokens.
template <class R> class prompt_logits {
 public:
  using model = typename R::model;
  using precision = typename R::precision;
  using backend_type = typename R::backend;

  prompt_logits(std::filesystem::path const& checkpoint, std::int32_t chunk, std::int32_t longest)
      : weights_{load_weights<R>(checkpoint)},
        limits_{1, chunk, longest, R::cache::page_tokens(longest)},
        layout_{limits_, R::attention::plan_words(limits_)} {
    carver counting;
    carve(counting);
    memory_ = {context(), counting.used()};
    carver carving{memory_.data(), memory_.size()};
    carve(carving);
    context().clear(memory_.data(), memory_.size());
    context().use_scratch(scratch_, scratch());
    std::vector<float> table(static_cast<std::size_t>(longest) * model::shape.head_dim);
    fill_rope_table(weights_.parameters, model::shape.head_dim, table);
    context().copy_in(const_cast<float*>(rope_.data), table.data(), table.size() * sizeof(float));
    std::vector<std::int32_t> numbers(static_cast<std::size_t>(chunk));
    std::iota(numbers.begin(), numbers.end(), 0);
    context().copy_in(token_numbers_, numbers.data(), numbers.size() * sizeof(std::int32_t));
    host_block_ = {context(), layout_.bytes()};
  }

  /// Calls take(floats, tokens) for consecutive tokens of the prompt, or for its last one.
  template <class Take> void run(std::vector<token_id> const& ids, bool last_alone, Take const& take) {
    auto const length = static_cast<std::int32_t>(ids.size());
    for (std::int32_t begin = 0; begin < length; begin += limits_.max_tokens) {
      auto const count = std::min(limits_.max_tokens, length - begin);
      auto const batch = upload(ids, begin, count);
      R::forward::template run<typename R::attention>(context(), batch, weights_, rope_, kv_, parallel_,
                                                      work_, model::shape.layers);
      if (!last_alone) {
        take_logits(batch, 0, count, take);
      } else if (begin + count == length) {
        take_logits(batch, count - 1, count, take);
      }
    }
  }

 private:
  static constexpr std::int32_t logit_rows = 256;

  typename backend_type::context& context() { return *weights_.context; }

  scratch_sizes scratch() const {
    constexpr auto shape = model::shape;
    return {shape.hidden, shape.ffn, shape.query_width(), shape.qkv_width(), limits_.max_tokens, logit_rows};
  }

  void carve(carver& memory) {
    block_ = memory.take<std::byte>(checked_size{layout_.bytes()});
    scratch_ = memory.take<std::byte>(checked_size{backend_type::context::scratch_bytes(scratch())});
    work_ = decltype(work_)::template carve<model>(memory, limits_.max_tokens, logit_rows);
    rope_ = {memory.take<float>(checked_size{limits_.max_context} * model::shape.head_dim),
             limits_.max_context, model::shape.head_dim};
    token_numbers_ = memory.take<std::int32_t>(limits_.max_tokens);
    slot_ids_ = memory.take<token_id>(4);
    auto const bytes = R::cache::template page_bytes<model, precision>(limits_.page_tokens);
    kv_ = R::cache::template make_view<model, precision>(
        memory.take<std::byte>(checked_size{bytes} * pages()), limits_.page_tokens);
  }

  std::int32_t pages() const { return ceil_div(limits_.max_context, limits_.page_tokens); }

  template <class T> static T& at(T const* array, std::int64_t i) { return const_cast<T*>(array)[i]; }

  batch_view upload(std::vector<token_id> const& ids, std::int32_t begin, std::int32_t count) {
    auto batch = layout_.view(host_block_.data());
    batch.shape = {.rows = 1, .decode_rows = count == 1, .tokens = count, .logit_rows = 1};
    for (std::int32_t i = 0; i < count; ++i) {
      at(batch.ids, i) = ids[static_cast<std::size_t>(begin + i)];
      at(batch.id_slots, i) = no_slot;
      at(batch.positions, i) = begin + i;
      at(batch.token_rows, i) = 0;
    }
    at(batch.row_begin, 0) = 0;
    at(batch.row_begin, 1) = count;
    at(batch.context, 0) = begin + count;
    at(batch.slots, 0) = 0;
    at(batch.page_begin, 0) = 0;
    at(batch.rope_sets, 0) = 0;
    at(batch.logit_tokens, 0) = count - 1;
    for (std::int32_t page = 0; page < pages(); ++page) at(batch.table, page) = pages() - 1 - page;
    R::attention::plan(batch, {const_cast<std::int32_t*>(batch.plan), layout_.plan_words()});
    context().copy_in(block_, host_block_.data(), layout_.bytes());
    auto on_device = layout_.view(block_);
    on_device.shape = batch.shape;
    on_device.slot_ids = slot_ids_;
    return on_device;
  }

  /// Final norm and head once more, for tokens [first, last) of the step.
  template <class Take>
  void take_logits(batch_view batch, std::int32_t first, std::int32_t last, Take const& take) {
    std::vector<float> floats;
    for (; first < last; first += logit_rows) {
      batch.shape.logit_rows = std::min(logit_rows, last - first);
      batch.logit_tokens = token_numbers_ + first;
      norm_head<precision>(context(), batch, work_.residual.first(batch.shape.tokens), weights_.final_norm,
                           weights_.head, weights_.parameters.norm_epsilon,
                           work_.logits.first(batch.shape.logit_rows));
      floats.resize(static_cast<std::size_t>(batch.shape.logit_rows) * model::shape.vocabulary);
      context().copy_out(floats.data(), work_.logits.data, floats.size() * sizeof(float));
      take(floats, batch.shape.logit_rows);
    }
  }

  recipe_weights<R> weights_;
  batch_limits limits_;
  batch_layout layout_;
  buffer<backend_type> memory_;
  staging_buffer<backend_type> host_block_;
  std::byte* block_ = nullptr;
  std::byte* scratch_ = nullptr;
  activations<precision> work_;
  rope_view rope_;
  std::int32_t* token_numbers_ = nullptr;
  token_id* slot_ids_ = nullptr;
  typename R::cache::template view<model, precision> kv_{};
  single_device parallel_;
};

template <class R> void write_prompt_logits(int argc, char** argv) {
  if (argc < 4) throw error{"expected CHECKPOINT PROMPTS OUT [CHUNK]"};
  std::vector<std::vector<token_id>> prompts;
  std::vector<bool> last_alone;
  std::int32_t longest = 1;
  std::ifstream lines{argv[2]};
  for (std::string line; std::getline(lines, line);) {
    last_alone.push_back(line.starts_with("last"));
    std::istringstream words{last_alone.back() ? line.substr(4) : line};
    auto& ids = prompts.emplace_back();
    for (token_id id; words >> id;) ids.push_back(id);
    longest = std::max(longest, static_cast<std::int32_t>(ids.size()));
  }
  prompt_logits<R> computing{argv[1], argc > 4 ? std::stoi(argv[4]) : 2048, longest};
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::ofstream out{std::filesystem::path{argv[3]} / (std::to_string(i) + ".f32"), std::ios::binary};
    computing.run(prompts[i], last_alone[i], [&](std::vector<float> const& floats, std::int32_t) {
      out.write(reinterpret_cast<char const*>(floats.data()),
                static_cast<std::streamsize>(floats.size() * sizeof(float)));
    });
    if (!out) throw error{"cannot write the logits of prompt " + std::to_string(i)};
  }
}

template <class R> int prompt_logits_main(int argc, char** argv) {
  try {
    write_prompt_logits<R>(argc, argv);
    return 0;
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "prompt_logits: %s\n", failure.what());
    return 1;
  }
}

}  // namespace tenon::testing
