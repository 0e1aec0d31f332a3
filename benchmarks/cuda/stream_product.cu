// SPDX-License-Identifier: Apache-2.0
// How fast few rows pass a model's projections, against plain reading of the same memory in the same run: the
// chain of a layer's four products (attention is left out) over the weights of 28 layers, as one graph, and
// each product in a chain of its own. Prints one JSON object a line.
//
//   stream_product [rounds]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/cuda/device_report.hpp"
#include "benchmarks/cuda/read_stream.cuh"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/few_rows_linear_residual.cuh"
#include "tenon/cuda/few_rows_norm_gate_up.cuh"
#include "tenon/cuda/few_rows_norm_head.cuh"
#include "tenon/cuda/few_rows_norm_qkv.cuh"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"

namespace {

using namespace tenon;
using precision = bf16;
using element = precision::activation;

constexpr std::int32_t most_rows = 8;
constexpr std::int32_t layers = 28;
constexpr float epsilon = 1e-6f;

struct usual : cuda::stream_tuning {
  static constexpr char const* name = "usual";
};
struct all_dealt : cuda::stream_tuning {
  static constexpr char const* name = "all dealt";
  static constexpr std::int32_t dealt = 100;
};
struct lines : cuda::stream_tuning {
  static constexpr char const* name = "16 bytes a lane";
  static constexpr bool bulk = false;
  static constexpr std::int32_t producers = 4;
};
struct serial : cuda::stream_tuning {
  static constexpr char const* name = "serial";
  static constexpr cuda::ordering order = cuda::ordering::serial;
};

/// Notes when blocks come to the moments of their lives, for one of the four products of a layer.
constexpr std::int32_t moments = 7;
constexpr std::int32_t most_blocks = 256;
__device__ std::uint64_t time_line[4][layers][most_blocks][moments];
__device__ std::int32_t launches[4][most_blocks];

struct named_timed : cuda::stream_tuning {
  static constexpr char const* name = "timed";
};

template <std::int32_t Op> struct timed : named_timed {
  static constexpr std::int32_t shared_bytes = cuda::stream_tuning::shared_bytes - 256;

  __device__ static void mark(cuda::stream_moment moment) {
    bool const produces = moment == cuda::stream_moment::filled || moment == cuda::stream_moment::issued;
    if (threadIdx.x != (produces ? cuda::consumer_threads : 0)) return;
    __shared__ std::int32_t launched;
    if (moment == cuda::stream_moment::started) launched = launches[Op][blockIdx.x] % layers;
    std::uint64_t now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    std::int32_t const launch = produces ? launches[Op][blockIdx.x] % layers : launched;
    time_line[Op][launch][blockIdx.x][static_cast<int>(moment)] = now;
    if (moment == cuda::stream_moment::stored) ++launches[Op][blockIdx.x];
  }
};

/// All weights of a model's layers, activations and a cache, filled with random numbers.
template <class Model> struct model_memory {
  static constexpr decoder_shape shape = Model::shape;
  using view = paged_view<element, shape.head_dim>;
  static constexpr std::int32_t page_tokens = 64;
  static constexpr std::int32_t pages_a_row = 16;

  cuda::context& ctx;
  std::vector<buffer<cuda::backend>> storage;
  std::vector<layer_weights<precision>> weights;
  dense_matrix<element> head;
  vector_view<float const> norm;
  matrix_view<float> x, logits;
  matrix_view<element> queries, hidden;
  rope_view rope;
  view kv;
  batch_view batch;

  explicit model_memory(cuda::context& on) : ctx{on} {
    norm = {floats(shape.hidden, 1.0f), {shape.hidden}};
    for (std::int32_t i = 0; i < layers; ++i) {
      layer_weights<precision> layer;
      layer.attention_norm = layer.ffn_norm = norm;
      layer.qkv = matrix(shape.qkv_width(), shape.hidden);
      if (shape.qkv_bias) layer.qkv_bias = {floats(shape.qkv_width(), 1.0f), {shape.qkv_width()}};
      if (shape.qk_norm) {
        layer.query_norm = layer.key_norm = {floats(shape.head_dim, 1.0f), {shape.head_dim}};
      }
      layer.output = matrix(shape.hidden, shape.query_width());
      layer.gate_up = matrix(2 * shape.ffn, shape.hidden);
      layer.down = matrix(shape.hidden, shape.ffn);
      weights.push_back(layer);
    }
    head = matrix(shape.vocabulary, shape.hidden);
    x = {floats(most_rows * shape.hidden, 1.0f), {most_rows, shape.hidden}};
    logits = {floats(most_rows * shape.vocabulary, 1.0f), {most_rows, shape.vocabulary}};
    queries = {values<element>(most_rows * shape.query_width(), 1.0f), {most_rows, shape.query_width()}};
    hidden = {values<element>(most_rows * shape.ffn, 1.0f), {most_rows, shape.ffn}};
    rope = {floats(page_tokens * pages_a_row * shape.head_dim, 1.0f), page_tokens * pages_a_row,
            shape.head_dim};
    kv = {nullptr, layers, shape.kv_heads, page_tokens};
    kv.data = values<element>(static_cast<std::size_t>(most_rows * pages_a_row * kv.page_size()), 1.0f);
    make_batch();
    scratch_sizes const sizes{.hidden = shape.hidden,
                              .ffn = shape.ffn,
                              .query_width = shape.query_width(),
                              .qkv_width = shape.qkv_width(),
                              .max_tokens = most_rows,
                              .max_rows = most_rows};
    storage.emplace_back(ctx, cuda::context::scratch_bytes(sizes));
    ctx.use_scratch(storage.back().data(), sizes);
    ctx.wait();
  }

  /// The first `rows` rows of the batch, one token each.
  batch_view rows_of_batch(std::int32_t rows) const {
    auto result = batch;
    result.shape = {.rows = rows, .decode_rows = rows, .tokens = rows, .logit_rows = rows};
    return result;
  }

  static double bytes(std::int64_t elements) { return 2.0 * static_cast<double>(elements) * layers; }
  static double qkv_bytes() { return bytes(std::int64_t{shape.qkv_width()} * shape.hidden); }
  static double output_bytes() { return bytes(std::int64_t{shape.hidden} * shape.query_width()); }
  static double gate_up_bytes() { return bytes(std::int64_t{2} * shape.ffn * shape.hidden); }
  static double down_bytes() { return bytes(std::int64_t{shape.hidden} * shape.ffn); }

 private:
  template <class T> T* values(std::size_t count, float scale) {
    storage.emplace_back(ctx, count * sizeof(T));
    auto* const result = reinterpret_cast<T*>(storage.back().data());
    benchmarks::fill_random(ctx, result, count, scale, static_cast<std::uint32_t>(storage.size()) * 0x9e37u);
    return result;
  }
  float* floats(std::int64_t count, float scale) {
    return values<float>(static_cast<std::size_t>(count), scale);
  }
  dense_matrix<element> matrix(std::int32_t out, std::int32_t in) {
    auto const count = static_cast<std::size_t>(out) * static_cast<std::size_t>(in);
    return {values<element>(count, 1.7f / std::sqrt(static_cast<float>(in))), out, in};
  }
  std::int32_t const* integers(std::vector<std::int32_t> const& host) {
    storage.emplace_back(ctx, host.size() * sizeof(std::int32_t));
    ctx.copy_in(storage.back().data(), host.data(), host.size() * sizeof(std::int32_t));
    return reinterpret_cast<std::int32_t const*>(storage.back().data());
  }
  void make_batch() {
    std::vector<std::int32_t> rows, positions, pages, table, zeros(most_rows, 0);
    for (std::int32_t row = 0; row < most_rows; ++row) {
      rows.push_back(row);
      positions.push_back((row * 37 + 500) % (page_tokens * pages_a_row));
      pages.push_back(row * pages_a_row);
    }
    for (std::int32_t i = 0; i < most_rows * pages_a_row; ++i) table.push_back(i);
    batch.token_rows = batch.logit_tokens = integers(rows);
    batch.positions = integers(positions);
    batch.page_begin = integers(pages);
    batch.rope_sets = integers(zeros);
    batch.table = integers(table);
  }
};

/// Microseconds of `enqueue`, replayed as a graph.
template <class F> double graph_microseconds(cuda::context& ctx, int rounds, F const& enqueue) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cuda::check(cudaStreamBeginCapture(ctx.stream(), cudaStreamCaptureModeThreadLocal));
  enqueue();
  cuda::check(cudaStreamEndCapture(ctx.stream(), &graph));
  cuda::check(cudaGraphInstantiate(&executable, graph, 0));
  auto const replay = [&] { cuda::check(cudaGraphLaunch(executable, ctx.stream())); };
  replay();
  double const time = benchmarks::device_milliseconds(ctx, rounds, replay) * 1e3;
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  return time;
}

