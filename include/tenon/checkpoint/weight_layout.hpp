// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/checkpoint/matrix_loader.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/model/model_spec.hpp"
#include "tenon/model/weights.hpp"
#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// A stored vector within a stacked one.
struct vector_part {
  std::string name;  ///< the tensor's whole name
  std::int32_t count = 0;
};

/// Float vectors in device memory (norm weights, biases) and the tensors they come from.
struct vector_slot {
  float* to = nullptr;
  std::vector<vector_part> parts;
  bool is_norm = false;  ///< its neutral value is 1; else a bias, whose neutral value is 0
};

template <precision_policy P> struct matrix_slot {
  typename P::matrix to;
  std::vector<matrix_part> parts;
};

/// Where every tensor of a decoder goes: the one place that knows the names of Hugging Face's Qwen2 and
/// Qwen3 checkpoints.
template <precision_policy P> struct weight_layout {
  dense_matrix<typename P::activation> embedding;
  std::vector<matrix_slot<P>> matrices;
  std::vector<vector_slot> vectors;
};

inline constexpr char const* embedding_name = "model.embed_tokens";
inline constexpr char const* head_name = "lm_head";

namespace detail {

/// Lays out one model; with a counting carver all pointers are null.
template <model_spec M, precision_policy P> class weight_planner {
 public:
  weight_planner(carver& space, weight_layout<P>& layout) : space_{&space}, layout_{&layout} {}

  layer_weights<P> layer(std::int32_t index) {
    std::string const prefix = "model.layers." + std::to_string(index) + ".";
    std::string const attention = prefix + "self_attn.";
    layer_weights<P> layer;
    layer.attention_norm = norm(prefix + "input_layernorm.weight", shape.hidden);
    layer.qkv = matrix({{attention + "q_proj", shape.query_width()},
                        {attention + "k_proj", shape.kv_width()},
                        {attention + "v_proj", shape.kv_width()}},
                       shape.hidden);
    if constexpr (shape.qkv_bias) {
      layer.qkv_bias = vector({{attention + "q_proj.bias", shape.query_width()},
                               {attention + "k_proj.bias", shape.kv_width()},
                               {attention + "v_proj.bias", shape.kv_width()}},
                              false);
    }
    if constexpr (shape.qk_norm) {
      layer.query_norm = norm(attention + "q_norm.weight", shape.head_dim);
      layer.key_norm = norm(attention + "k_norm.weight", shape.head_dim);
    }
    layer.output = matrix({{attention + "o_proj", shape.hidden}}, shape.query_width());
    layer.ffn_norm = norm(prefix + "post_attention_layernorm.weight", shape.hidden);
    layer.gate_up =
        matrix({{prefix + "mlp.gate_proj", shape.ffn}, {prefix + "mlp.up_proj", shape.ffn}}, shape.hidden);
    layer.down = matrix({{prefix + "mlp.down_proj", shape.hidden}}, shape.ffn);
    return layer;
  }

  dense_matrix<typename P::activation> embedding() {
    using element = typename P::activation;
    layout_->embedding = {space_->take<element>(checked_size{shape.vocabulary} * shape.hidden),
                          shape.vocabulary, shape.hidden};
    return layout_->embedding;
  }

  typename P::matrix head() {
    if constexpr (shape.tied_embeddings) {
      return matrix_loader<P>::tied_head(layout_->embedding);
    } else {
      return matrix({{head_name, shape.vocabulary}}, shape.hidden);
    }
  }

  vector_view<float const> norm(std::string name, std::int32_t count) {
    return vector({{std::move(name), count}}, true);
  }

 private:
  static constexpr decoder_shape shape = M::shape;

  typename P::matrix matrix(std::vector<matrix_part> parts, std::int32_t in_features) {
    std::int32_t rows = 0;
    for (auto const& part : parts) rows += part.rows;
    auto const to = matrix_loader<P>::carve(*space_, rows, in_features);
    layout_->matrices.push_back({to, std::move(parts)});
    return to;
  }

  vector_view<float const> vector(std::vector<vector_part> parts, bool is_norm) {
    std::int32_t count = 0;
    for (auto const& part : parts) count += part.count;
    auto* const to = space_->take<float>(count);
    layout_->vectors.push_back({to, std::move(parts), is_norm});
    return {to, {count}};
  }

  carver* space_;
  weight_layout<P>* layout_;
};

template <model_spec M, precision_policy P, backend B>
weight_layout<P> lay_out(model_weights<M, P, B>& weights, carver& space) {
  weight_layout<P> layout;
  weight_planner<M, P> plan{space, layout};
  weights.embedding = plan.embedding();
  for (std::int32_t i = 0; i < M::shape.layers; ++i) {
    weights.layers[static_cast<std::size_t>(i)] = plan.layer(i);
  }
  weights.final_norm = plan.norm("model.norm.weight", M::shape.hidden);
  weights.head = plan.head();
  return layout;
}

}  // namespace detail

/// Gives `weights`, whose context exists, one allocation that holds everything, with every pointer set and
/// nothing filled. Throws options_error if the memory is not there.
template <model_spec M, precision_policy P, backend B>
weight_layout<P> allocate_weights(model_weights<M, P, B>& weights) {
  carver counting;
  detail::lay_out(weights, counting);
  weights.storage.push_back(buffer<B>{*weights.context, counting.used()});
  carver space{weights.storage.back().data(), weights.storage.back().size()};
  return detail::lay_out(weights, space);
}

/// The tensors that a checkpoint with this layout must have.
template <precision_policy P> std::vector<expected_tensor> expected_tensors(weight_layout<P> const& layout) {
  std::vector<expected_tensor> all;
  all.push_back({std::string{embedding_name} + ".weight",
                 dense_types(),
                 {layout.embedding.out_features, layout.embedding.in_features}});
  for (auto const& slot : layout.matrices) {
    matrix_loader<P>::expect(slot.parts, slot.to.in_features, all);
  }
  for (auto const& slot : layout.vectors) {
    for (auto const& part : slot.parts) all.push_back({part.name, dense_types(), {part.count}});
  }
  return all;
}

}  // namespace tenon
