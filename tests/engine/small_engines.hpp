// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tenon/checkpoint/random_weights.hpp"
#include "tenon/cpu.hpp"

/// Real engines small enough for milliseconds: a few layers of random weights, every feature of the family.
namespace small {

using namespace tenon;

struct qwen3_model : qwen3_family {
  static constexpr std::string_view name = "small-qwen3";
  static constexpr decoder_shape shape{.hidden = 48,
                                       .layers = 2,
                                       .query_heads = 6,
                                       .kv_heads = 2,
                                       .head_dim = 16,
                                       .ffn = 80,
                                       .vocabulary = 131,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct qwen2_model : qwen2_family {
  static constexpr std::string_view name = "small-qwen2";
  static constexpr decoder_shape shape{.hidden = 56,
                                       .layers = 2,
                                       .query_heads = 7,
                                       .kv_heads = 1,
                                       .head_dim = 8,
                                       .ffn = 72,
                                       .vocabulary = 131,
                                       .qkv_bias = true};
};

template <class Recipe>
auto weights(std::vector<token_id> stop_ids = {}, int threads = 1, std::uint64_t seed = 7) {
  decoder_parameters const parameters{
      .rope_theta = 1e4, .max_positions = 256, .stop_ids = std::move(stop_ids)};
  return random_weights<Recipe>(parameters, seed, {.context = {.threads = threads}});
}

/// What a request came to: ids by choice, and how each choice ended.
struct outcome {
  std::map<std::int32_t, std::vector<token_id>> ids;
  std::map<std::int32_t, finish_reason> finish;
  std::map<std::int32_t, token_usage> usage;
  std::map<std::int32_t, std::string> message;

  void operator()(event const& happened) {
    if (happened.token) ids[happened.choice].push_back(*happened.token);
    if (happened.finish == finish_reason::none) return;
    if (finish.contains(happened.choice)) throw std::logic_error{"a choice ended twice"};
    finish[happened.choice] = happened.finish;
    usage[happened.choice] = happened.usage;
    message[happened.choice] = happened.message;
  }
};

template <class Engine> std::shared_ptr<outcome> submit(Engine& engine, request wish) {
  auto heard = std::make_shared<outcome>();
  engine.submit(std::move(wish), [heard](event const& happened) { (*heard)(happened); });
  return heard;
}

template <class Engine> outcome answer(Engine& engine, request wish) {
  auto const heard = submit(engine, std::move(wish));
  while (engine.run_one_step()) {
  }
  return *heard;
}

inline std::vector<token_id> random_prompt(std::mt19937_64& random, std::int32_t tokens) {
  std::vector<token_id> ids;
  for (std::int32_t i = 0; i < tokens; ++i) ids.push_back(static_cast<token_id>(random() % 131));
  return ids;
}

inline request greedy_request(std::vector<token_id> prompt, std::int32_t max_new_tokens) {
  return {.prompt = std::move(prompt), .max_new_tokens = max_new_tokens, .sampling = {.temperature = 0.0f}};
}

/// Room for about a thousand pages of a small engine unless a test wants less.
inline engine_options options(std::int32_t max_rows = 4, std::int32_t max_tokens = 32,
                       std::size_t memory_bytes = std::size_t{8} << 20) {
  return {.max_rows = max_rows, .max_tokens = max_tokens, .memory_bytes = memory_bytes, .seed = 1};
}

}  // namespace small
