// SPDX-License-Identifier: Apache-2.0
// expect: query_heads_divide_into_groups

#include "tenon/model/model_spec.hpp"

struct my_model {
  static constexpr auto model_type = "qwen3";
  static constexpr auto name = "my_model";
#ifdef TENON_COMPILE_FAIL
  static constexpr int query_heads = 5;
#else
  static constexpr int query_heads = 6;
#endif
  static constexpr tenon::decoder_shape shape{.hidden = 64, .layers = 2, .query_heads = query_heads, .kv_heads = 2,
                                              .head_dim = 16, .ffn = 128, .vocabulary = 256};
};

static_assert(tenon::is_model_spec<my_model>);
