// SPDX-License-Identifier: Apache-2.0
#include "cuda/reference_ops.hpp"

#include <algorithm>
#include <tuple>

#include "tenon/attention/reference_attention.hpp"
#include "tenon/cpu/copy_pages.hpp"
#include "tenon/cpu/embed.hpp"
#include "tenon/cpu/linear_residual.hpp"
#include "tenon/cpu/norm_gate_up.hpp"
#include "tenon/cpu/norm_head.hpp"
#include "tenon/cpu/norm_qkv.hpp"

namespace tenon::testing::reference {

namespace {

/// A context with room for `tokens` tokens of these widths.
struct reserved {
  cpu::context ctx;

  reserved(std::int64_t hidden, std::int64_t ffn, std::int64_t qkv_width, std::int64_t tokens) {
    auto const at_least_one = [](std::int64_t value) {
      return static_cast<std::int32_t>(std::max<std::int64_t>(value, 1));
    };
    ctx.reserve(at_least_one(hidden), at_least_one(ffn), at_least_one(qkv_width), at_least_one(tokens));
  }
};

}  // namespace

template <class P>
void embed(batch_view const& batch, dense_matrix<typename P::activation> const& table, matrix_view<float> x) {
  cpu::context ctx;
  cpu::embed<P>(ctx, batch, table, x);
}

template <class P, class View>
void norm_qkv(batch_view const& batch, matrix_view<float const> x, layer_weights<P> const& layer,
              rope_view rope, float epsilon, std::int32_t layer_number, View const& kv,
              matrix_view<typename P::activation> queries) {
  reserved with{layer.qkv.in_features, 1, layer.qkv.out_features, batch.shape.tokens};
  cpu::norm_qkv<P>(with.ctx, batch, x, layer, rope, epsilon, layer_number, kv, queries);
}

template <class P>
void linear_residual(matrix_view<typename P::activation const> in, typename P::matrix const& matrix,
                     matrix_view<float> x, bool keep_residual) {
  reserved with{matrix.in_features, 1, 1, in.extent(0)};
  cpu::linear_residual<P>(with.ctx, in, matrix, x, keep_residual);
}

template <class P>
void norm_gate_up(matrix_view<float const> x, layer_weights<P> const& layer, float epsilon,
                  matrix_view<typename P::activation> hidden) {
  reserved with{layer.gate_up.in_features, hidden.extent(1), 1, hidden.extent(0)};
  cpu::norm_gate_up<P>(with.ctx, x, layer, epsilon, hidden);
}

template <class P>
void norm_head(batch_view const& batch, matrix_view<float const> x, vector_view<float const> norm,
               typename P::matrix const& head, float epsilon, matrix_view<float> logits) {
  reserved with{head.in_features, 1, 1, batch.shape.logit_rows};
  cpu::norm_head<P>(with.ctx, batch, x, norm, head, epsilon, logits);
}

template <class View> void copy_pages(batch_view const& batch, View const& kv) {
  cpu::context ctx{{.threads = 1}};
  cpu::copy_pages(ctx, batch, kv);
}

template <std::int32_t Group, class View>
void attention(batch_view const& batch, std::int32_t layer, View const& kv,
               matrix_view<typename View::element_type const> queries,
               matrix_view<typename View::element_type> out) {
  cpu::context ctx;
  reference_attention::run<Group>(ctx, batch, layer_index{layer}, kv, queries, out);
}

template void embed<bf16>(batch_view const&, dense_matrix<bf16_t> const&, matrix_view<float>);
template void embed<fp16>(batch_view const&, dense_matrix<f16_t> const&, matrix_view<float>);
template void linear_residual<bf16>(matrix_view<bf16_t const>, dense_matrix<bf16_t> const&,
                                    matrix_view<float>, bool);
template void linear_residual<fp16>(matrix_view<f16_t const>, dense_matrix<f16_t> const&, matrix_view<float>,
                                    bool);
template void norm_gate_up<bf16>(matrix_view<float const>, layer_weights<bf16> const&, float,
                                 matrix_view<bf16_t>);
template void norm_gate_up<fp16>(matrix_view<float const>, layer_weights<fp16> const&, float,
                                 matrix_view<f16_t>);
template void norm_head<bf16>(batch_view const&, matrix_view<float const>, vector_view<float const>,
                              dense_matrix<bf16_t> const&, float, matrix_view<float>);
template void norm_head<fp16>(batch_view const&, matrix_view<float const>, vector_view<float const>,
                              dense_matrix<f16_t> const&, float, matrix_view<float>);

/// Everything that depends on the cache's type; its address is what instantiates it.
template <class P, std::int32_t HeadDim, std::int32_t... Groups> struct with_cache {
  using view = paged_view<typename P::activation, HeadDim>;
  static constexpr auto qkv = &norm_qkv<P, view>;
  static constexpr auto copy = &copy_pages<view>;
  static constexpr std::tuple attentions{&attention<Groups, view>...};
};

template struct with_cache<bf16, 64, 1, 2, 4, 6, 7>;
template struct with_cache<bf16, 128, 1, 2, 4, 6, 7>;
template struct with_cache<fp16, 64, 1, 2, 4, 6, 7>;
template struct with_cache<fp16, 128, 1, 2, 4, 6, 7>;
template struct with_cache<bf16, 256>;

}  // namespace tenon::testing::reference
