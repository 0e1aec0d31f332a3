// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/model/qwen3.hpp"

/// The model in examples/tiny_model. A new size of a known family is one struct: this is all that it takes.
struct tenon_tiny : tenon::qwen3_family {
  static constexpr std::string_view name = "tenon-tiny";
  static constexpr tenon::decoder_shape shape{.hidden = 256,
                                              .layers = 8,
                                              .query_heads = 4,
                                              .kv_heads = 2,
                                              .head_dim = 64,
                                              .ffn = 768,
                                              .vocabulary = 4224,
                                              .tied_embeddings = true,
                                              .qk_norm = true};
};

static_assert(tenon::is_model_spec<tenon_tiny>);
