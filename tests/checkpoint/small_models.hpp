// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/memory_backend.hpp"
#include "checkpoint/write_safetensors.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"

namespace tenon_test {

struct small_qwen3 : tenon::qwen3_family {
  static constexpr std::string_view name = "small Qwen3";
  static constexpr tenon::decoder_shape shape{.hidden = 16,
                                              .layers = 2,
                                              .query_heads = 4,
                                              .kv_heads = 2,
                                              .head_dim = 8,
                                              .ffn = 24,
                                              .vocabulary = 40,
                                              .tied_embeddings = true,
                                              .qkv_bias = false,
                                              .qk_norm = true};
};

struct small_qwen2 : tenon::qwen2_family {
  static constexpr std::string_view name = "small Qwen2";
  static constexpr tenon::decoder_shape shape{.hidden = 12,
                                              .layers = 1,
                                              .query_heads = 3,
                                              .kv_heads = 1,
                                              .head_dim = 4,
                                              .ffn = 20,
                                              .vocabulary = 36,
                                              .tied_embeddings = false,
                                              .qkv_bias = true,
                                              .qk_norm = false};
};

/// The members that `load_weights` asks of a recipe.
template <class Model, class Precision, class Backend = memory_backend> struct weights_recipe {
  using model = Model;
  using precision = Precision;
  using backend = Backend;
};

/// Element i of a tensor: a small multiple of 1/16 that all three float types hold exactly.
inline float element_of(std::string_view name, std::size_t i) {
  std::uint32_t hash = 2166136261u;
  for (char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619u;
  hash = (hash ^ static_cast<std::uint32_t>(i)) * 2654435761u;
  return (static_cast<float>(hash >> 25) - 64.0f) / 16.0f;
}

/// Every tensor that a checkpoint of this model has, filled by `element_of`.
template <class Model> std::vector<stored_tensor> checkpoint_tensors(tenon::dtype type) {
  constexpr auto shape = Model::shape;
  std::vector<stored_tensor> all;
  auto const add = [&](std::string const& name, std::vector<std::int64_t> extents) {
    std::size_t count = 1;
    for (auto extent : extents) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = element_of(name, i);
    all.push_back(make_tensor(name, type, std::move(extents), values));
  };
  add("model.embed_tokens.weight", {shape.vocabulary, shape.hidden});
  for (int i = 0; i < shape.layers; ++i) {
    auto const prefix = "model.layers." + std::to_string(i) + ".";
    add(prefix + "input_layernorm.weight", {shape.hidden});
    add(prefix + "post_attention_layernorm.weight", {shape.hidden});
    add(prefix + "self_attn.q_proj.weight", {shape.query_width(), shape.hidden});
    add(prefix + "self_attn.k_proj.weight", {shape.kv_width(), shape.hidden});
    add(prefix + "self_attn.v_proj.weight", {shape.kv_width(), shape.hidden});
    add(prefix + "self_attn.o_proj.weight", {shape.hidden, shape.query_width()});
    if (shape.qkv_bias) {
      add(prefix + "self_attn.q_proj.bias", {shape.query_width()});
      add(prefix + "self_attn.k_proj.bias", {shape.kv_width()});
      add(prefix + "self_attn.v_proj.bias", {shape.kv_width()});
    }
    if (shape.qk_norm) {
      add(prefix + "self_attn.q_norm.weight", {shape.head_dim});
      add(prefix + "self_attn.k_norm.weight", {shape.head_dim});
    }
    add(prefix + "mlp.gate_proj.weight", {shape.ffn, shape.hidden});
    add(prefix + "mlp.up_proj.weight", {shape.ffn, shape.hidden});
    add(prefix + "mlp.down_proj.weight", {shape.hidden, shape.ffn});
  }
  add("model.norm.weight", {shape.hidden});
  if (!shape.tied_embeddings) add("lm_head.weight", {shape.vocabulary, shape.hidden});
  return all;
}

/// The config.json that goes with it; `more` is put in behind, such as `,"rope_theta":10000`.
template <class Model> std::string config_json(std::string const& more = "") {
  constexpr auto shape = Model::shape;
  auto const field = [](char const* key, int value) {
    return ",\"" + std::string{key} + "\":" + std::to_string(value);
  };
  return R"({"model_type":")" + std::string{Model::model_type} + '"' + field("hidden_size", shape.hidden) +
         field("num_hidden_layers", shape.layers) + field("num_attention_heads", shape.query_heads) +
         field("num_key_value_heads", shape.kv_heads) + field("head_dim", shape.head_dim) +
         field("intermediate_size", shape.ffn) + field("vocab_size", shape.vocabulary) +
         field("max_position_embeddings", 512) +
         ",\"tie_word_embeddings\":" + (shape.tied_embeddings ? "true" : "false") + more + "}";
}

}  // namespace tenon_test
