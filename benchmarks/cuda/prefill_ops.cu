// SPDX-License-Identifier: Apache-2.0
// Times the ops of a decoder for many rows, and their parts, on random weights of the published shapes, each
// op repeated in one CUDA graph over the weights of four layers. JSON lines to stdout, a table to stderr.
//
//   prefill_ops [ROWS...]       default: 16 64 128 256 512 2048 8192

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/cuda/device_report.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/embed.cuh"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"

using namespace tenon;

namespace {

/// Fills with about normal values: sums of four uniform numbers of 16 bits.
template <class Element>
__global__ void fill(Element* values, std::size_t count, float mean, float deviation) {
  auto const first = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::size_t i = first; i < count; i += static_cast<std::size_t>(gridDim.x) * blockDim.x) {
    std::uint64_t bits = (i + 1) * 0x9e37'79b9'7f4a'7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    bits ^= bits >> 27;
    float sum = -2.0f;
    for (int part = 0; part < 4; ++part) sum += static_cast<float>(bits >> (16 * part) & 0xffffu) * 0x1p-16f;
    float const value = mean + sum * 1.732f * deviation;
    if constexpr (sizeof(Element) == 4) {
      values[i] = value;
    } else {
      values[i] = cuda::element_traits<Element>::round(value);
    }
  }
}

class device_memory {
 public:
  explicit device_memory(cuda::context& ctx) : ctx_{ctx} {}

  template <class T> T* random(std::int64_t count, float deviation = 1.0f, float mean = 0.0f) {
    auto* const data = reserve<T>(static_cast<std::size_t>(count));
    fill<T><<<1024, 256, 0, ctx_.stream()>>>(data, static_cast<std::size_t>(count), mean, deviation);
    cuda::check(cudaGetLastError());
    return data;
  }
  template <class T> T const* copy(std::vector<T> const& values) {
    auto* const data = reserve<T>(values.size());
    ctx_.copy_in(data, values.data(), values.size() * sizeof(T));
    return data;
  }
  template <class T> T* reserve(std::size_t count) {
    blocks_.emplace_back(ctx_, count * sizeof(T));
    return reinterpret_cast<T*>(blocks_.back().data());
  }

 private:
  cuda::context& ctx_;
  std::vector<buffer<cuda::backend>> blocks_;
};

