// SPDX-License-Identifier: Apache-2.0
// expect: even_head_dim

#include "tenon/model/model_spec.hpp"

struct my_model {
  static constexpr auto model_type = "qwen3";
  static constexpr auto name = "my_model";
#ifdef TENON_COMPILE_FAIL
  static constexpr int head_dim = 15;
#else
  static constexpr int head_dim = 16;
#endif
  static constexpr tenon::decoder_shape shape{.hidden = 64, .layers = 2, .query_heads = 4, .kv_heads = 2,
                                              .head_dim = head_dim, .ffn = 128, .vocabulary = 256};
};

static_assert(tenon::is_model_spec<my_model>);
