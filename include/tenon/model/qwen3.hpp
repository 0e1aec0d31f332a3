// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/model/model_spec.hpp"

namespace tenon {

/// Qwen3, dense: RMSNorm on every query and key head before RoPE, no bias (Qwen3 technical report,
/// arXiv:2505.09388; the reference is transformers' modeling_qwen3.py). Shapes as published in the
/// checkpoints' config.json.
struct qwen3_family {
  static constexpr std::string_view model_type = "qwen3";
};

/// The small model that ships with the examples: it answers questions of a few kinds in milliseconds on a
/// CPU.
struct qwen3_tiny : qwen3_family {
  static constexpr std::string_view name = "tenon-tiny";
  static constexpr decoder_shape shape{.hidden = 256,
                                       .layers = 8,
                                       .query_heads = 4,
                                       .kv_heads = 2,
                                       .head_dim = 64,
                                       .ffn = 768,
                                       .vocabulary = 4224,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct qwen3_0_6b : qwen3_family {
  static constexpr std::string_view name = "Qwen3-0.6B";
  static constexpr decoder_shape shape{.hidden = 1024,
                                       .layers = 28,
                                       .query_heads = 16,
                                       .kv_heads = 8,
                                       .head_dim = 128,
                                       .ffn = 3072,
                                       .vocabulary = 151936,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct qwen3_1_7b : qwen3_family {
  static constexpr std::string_view name = "Qwen3-1.7B";
  static constexpr decoder_shape shape{.hidden = 2048,
                                       .layers = 28,
                                       .query_heads = 16,
                                       .kv_heads = 8,
                                       .head_dim = 128,
                                       .ffn = 6144,
                                       .vocabulary = 151936,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct qwen3_4b : qwen3_family {
  static constexpr std::string_view name = "Qwen3-4B";
  static constexpr decoder_shape shape{.hidden = 2560,
                                       .layers = 36,
                                       .query_heads = 32,
                                       .kv_heads = 8,
                                       .head_dim = 128,
                                       .ffn = 9728,
                                       .vocabulary = 151936,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct qwen3_8b : qwen3_family {
  static constexpr std::string_view name = "Qwen3-8B";
  static constexpr decoder_shape shape{.hidden = 4096,
                                       .layers = 36,
                                       .query_heads = 32,
                                       .kv_heads = 8,
                                       .head_dim = 128,
                                       .ffn = 12288,
                                       .vocabulary = 151936,
                                       .tied_embeddings = false,
                                       .qk_norm = true};
};

static_assert(is_model_spec<qwen3_tiny> && is_model_spec<qwen3_0_6b> && is_model_spec<qwen3_1_7b> &&
              is_model_spec<qwen3_4b> && is_model_spec<qwen3_8b>);

}  // namespace tenon