/// Microseconds of one call of op(i), the median of five graphs of enough calls.
template <class Op> double time_op(cuda::context& ctx, double expected_us, Op const& op) {
  op(0);
  ctx.wait();
  int const calls = 4 * std::clamp(static_cast<int>(500.0 / std::max(expected_us, 1.0)), 1, 16);
  cudaGraph_t graph{};
  cudaGraphExec_t runnable{};
  cuda::check(cudaStreamBeginCapture(ctx.stream(), cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < calls; ++i) op(i);
  cuda::check(cudaStreamEndCapture(ctx.stream(), &graph));
  cuda::check(cudaGraphInstantiate(&runnable, graph, 0));
  cudaEvent_t begin{}, end{};
  cuda::check(cudaEventCreate(&begin));
  cuda::check(cudaEventCreate(&end));
  std::array<float, 5> times{};
  cuda::check(cudaGraphLaunch(runnable, ctx.stream()));
  for (auto& time : times) {
    cuda::check(cudaEventRecord(begin, ctx.stream()));
    cuda::check(cudaGraphLaunch(runnable, ctx.stream()));
    cuda::check(cudaEventRecord(end, ctx.stream()));
    cuda::check(cudaEventSynchronize(end));
    cuda::check(cudaEventElapsedTime(&time, begin, end));
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(runnable);
  cudaGraphDestroy(graph);
  std::sort(times.begin(), times.end());
  return static_cast<double>(times[2]) * 1e3 / calls;
}

/// Four layers of one model, so that a repeated op does not find its weights in the cache.
template <class Model> class bench {
 public:
  static constexpr auto shape = Model::shape;
  static constexpr std::int32_t layers = 4;
  static constexpr float epsilon = 1e-6f;
  using element = bf16_t;
  using view = paged_view<element, shape.head_dim>;

  bench(cuda::context& ctx, std::int32_t most_rows) : ctx_{ctx}, memory_{ctx}, most_rows_{most_rows} {
    scratch_sizes const sizes{.hidden = shape.hidden,
                              .ffn = shape.ffn,
                              .query_width = shape.query_width(),
                              .qkv_width = shape.qkv_width(),
                              .max_tokens = most_rows,
                              .max_rows = most_rows};
    ctx.use_scratch(memory_.template reserve<std::byte>(cuda::context::scratch_bytes(sizes)), sizes);
    make_activations();
    make_layers();
    make_batch();
    ctx.wait();
  }

  void run(std::int32_t rows) {
    batch_.shape = {.rows = 1, .tokens = rows, .logit_rows = std::min(rows, 64)};
    matrix_view<float> const x{x_, {rows, shape.hidden}};
    matrix_view<element> const queries{queries_, {rows, shape.query_width()}};
    matrix_view<element> const hidden{hidden_, {rows, shape.ffn}};
    auto const layer = [&](int i) -> layer_weights<bf16> const& {
      return layers_[static_cast<std::size_t>(i % layers)];
    };
    double const total =
        report(rows, "norm_qkv", product_flops(rows, layer(0).qkv), 0,
               [&](int i) {
                 cuda::norm_qkv<bf16>(ctx_, batch_, x, layer(i), rope_, epsilon, i % layers, kv_, queries);
               }) +
        report(rows, "linear_residual o", product_flops(rows, layer(0).output), 0,
               [&](int i) { cuda::linear_residual<bf16>(ctx_, queries, layer(i).output, x, true); }) +
        report(rows, "norm_gate_up", product_flops(rows, layer(0).gate_up), 0,
               [&](int i) { cuda::norm_gate_up<bf16>(ctx_, x, layer(i), epsilon, hidden); }) +
        report(rows, "linear_residual down", product_flops(rows, layer(0).down), 0,
               [&](int i) { cuda::linear_residual<bf16>(ctx_, hidden, layer(i).down, x, true); });
    std::fprintf(stderr, "%-12s %6d  %-22s %9.1f us, %.2f ms for %d layers without attention\n",
                 Model::name.data(), rows, "one layer", total, total * shape.layers * 1e-3, shape.layers);
    if (rows <= cuda::few_rows_limit) {
      report(rows, "(norm_qkv, many rows)", product_flops(rows, layer(0).qkv), 0, [&](int i) {
        cuda::many_rows_norm_qkv(ctx_, batch_, x, layer(i), rope_, epsilon, i % layers, kv_, queries);
      });
      report(rows, "(norm_gate_up, many rows)", product_flops(rows, layer(0).gate_up), 0,
             [&](int i) { cuda::many_rows_norm_gate_up(ctx_, x, layer(i), epsilon, hidden); });
    }
    run_parts(rows, x, hidden);
  }

 private:
  static double product_flops(std::int32_t rows, dense_matrix<element> const& matrix) {
    return 2.0 * rows * matrix.out_features * matrix.in_features;
  }

  void run_parts(std::int32_t rows, matrix_view<float> x, matrix_view<element> hidden) {
    auto const layer = [&](int i) -> layer_weights<bf16> const& {
      return layers_[static_cast<std::size_t>(i % layers)];
    };
    report(rows, "(norm)", 0, 6.0 * rows * shape.hidden,
           [&](int i) { cuda::rms_norm_rows<element>(ctx_, x, nullptr, rows, layer(i).ffn_norm, epsilon); });
    matrix_view<element const> const in{hidden_, {rows, shape.hidden}};
    auto* const projected = ctx_.projected_scratch(0);
    report(rows, "(qkv product, float)", product_flops(rows, layer(0).qkv), 0,
           [&](int i) { cuda::multiply(ctx_, in, layer(i).qkv, static_cast<float*>(projected)); });
    report(rows, "(qkv product, 16 bit)", product_flops(rows, layer(0).qkv), 0,
           [&](int i) { cuda::multiply(ctx_, in, layer(i).qkv, static_cast<element*>(projected)); });
    report(rows, "(gate_up product)", product_flops(rows, layer(0).gate_up), 0,
           [&](int i) { cuda::multiply(ctx_, in, layer(i).gate_up, static_cast<element*>(projected)); });
    report(rows, "(gate_up, wgmma)", product_flops(rows, layer(0).gate_up), 0,
           [&](int i) { cuda::wgmma_gate_up(ctx_, in, layer(i).gate_up, hidden); });
    report(rows, "(qkv, wgmma)", product_flops(rows, layer(0).qkv), 0, [&](int i) {
      cuda::wgmma_qkv(ctx_, in, layer(i).qkv,
                      cuda::heads_of(batch_, layer(i), rope_, epsilon, i % layers, kv_,
                                     matrix_view<element>{queries_, {rows, shape.query_width()}}));
    });
    report(rows, "(swiglu)", 0, 6.0 * rows * shape.ffn, [&](int) {
      cuda::swiglu(ctx_, matrix_view<element const>{static_cast<element*>(projected), {rows, 2 * shape.ffn}},
                   hidden);
    });
    if (rows == most_rows_) {
      matrix_view<float> const logits{logits_, {1, shape.vocabulary}};
      batch_.shape.logit_rows = 1;
      report(1, "norm_head, 1 row", 0, 2.0 * shape.hidden * shape.vocabulary,
             [&](int) { cuda::norm_head<bf16>(ctx_, batch_, x, layer(0).ffn_norm, head_, epsilon, logits); });
    }
  }

  template <class Op>
  double report(std::int32_t rows, char const* name, double flops, double bytes, Op const& op) {
    double const expected = flops / 6e8 + bytes / 3e6;
    double const us = time_op(ctx_, expected, op);
    double const rate = flops > 0 ? flops / us * 1e-6 : bytes / us * 1e-3;
    char const* const unit = flops > 0 ? "TFLOP/s" : "GB/s";
    std::fprintf(stderr, "%-12s %6d  %-22s %9.1f us %8.0f %s\n", Model::name.data(), rows, name, us, rate,
                 unit);
    std::printf(
        R"({"benchmark": "cuda/prefill_ops", "model": "%s", "rows": %d, "op": "%s", "us": %.2f, "rate": %.1f, "unit": "%s", %s})"
        "\n",
        Model::name.data(), rows, name, us, rate, unit, benchmarks::device_report_once().c_str());
    return us;
  }

  void make_activations() {
    x_ = memory_.template random<float>(std::int64_t{most_rows_} * shape.hidden, 1.0f);
    queries_ = memory_.template random<element>(std::int64_t{most_rows_} * shape.query_width());
    hidden_ = memory_.template random<element>(std::int64_t{most_rows_} * shape.ffn);
  }

  void make_layers() {
    auto const matrix = [&](std::int64_t out, std::int64_t in) {
      return dense_matrix<element>{memory_.template random<element>(out * in, 0.02f),
                                   static_cast<std::int32_t>(out), static_cast<std::int32_t>(in)};
    };
    auto const vector = [&](std::int64_t count) {
      return vector_view<float const>{memory_.template random<float>(count, 0.1f, 1.0f), {count}};
    };
    for (auto& layer : layers_) {
      layer.attention_norm = vector(shape.hidden);
      layer.ffn_norm = vector(shape.hidden);
      layer.qkv = matrix(shape.qkv_width(), shape.hidden);
      if (shape.qkv_bias) layer.qkv_bias = vector(shape.qkv_width());
      if (shape.qk_norm) layer.query_norm = layer.key_norm = vector(shape.head_dim);
      layer.output = matrix(shape.hidden, shape.query_width());
      layer.gate_up = matrix(2 * shape.ffn, shape.hidden);
      layer.down = matrix(shape.hidden, shape.ffn);
    }
    head_ = matrix(shape.vocabulary, shape.hidden);
    logits_ = memory_.template random<float>(shape.vocabulary);
  }

  void make_batch() {
    constexpr std::int32_t page_tokens = 64;
    auto const tokens = static_cast<std::size_t>(most_rows_);
    std::vector<std::int32_t> positions(tokens), pages(tokens / page_tokens + 1), zeros(tokens);
    for (std::size_t i = 0; i < tokens; ++i) positions[i] = static_cast<std::int32_t>(i);
    for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<std::int32_t>(pages.size() - 1 - i);
    batch_.positions = memory_.copy(positions);
    batch_.token_rows = batch_.page_begin = batch_.rope_sets = batch_.logit_tokens = memory_.copy(zeros);
    batch_.table = memory_.copy(pages);
    rope_ = {memory_.template random<float>(std::int64_t{most_rows_} * shape.head_dim), most_rows_,
             shape.head_dim};
    kv_ = {nullptr, layers, shape.kv_heads, page_tokens};
    kv_.data = memory_.template random<element>(static_cast<std::int64_t>(pages.size()) * kv_.page_size());
  }

  cuda::context& ctx_;
  device_memory memory_;
  std::int32_t most_rows_;
  float* x_ = nullptr;
  element* queries_ = nullptr;
  element* hidden_ = nullptr;
  std::array<layer_weights<bf16>, layers> layers_{};
  dense_matrix<element> head_{};
  float* logits_ = nullptr;
  batch_view batch_{};
  rope_view rope_{};
  view kv_{};
};

template <class Model> void run_model(std::vector<std::int32_t> const& rows) {
  cuda::context ctx;
  bench<Model> measured{ctx, *std::max_element(rows.begin(), rows.end())};
  for (auto const count : rows) measured.run(count);
}

}  // namespace

int main(int argc, char** argv) {
  if (cuda::device_count() == 0) {
    std::fprintf(stderr, "no CUDA device\n");
    return 77;
  }
  std::vector<std::int32_t> rows;
  for (int i = 1; i < argc; ++i) rows.push_back(std::atoi(argv[i]));
  if (rows.empty()) rows = {16, 64, 128, 256, 512, 2048, 8192};
  run_model<qwen3_1_7b>(rows);
  run_model<qwen2_5_7b>(rows);
}
