// SPDX-License-Identifier: Apache-2.0
// Every kernel of the ops once or twice, on shapes small enough for compute-sanitizer.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/copy_pages.cuh"
#include "tenon/cuda/embed.cuh"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"

using namespace tenon;
using testing::device_matrix;
using testing::random_matrix;
using testing::relative_error;
using testing::rounding_tolerance;

namespace {

constexpr float epsilon = 0.02f;

std::mt19937_64& generator() {
  static std::mt19937_64 random{testing::seed()};
  return random;
}

/// The memory that cuBLASLt writes is made NaN: initcheck does not see its bulk tensor stores, and would call
/// what they wrote uninitialised.
struct device_context : testing::device_context {
  explicit device_context(scratch_sizes const& sizes) : testing::device_context{sizes} {
    auto const width = static_cast<std::size_t>(std::max(4 * sizes.qkv_width, 4 * sizes.ffn));
    auto const bytes = static_cast<std::size_t>(sizes.max_tokens) * width;
    auto const poison = [&](void* memory, std::size_t count) {
      if (count > 0) cuda::check(cudaMemsetAsync(memory, 0xff, count, ctx.stream()));
    };
    poison(ctx.projected_scratch(bytes), bytes);
    poison(ctx.blas_workspace(), ctx.blas_workspace_bytes());
  }
};

/// 16-byte copies by producer warps in place of bulk copies.
struct lines : cuda::stream_tuning {
  static constexpr bool bulk = false;
  static constexpr std::int32_t producers = 4;
};

template <class P> void check_embed(std::int32_t tokens, std::int32_t width) {
  device_context device{{.hidden = width, .max_tokens = tokens}};
  testing::random_batch batch{generator(), tokens, 11, 40, 16};
  random_matrix<typename P::activation> const table{generator(), 11, width};
  random_matrix<float> x{generator(), tokens, width};
  testing::device_batch const device_batch{device.ctx, batch};
  device_matrix const device_table{device.ctx, table};
  device_matrix const device_x{device.ctx, x};
  cuda::embed<P>(device.ctx, device_batch.view(), device_table.weights(), device_x.view());
  testing::reference::embed<P>(batch.view(), table.weights(), x.view());
  BOOST_TEST((device_x.array.values() == x.values), P::name);
}

void check_copy_pages() {
  cuda::context ctx;
  paged_view<bf16_t, 64> view{nullptr, 2, 2, 16};
  random_matrix<bf16_t> cache{generator(), 5, view.page_size()};
  std::vector<page_copy> const copies{{0, 1}, {1, 4}, {3, 0}};
  device_matrix const device_cache{ctx, cache};
  testing::device_array const device_copies{ctx, copies};
  batch_view batch;
  batch.shape.page_copies = static_cast<std::int32_t>(copies.size());
  batch.copies = device_copies.data();
  view.data = device_cache.array.data();
  cuda::copy_pages(ctx, batch, view);
  batch.copies = copies.data();
  view.data = cache.values.data();
  testing::reference::copy_pages(batch, view);
  BOOST_TEST(relative_error(device_cache.array.values(), cache.values) == 0.0);
}

/// `op(ctx, in, matrix, x, keep_residual)` is the op or one of its paths.
template <class P, class Op>
void check_linear(std::int32_t rows, std::int32_t out_features, std::int32_t in_features, Op const& op) {
  device_context device{{.hidden = out_features, .ffn = in_features, .max_tokens = rows}};
  random_matrix<typename P::activation> const in{generator(), rows, in_features};
  random_matrix<typename P::weight> const weights{generator(), out_features, in_features};
  random_matrix<float> x{generator(), rows, out_features};
  device_matrix const device_in{device.ctx, in};
  device_matrix const device_weights{device.ctx, weights};
  device_matrix const device_x{device.ctx, x};
  matrix_view<typename P::activation const> const input = device_in.view();
  for (bool const keep : {true, false}) {
    op(device.ctx, input, device_weights.weights(), device_x.view(), keep);
    testing::reference::linear_residual<P>(in.view(), weights.weights(), x.view(), keep);
    BOOST_TEST(relative_error(device_x.array.values(), x.values) < testing::summation_tolerance,
               P::name << ", rows " << rows << ", out_features " << out_features << ", keep " << keep);
  }
}

/// The op, and product and SwiGLU in one kernel.
template <class P> void check_gate_up(std::int32_t rows, std::int32_t hidden, std::int32_t ffn) {
  using element = typename P::activation;
  device_context device{{.hidden = hidden, .ffn = ffn, .max_tokens = rows}};
  auto& ctx = device.ctx;
  random_matrix<float> const x{generator(), rows, hidden, 0.2f, 2.0f};
  random_matrix<float> const norm{generator(), 1, hidden, 1.0f, 0.3f};
  random_matrix<typename P::weight> const weights{generator(), 2 * ffn, hidden, 0.0f, 0.05f};
  random_matrix<element> expected{generator(), rows, ffn};
  device_matrix const device_x{ctx, x}, device_norm{ctx, norm};
  device_matrix const device_weights{ctx, weights};
  testing::device_array<element> const found{ctx, expected.values.size()};
  testing::device_array<element> const by_one_kernel{ctx, expected.values.size()};
  layer_weights<P> layer;
  layer.ffn_norm = norm.vector();
  layer.gate_up = weights.weights();
  testing::reference::norm_gate_up<P>(x.view(), layer, epsilon, expected.view());
  layer.ffn_norm = device_norm.vector();
  layer.gate_up = device_weights.weights();
  cuda::norm_gate_up<P>(ctx, device_x.view(), layer, epsilon,
                        matrix_view<element>{found.data(), {rows, ffn}});
  BOOST_TEST(relative_error(found.values(), expected.values) < rounding_tolerance<P>,
             P::name << ", rows " << rows);
  auto const normed =
      cuda::rms_norm_rows<element>(ctx, device_x.view(), nullptr, rows, layer.ffn_norm, epsilon);
  if (!cuda::wgmma_gate_up(ctx, normed, layer.gate_up,
                           matrix_view<element>{by_one_kernel.data(), {rows, ffn}})) {
    return;
  }
  BOOST_TEST(relative_error(by_one_kernel.values(), expected.values) < rounding_tolerance<P>,
             P::name << ", rows " << rows << ", one kernel");
}

template <class P> void check_head(std::int32_t tokens, std::int32_t hidden, std::int32_t vocabulary) {
  device_context device{{.hidden = hidden, .max_tokens = tokens, .max_rows = tokens}};
  testing::random_batch batch{generator(), tokens, 10, 2 * tokens, 16};
  random_matrix<float> const x{generator(), tokens, hidden, 0.2f, 2.0f};
  random_matrix<float> const norm{generator(), 1, hidden, 1.0f, 0.3f};
  random_matrix<typename P::weight> const head{generator(), vocabulary, hidden, 0.0f, 0.05f};
  random_matrix<float> logits{generator(), batch.view().shape.logit_rows, vocabulary};
  testing::device_batch const device_batch{device.ctx, batch};
  device_matrix const device_x{device.ctx, x}, device_norm{device.ctx, norm};
  device_matrix const device_head{device.ctx, head};
  device_matrix const device_logits{device.ctx, logits};
  cuda::norm_head<P>(device.ctx, device_batch.view(), device_x.view(), device_norm.vector(),
                     device_head.weights(), epsilon, device_logits.view());
  testing::reference::norm_head<P>(batch.view(), x.view(), norm.vector(), head.weights(), epsilon,
                                   logits.view());
  BOOST_TEST(relative_error(device_logits.array.values(), logits.values) < rounding_tolerance<P> / 4,
             P::name << ", tokens " << tokens);
}

/// The op; product and epilogue in one kernel; and the epilogue that takes four tokens a block.
template <class P, std::int32_t HeadDim>
void check_qkv(std::int32_t tokens, std::int32_t hidden, std::int32_t kv_heads, std::int32_t group, bool bias,
               bool head_norm) {
  using element = typename P::activation;
  using view = paged_view<element, HeadDim>;
  auto& random = generator();
  std::int32_t const query_width = kv_heads * group * HeadDim;
  std::int32_t const width = query_width + 2 * kv_heads * HeadDim;
  std::int32_t const longest = tokens + 20;
  testing::random_batch batch{random, tokens, 10, longest, 5};
  device_context device{
      {.hidden = hidden, .query_width = query_width, .qkv_width = width, .max_tokens = tokens}};
  auto& ctx = device.ctx;
  random_matrix<float> const x{random, tokens, hidden, 0.2f, 2.0f}, norm{random, 1, hidden, 1.0f, 0.3f},
      biases{random, 1, width, 0.0f, 2.0f}, query_norm{random, 1, HeadDim, 1.0f, 0.3f},
      key_norm{random, 1, HeadDim, 1.0f, 0.3f}, angles{random, 2 * longest, HeadDim};
  random_matrix<typename P::weight> const weights{random, width, hidden, 0.0f, 0.1f};
  view kv{nullptr, 2, kv_heads, batch.page_tokens};
  random_matrix<element> queries{random, tokens, query_width}, cache{random, batch.pages(), kv.page_size()};
  auto const queries_before = queries, cache_before = cache;

  layer_weights<P> layer;
  layer.attention_norm = norm.vector();
  layer.qkv = weights.weights();
  if (bias) layer.qkv_bias = biases.vector();
  if (head_norm) layer.query_norm = query_norm.vector(), layer.key_norm = key_norm.vector();
  kv.data = cache.values.data();
  testing::reference::norm_qkv<P>(batch.view(), x.view(), layer, {angles.values.data(), longest, HeadDim},
                                  epsilon, 1, kv, queries.view());

  testing::device_batch const device_batch{ctx, batch};
  device_matrix const device_x{ctx, x}, device_norm{ctx, norm}, device_bias{ctx, biases},
      device_query_norm{ctx, query_norm}, device_key_norm{ctx, key_norm}, device_angles{ctx, angles};
  device_matrix const device_weights{ctx, weights};
  rope_view const rope{device_angles.array.data(), longest, HeadDim};
  layer.attention_norm = device_norm.vector();
  layer.qkv = device_weights.weights();
  if (bias) layer.qkv_bias = device_bias.vector();
  if (head_norm) layer.query_norm = device_query_norm.vector(), layer.key_norm = device_key_norm.vector();
  auto const check = [&](char const* name, auto const& run) {
    device_matrix const found_queries{ctx, queries_before}, found_cache{ctx, cache_before};
    kv.data = found_cache.array.data();
    if (!run(found_queries.view())) return;
    BOOST_TEST_CONTEXT(name << ", " << P::name << ", head_dim " << HeadDim << ", tokens " << tokens) {
      BOOST_TEST(relative_error(found_queries.array.values(), queries.values) < rounding_tolerance<P>);
      BOOST_TEST(relative_error(found_cache.array.values(), cache.values) < rounding_tolerance<P>);
    }
  };
  auto const normed = [&] {
    return cuda::rms_norm_rows<element>(ctx, device_x.view(), nullptr, tokens, layer.attention_norm, epsilon);
  };
  auto const heads = [&](matrix_view<element> to) {
    return cuda::heads_of(device_batch.view(), layer, rope, epsilon, 1, kv, to);
  };
  check("the op", [&](matrix_view<element> to) {
    cuda::norm_qkv<P>(ctx, device_batch.view(), device_x.view(), layer, rope, epsilon, 1, kv, to);
    return true;
  });
  check("one kernel",
        [&](matrix_view<element> to) { return cuda::wgmma_qkv(ctx, normed(), layer.qkv, heads(to)); });
  check("four tokens a block", [&](matrix_view<element> to) {
    auto const bytes = static_cast<std::size_t>(tokens) * static_cast<std::size_t>(width) * sizeof(float);
    auto* const projected = static_cast<float*>(ctx.projected_scratch(bytes));
    cuda::multiply(ctx, normed(), layer.qkv, projected);
    cuda::launch<cuda::qkv_epilogue_kernel<4, element, view>>(
        ctx, static_cast<unsigned>((tokens + 3) / 4), 128, 0, cuda::ordering::dependent,
        static_cast<float const*>(projected), heads(to));
    return true;
  });
}

template <class P> auto linear_op() {
  return [](auto& ctx, auto in, auto const& matrix, auto x, bool keep) {
    cuda::linear_residual<P>(ctx, in, matrix, x, keep);
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ops)

BOOST_AUTO_TEST_CASE(copies) {
  if (!testing::has_device()) return;
  check_embed<bf16>(3, 264);
  check_embed<fp16>(3, 264);
  check_copy_pages();
}

BOOST_AUTO_TEST_CASE(linear_residual) {
  if (!testing::has_device()) return;
  check_linear<bf16>(2, 256, 256, linear_op<bf16>());
  check_linear<fp16>(8, 2128, 128, linear_op<fp16>());  // more than a tile a block
  check_linear<bf16>(5, 256, 256, [](auto& ctx, auto in, auto const& matrix, auto x, bool keep) {
    BOOST_TEST((cuda::few_rows_linear_residual<bf16, lines>(ctx, in, matrix, x, keep)));
  });
  check_linear<bf16>(12, 256, 128, linear_op<bf16>());
}

BOOST_AUTO_TEST_CASE(norm_gate_up) {
  if (!testing::has_device()) return;
  check_gate_up<bf16>(3, 128, 2304);  // some tiles dealt, others taken
  check_gate_up<fp16>(8, 256, 256);
  check_gate_up<bf16>(140, 200, 256);
  check_gate_up<fp16>(12, 64, 128);
}

BOOST_AUTO_TEST_CASE(norm_head) {
  if (!testing::has_device()) return;
  check_head<bf16>(3, 128, 4608);
  check_head<fp16>(5, 256, 640);
  check_head<bf16>(60, 64, 80);
}

BOOST_AUTO_TEST_CASE(norm_qkv) {
  if (!testing::has_device()) return;
  check_qkv<bf16, 64>(2, 256, 2, 2, false, true);
  check_qkv<bf16, 128>(4, 128, 2, 7, true, false);
  check_qkv<fp16, 128>(3, 256, 1, 2, true, true);
  check_qkv<fp16, 64>(12, 128, 2, 1, false, true);
  check_qkv<bf16, 128>(141, 64, 1, 2, true, true);
  check_qkv<bf16, 256>(9, 64, 1, 2, false, true);
}

// Inputs too wide for one kernel with the norm, which also use the slots of their rings again. What racecheck
// says of that is explained in CONTRIBUTING.md.
BOOST_AUTO_TEST_CASE(rings_used_again, *boost::unit_test::label("not_racecheck")) {
  if (!testing::has_device()) return;
  check_gate_up<bf16>(2, 4224, 128);
  check_head<bf16>(2, 4224, 80);
  check_qkv<bf16, 64>(2, 4224, 1, 1, false, true);
  check_qkv<fp16, 64>(2, 4224, 1, 1, true, false);
}

BOOST_AUTO_TEST_SUITE_END()
