// SPDX-License-Identifier: Apache-2.0
// Decode attention beside a read of as many bytes: microseconds a layer, replayed from a CUDA graph, over the
// caches of as many layers as a model has, so that no layer finds its keys and values in the second-level
// cache.
//
//   split_kv_decode [gigabytes of cache] [file for JSON lines]

#include "tenon/attention/split_kv_decode.cuh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/cuda/device_report.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cuda/backend.hpp"

namespace {

using namespace tenon;

constexpr std::int32_t layers = 28;
constexpr std::int32_t head_dim = 128;

/// The policy as it is.
struct as_picked {
  static constexpr char const* name = "policy";
  template <std::int32_t Group, class View, class Element>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                  matrix_view<Element const> queries, matrix_view<Element> out) {
    split_kv_decode::run<Group>(ctx, batch, layer, kv, queries, out);
  }
};

/// Its kernel with another tuning.
template <class Tuning> struct tuned {
  template <std::int32_t Group, class View, class Element>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                  matrix_view<Element const> queries, matrix_view<Element> out) {
    cuda::launch_split_kv<Group, Tuning>(ctx, batch, layer, kv, queries, out,
                                         Tuning::resident * ctx.properties().multiprocessors);
  }
};

struct two_small_blocks : cuda::split_kv_tuning {
  static constexpr std::int32_t warps = 4;
  static constexpr std::int32_t resident = 2;
};

__global__ void fill(std::uint32_t* words, std::size_t count) {
  for (std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x; i < count;
       i += std::size_t{gridDim.x} * blockDim.x) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 0x9e3779b9u + 0x7f4a7c15u;
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    words[i] = (x & 0x807f807fu) | 0x3f003f00u;  // bf16 of size 0.5 to 1
  }
}

__global__ void read_all(uint4 const* words, std::size_t count, std::uint32_t* sink) {
  std::uint32_t sum = 0;
  std::size_t const stride = std::size_t{gridDim.x} * blockDim.x;
  std::size_t i = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  for (; i + 7 * stride < count; i += 8 * stride) {
    uint4 read[8];
#pragma unroll
    for (std::size_t k = 0; k < 8; ++k) read[k] = cuda::load_streaming(words + i + k * stride);
#pragma unroll
    for (int k = 0; k < 8; ++k) sum ^= read[k].x ^ read[k].y ^ read[k].z ^ read[k].w;
  }
  if (sum == 0x12345678u) *sink = sum;
}

class timer {
 public:
  explicit timer(cuda::context& ctx) : ctx_{ctx} {
    for (auto& event : events_) cuda::check(cudaEventCreate(&event));
  }
  timer(timer const&) = delete;
  timer& operator=(timer const&) = delete;
  ~timer() {
    for (auto event : events_) cudaEventDestroy(event);
  }

  /// Median microseconds of `work`, over `samples` runs.
  template <class F> double median(int samples, F const& work) {
    std::vector<float> taken;
    work();
    for (int i = 0; i < samples; ++i) {
      cuda::check(cudaEventRecord(events_[0], ctx_.stream()));
      work();
      cuda::check(cudaEventRecord(events_[1], ctx_.stream()));
      cuda::check(cudaEventSynchronize(events_[1]));
      float milliseconds = 0.0f;
      cuda::check(cudaEventElapsedTime(&milliseconds, events_[0], events_[1]));
      taken.push_back(milliseconds * 1000.0f);
    }
    std::nth_element(taken.begin(), taken.begin() + samples / 2, taken.end());
    return static_cast<double>(taken[static_cast<std::size_t>(samples / 2)]);
  }

 private:
  cuda::context& ctx_;
  cudaEvent_t events_[2]{};
};

class bench {
 public:
  bench(std::size_t cache_bytes, std::FILE* json)
      : memory_{ctx_, cache_bytes},
        scratch_{ctx_, cuda::context::scratch_bytes(sizes)},
        small_{ctx_, std::size_t{64} << 20},
        timer_{ctx_},
        json_{json} {
    ctx_.use_scratch(scratch_.data(), sizes);
    fill<<<1024, 512, 0, ctx_.stream()>>>(reinterpret_cast<std::uint32_t*>(memory_.data()),
                                          memory_.size() / 4);
    cuda::check(cudaGetLastError());
    std::size_t const bytes = std::min(memory_.size(), std::size_t{8} << 30);
    double const us = timer_.median(7, [&] {
      read_all<<<132 * 8, 512, 0, ctx_.stream()>>>(reinterpret_cast<uint4*>(memory_.data()), bytes / 16,
                                                   reinterpret_cast<std::uint32_t*>(small_.data()));
    });
    stream_ = static_cast<double>(bytes) / us * 1e-3;
    std::printf("%s, read stream %.0f GB/s of %zu bytes\n", ctx_.properties().name.c_str(), stream_, bytes);
    print("{\"benchmark\": \"attention/read_stream\", \"read_gb_s\": %.1f, %s}\n", stream_,
          benchmarks::device_report_once().c_str());
  }