struct report {
  double stream;
  std::string device;
  int rounds;

  void line(std::string_view model, char const* tuning, char const* what, std::int32_t rows, double bytes,
            double microseconds, bool served) const {
    double const rate = bytes / microseconds * 1e-3;
    if (!served) {
      std::fprintf(stderr, "%-12.*s %-20s %-8s rows %2d not served\n", static_cast<int>(model.size()),
                   model.data(), tuning, what, rows);
      return;
    }
    std::printf(
        "{\"benchmark\": \"cuda/stream_product\", \"model\": \"%.*s\", \"tuning\": \"%s\", \"what\": \"%s\", "
        "\"rows\": %d, \"us_a_layer\": %.2f, \"gb_s\": %.0f, \"of_stream\": %.3f, \"over_stream_us\": %.2f, "
        "\"stream_gb_s\": %.0f, %s}\n",
        static_cast<int>(model.size()), model.data(), tuning, what, rows, microseconds / layers, rate,
        rate / stream, (microseconds - bytes / stream * 1e-3) / layers, stream, device.c_str());
    std::fprintf(stderr, "%-12.*s %-20s %-8s rows %2d %8.2f us %6.0f GB/s %.3f  +%.2f us\n",
                 static_cast<int>(model.size()), model.data(), tuning, what, rows, microseconds / layers,
                 rate, rate / stream, (microseconds - bytes / stream * 1e-3) / layers);
  }
};

