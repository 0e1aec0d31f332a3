// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/model/model_spec.hpp"

namespace tenon {

/// Qwen2.5, dense: bias on query, key and value, no per-head norm (Qwen2.5 technical report,
/// arXiv:2412.15115; the reference is transformers' modeling_qwen2.py). Shapes as published in the
/// checkpoints' config.json.
struct qwen2_family {
  static constexpr std::string_view model_type = "qwen2";
};

struct qwen2_5_0_5b : qwen2_family {
  static constexpr std::string_view name = "Qwen2.5-0.5B";
  static constexpr decoder_shape shape{.hidden = 896,
                                       .layers = 24,
                                       .query_heads = 14,
                                       .kv_heads = 2,
                                       .head_dim = 64,
                                       .ffn = 4864,
                                       .vocabulary = 151936,
                                       .tied_embeddings = true,
                                       .qkv_bias = true};
};

struct qwen2_5_1_5b : qwen2_family {
  static constexpr std::string_view name = "Qwen2.5-1.5B";
  static constexpr decoder_shape shape{.hidden = 1536,
                                       .layers = 28,
                                       .query_heads = 12,
                                       .kv_heads = 2,
                                       .head_dim = 128,
                                       .ffn = 8960,
                                       .vocabulary = 151936,
                                       .tied_embeddings = true,
                                       .qkv_bias = true};
};

struct qwen2_5_7b : qwen2_family {
  static constexpr std::string_view name = "Qwen2.5-7B";
  static constexpr decoder_shape shape{.hidden = 3584,
                                       .layers = 28,
                                       .query_heads = 28,
                                       .kv_heads = 4,
                                       .head_dim = 128,
                                       .ffn = 18944,
                                       .vocabulary = 152064,
                                       .tied_embeddings = false,
                                       .qkv_bias = true};
};

static_assert(is_model_spec<qwen2_5_0_5b> && is_model_spec<qwen2_5_1_5b> && is_model_spec<qwen2_5_7b>);

}  // namespace tenon