  template <std::int32_t Group, class Kernel>
  void run(char const* kernel, std::int32_t kv_heads, std::int32_t rows, std::int32_t context,
           std::int32_t page_tokens) {
    std::int32_t const row_pages = (context + page_tokens - 1) / page_tokens;
    using view_type = paged_view<bf16_t, head_dim>;
    view_type const kv{reinterpret_cast<bf16_t*>(memory_.data()), layers, kv_heads, page_tokens};
    auto const bytes =
        2 * static_cast<std::size_t>(kv.page_size()) * static_cast<std::size_t>(rows * row_pages);
    if (bytes > memory_.size()) return;
    auto const batch = upload(rows, context, row_pages);
    std::int64_t const width = kv_heads * Group * head_dim;
    auto* const queries = reinterpret_cast<bf16_t*>(memory_.data());  // any random numbers
    auto* const out = reinterpret_cast<bf16_t*>(small_.data() + (std::size_t{32} << 20));
    int const rounds = std::clamp(static_cast<int>(3e9 / static_cast<double>(bytes)), 1, 8);
    auto const enqueue = [&] {
      for (std::int32_t i = 0; i < layers * rounds; ++i) {
        Kernel::template run<Group>(ctx_, batch, layer_index{i % layers}, kv,
                                    matrix_view<bf16_t const>{queries, {rows, width}},
                                    matrix_view<bf16_t>{out, {rows, width}});
      }
    };
    enqueue();
    cudaGraphExec_t const graph = record(enqueue);
    double const us =
        timer_.median(9, [&] { cuda::check(cudaGraphLaunch(graph, ctx_.stream())); }) / rounds / layers;
    cuda::check(cudaGraphExecDestroy(graph));
    double const layer_bytes = 2.0 * head_dim * 2 * kv_heads * rows * context;
    double const rate = layer_bytes / us * 1e-3;
    std::printf("%-12s %d x %d  rows %3d  context %6d  pages %3d  %8.2f us  %6.0f GB/s  %4.0f %%\n", kernel,
                kv_heads, Group, rows, context, page_tokens, us, rate, 100 * rate / stream_);
    print(
        "{\"kernel\": \"%s\", \"kv_heads\": %d, \"group\": %d, \"rows\": %d, \"context\": %d, "
        "\"page_tokens\": %d, "
        "\"us_a_layer\": %.3f, \"gb_s\": %.1f, \"of_read_stream\": %.3f, %s}\n",
        kernel, kv_heads, Group, rows, context, page_tokens, us, rate, rate / stream_,
        benchmarks::device_report_once().c_str());
  }

 private:
  static constexpr scratch_sizes sizes{
      .hidden = 64, .ffn = 64, .query_width = 28 * 128, .qkv_width = 64, .max_tokens = 256, .max_rows = 256};

  template <class... Values> void print(char const* format, Values... values) {
    if (json_ != nullptr) std::fprintf(json_, format, values...);
  }

  /// Rows of one context, whose pages lie in random order.
  batch_view upload(std::int32_t rows, std::int32_t context, std::int32_t row_pages) {
    std::vector<std::int32_t> contexts(static_cast<std::size_t>(rows), context);
    std::vector<std::int32_t> begin(contexts.size());
    for (std::int32_t row = 0; row < rows; ++row) begin[static_cast<std::size_t>(row)] = row * row_pages;
    std::vector<std::int32_t> table(static_cast<std::size_t>(rows * row_pages));
    std::iota(table.begin(), table.end(), 0);
    std::shuffle(table.begin(), table.end(), std::mt19937{1});
    batch_view batch;
    batch.shape = {.rows = rows, .decode_rows = rows, .tokens = rows};
    batch.context = contexts.data();
    batch.page_begin = begin.data();
    std::vector<std::int32_t> plan(split_kv_decode::plan_words({.max_rows = rows}));
    split_kv_decode::plan(batch, plan);
    carver carving{small_.data(), small_.size()};
    auto const place = [&](std::vector<std::int32_t> const& values) {
      auto* const device = carving.take<std::int32_t>(values.size());
      ctx_.copy_in(device, values.data(), values.size() * 4);
      return device;
    };
    batch.context = place(contexts);
    batch.page_begin = place(begin);
    batch.plan = place(plan);
    batch.table = place(table);
    return batch;
  }

  template <class F> cudaGraphExec_t record(F const& enqueue) {
    cuda::check(cudaStreamBeginCapture(ctx_.stream(), cudaStreamCaptureModeThreadLocal));
    enqueue();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    cuda::check(cudaStreamEndCapture(ctx_.stream(), &graph));
    cuda::check(cudaGraphInstantiate(&executable, graph, 0));
    cuda::check(cudaGraphDestroy(graph));
    return executable;
  }

  cuda::context ctx_;
  buffer<cuda::backend> memory_;
  buffer<cuda::backend> scratch_;
  buffer<cuda::backend> small_;
  timer timer_;
  std::FILE* json_;
  double stream_ = 0.0;
};

/// Every size that fits, for the head shapes of Qwen3-1.7B and Qwen2.5-7B.
template <class Kernel> void run_sizes(bench& on, char const* kernel, bool brief) {
  for (std::int32_t const context : {512, 1024, 2048, 8192, 32768}) {
    for (std::int32_t const rows : {1, 8, 64, 256}) {
      for (std::int32_t const page_tokens : {16, 64}) {
        if (brief && (page_tokens == 64 || context == 512 || context == 32768 || rows == 256)) continue;
        on.run<2, Kernel>(kernel, 8, rows, context, page_tokens);
        on.run<7, Kernel>(kernel, 4, rows, context, page_tokens);
      }
    }
  }
}

}  // namespace

int main(int argc, char* argv[]) {
  double const gigabytes = argc > 1 ? std::atof(argv[1]) : 62.0;
  std::FILE* const json = argc > 2 ? std::fopen(argv[2], "w") : nullptr;
  {
    bench on{static_cast<std::size_t>(gigabytes * 1e9) / 4096 * 4096, json};
    run_sizes<as_picked>(on, as_picked::name, false);
    run_sizes<tuned<two_small_blocks>>(on, "4 warps x 2", true);
  }
  if (json != nullptr) std::fclose(json);
  return 0;
}