template <bool Each, class Tuning, class Output = Tuning, class GateUp = Tuning, class Down = Tuning,
          class Model>
void measure(model_memory<Model>& memory, report const& to, std::int32_t rows) {
  auto& ctx = memory.ctx;
  auto const batch = memory.rows_of_batch(rows);
  auto const in = memory.queries.first(rows);
  auto const hidden = memory.hidden.first(rows);
  bool served = true;
  auto const qkv = [&](std::int32_t i) {
    served &= cuda::few_rows_norm_qkv<precision, Tuning>(ctx, batch, memory.x, memory.weights[i], memory.rope,
                                                         epsilon, i, memory.kv, memory.queries);
  };
  auto const output = [&](std::int32_t i) {
    served &=
        cuda::few_rows_linear_residual<precision, Output>(ctx, in, memory.weights[i].output, memory.x, true);
  };
  auto const gate_up = [&](std::int32_t i) {
    served &=
        cuda::few_rows_norm_gate_up<precision, GateUp>(ctx, memory.x, memory.weights[i], epsilon, hidden);
  };
  auto const down = [&](std::int32_t i) {
    served &=
        cuda::few_rows_linear_residual<precision, Down>(ctx, hidden, memory.weights[i].down, memory.x, true);
  };
  auto const chain = [&](char const* what, double bytes, auto const&... ops) {
    served = true;
    double const time = graph_microseconds(ctx, to.rounds, [&] {
      for (std::int32_t i = 0; i < layers; ++i) (ops(i), ...);
    });
    to.line(Model::name, Tuning::name, what, rows, bytes, time, served);
  };
  using bytes = model_memory<Model>;
  chain("layer", bytes::qkv_bytes() + bytes::output_bytes() + bytes::gate_up_bytes() + bytes::down_bytes(),
        qkv, output, gate_up, down);
  if constexpr (Each) {
    chain("qkv", bytes::qkv_bytes(), qkv);
    chain("output", bytes::output_bytes(), output);
    chain("gate_up", bytes::gate_up_bytes(), gate_up);
    chain("down", bytes::down_bytes(), down);
    chain("head", bytes::bytes(std::int64_t{Model::shape.vocabulary} * Model::shape.hidden),
          [&](std::int32_t) {
            served &= cuda::few_rows_norm_head<precision, Tuning>(ctx, batch, memory.x, memory.norm,
                                                                  memory.head, epsilon, memory.logits);
          });
  }
}

/// Prints when each product's blocks came to each moment: the first, the mean and the last block, in
/// microseconds after the last block of the product before had stored its results; mean of the layers.
void print_time_line(std::string_view model, std::int32_t rows) {
  static std::uint64_t times[4][layers][most_blocks][moments];
  cuda::check(cudaMemcpyFromSymbol(times, time_line, sizeof(times)));
  char const* const ops[] = {"qkv", "output", "gate_up", "down"};
  char const* const names[] = {"started", "filled", "issued", "released", "prepared", "summed", "stored"};
  for (int op = 0; op < 4; ++op) {
    std::fprintf(stderr, "%-10.*s rows %d %-7s", static_cast<int>(model.size()), model.data(), rows, ops[op]);
    for (int moment = 0; moment < moments; ++moment) {
      double sums[3] = {};
      int counted = 0;
      for (int layer = 2; layer < layers; ++layer) {
        std::uint64_t end = 0;
        for (auto const& block : times[(op + 3) % 4][op == 0 ? layer - 1 : layer])
          end = std::max(end, block[6]);
        double least = 1e30, most = -1e30, mean = 0.0;
        int blocks = 0;
        for (auto const& block : times[op][layer]) {
          if (block[moment] == 0) continue;
          double const time = (static_cast<double>(block[moment]) - static_cast<double>(end)) * 1e-3;
          least = std::min(least, time), most = std::max(most, time), mean += time, ++blocks;
        }
        if (blocks == 0) continue;
        sums[0] += least, sums[1] += mean / blocks, sums[2] += most, ++counted;
      }
      if (counted == 0) continue;
      std::fprintf(stderr, " %s %.1f/%.1f/%.1f", names[moment], sums[0] / counted, sums[1] / counted,
                   sums[2] / counted);
    }
    std::fprintf(stderr, "\n");
  }
  void* address = nullptr;
  cuda::check(cudaGetSymbolAddress(&address, time_line));
  cuda::check(cudaMemset(address, 0, sizeof(time_line)));
}

template <class Model> void measure_model(cuda::context& ctx, report const& to) {
  model_memory<Model> memory{ctx};
  for (std::int32_t const rows : {1, 2, 4, 8}) measure<true, usual>(memory, to, rows);
  for (std::int32_t const rows : {1, 8}) {
    measure<false, all_dealt>(memory, to, rows);
    measure<false, lines>(memory, to, rows);
    measure<false, serial>(memory, to, rows);
    measure<false, timed<0>, timed<1>, timed<2>, timed<3>>(memory, to, rows);
    ctx.wait();
    print_time_line(Model::name, rows);
  }
  ctx.wait();
}

}  // namespace

int main(int argc, char** argv) {
  cuda::context ctx;
  report to{
      .stream = 0.0, .device = benchmarks::device_report(), .rounds = argc > 1 ? std::atoi(argv[1]) : 20};
  {
    std::size_t const bytes = std::size_t{8} << 30;
    buffer<cuda::backend> const memory{ctx, bytes};
    benchmarks::fill_random(ctx, reinterpret_cast<bf16_t*>(memory.data()), bytes / 2, 1.0f, 7);
    to.stream = benchmarks::read_stream(ctx, memory.data(), bytes);
    std::fprintf(stderr, "read stream %.0f GB/s, copy %.0f GB/s\n", to.stream,
                 benchmarks::copy_stream(ctx, memory.data(), bytes));
  }
  measure_model<qwen3_1_7b>(ctx, to);
  measure_model<qwen2_5_7b>(ctx, to);
}
