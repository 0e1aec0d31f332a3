// SPDX-License-Identifier: Apache-2.0
// Prefill attention of one layer: one sequence in one chunk, and the last chunk of 512 tokens of a long one,
// pages in random order. Prints one JSON object a line: median microseconds, TFLOP/s of the causal products
// alone, and the largest error of some random outputs against double precision.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/cuda/device_report.hpp"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/attention/wgmma_prefill.cuh"
#include "tenon/backend/buffer.hpp"
#include "tenon/cuda/backend.hpp"

namespace {

using namespace tenon;

constexpr std::int32_t head_dim = 128;
using element = bf16_t;
using view_type = paged_view<element, head_dim>;

/// Numbers of mean 0 and deviation 1.
__global__ void fill(element* numbers, std::size_t count, std::uint64_t seed) {
  std::size_t const stride = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    std::uint64_t word = (i + 1) * 0x9e37'79b9'7f4a'7c15u + seed;
    word = (word ^ (word >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    word = (word ^ (word >> 27)) * 0x94d0'49bb'1331'11ebu;
    float sum = 0.0f;
    for (int part = 0; part < 64; part += 16) sum += static_cast<float>((word >> part) & 0xffffu);
    numbers[i] = cuda::element_traits<element>::round((sum - 2.0f * 65535.0f) * (1.7320508f / 65536.0f));
  }
}

struct problem {
  std::int32_t kv_heads, group, length, chunk, page_tokens;
};

/// One row of a batch, its cache and its queries, in device memory.
class bench {
 public:
  explicit bench(problem const& of)
      : of_{of},
        pages_{(of.length + of.page_tokens - 1) / of.page_tokens},
        width_{std::int64_t{of.kv_heads} * of.group * head_dim},
        view_{nullptr, 1, of.kv_heads, of.page_tokens},
        cache_{ctx_, static_cast<std::size_t>(pages_ * view_.page_size()) * sizeof(element)},
        queries_{ctx_, static_cast<std::size_t>(of.chunk * width_) * sizeof(element)},
        out_{ctx_, queries_.size()},
        scratch_{ctx_, cuda::context::scratch_bytes(sizes)} {
    ctx_.use_scratch(scratch_.data(), sizes);
    view_.data = reinterpret_cast<element*>(cache_.data());
    fill<<<1024, 256, 0, ctx_.stream()>>>(view_.data, cache_.size() / sizeof(element), 1);
    fill<<<1024, 256, 0, ctx_.stream()>>>(reinterpret_cast<element*>(queries_.data()),
                                          queries_.size() / sizeof(element), 2);
    cudaMemsetAsync(out_.data(), 0xff, out_.size(), ctx_.stream());  // no numbers
    table_.resize(static_cast<std::size_t>(pages_));
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), std::mt19937_64{3});
    positions_.resize(static_cast<std::size_t>(of.chunk));
    std::iota(positions_.begin(), positions_.end(), of.length - of.chunk);
    row_begin_ = {0, of.chunk};
    context_ = {of.length};
  }

  template <class Attention, std::int32_t Group> void measure() {
    batch_view batch = host_batch();
    std::vector<std::int32_t> words(Attention::plan_words({1, of_.chunk, of_.length, of_.page_tokens}));
    Attention::plan(batch, words);
    buffer<cuda::backend> memory{ctx_, (words.size() + table_.size()) * 4 + 512};
    carver carving{memory.data(), memory.size()};
    batch.plan = upload(carving, words);
    batch.table = upload(carving, table_);
    auto const run = [&] {
      Attention::template run<Group>(ctx_, batch, layer_index{0}, view_,
                                     {reinterpret_cast<element const*>(queries_.data()), {of_.chunk, width_}},
                                     {reinterpret_cast<element*>(out_.data()), {of_.chunk, width_}});
    };
    double const microseconds = median_microseconds(run);
    double const products = 4.0 * static_cast<double>(width_) * visible_positions();
    std::printf(
        "{\"benchmark\": \"attention/paged_prefill\", \"policy\": \"%s\", \"query_heads\": %d, \"kv_heads\": "
        "%d, "
        "\"head_dim\": %d, \"length\": %d, \"chunk\": %d, \"page_tokens\": %d, \"us\": %.1f, \"tflop_s\": "
        "%.1f, "
        "\"error\": %.5f, %s}\n",
        std::string{Attention::name}.c_str(), of_.kv_heads * of_.group, of_.kv_heads, head_dim, of_.length,
        of_.chunk, of_.page_tokens, microseconds, products / microseconds * 1e-6, error(),
        benchmarks::device_report_once().c_str());
    std::fflush(stdout);
  }

 private:
  batch_view host_batch() const {
    static constexpr std::int32_t zero = 0;
    batch_view batch;
    batch.shape = {.rows = 1, .decode_rows = 0, .tokens = of_.chunk};
    batch.positions = positions_.data();
    batch.row_begin = row_begin_.data();
    batch.context = context_.data();
    batch.page_begin = &zero;
    return batch;
  }

  std::int32_t const* upload(carver& carving, std::vector<std::int32_t> const& words) {
    auto* const device = carving.take<std::int32_t>(words.size());
    ctx_.copy_in(device, words.data(), words.size() * sizeof(std::int32_t));
    return device;
  }

  double visible_positions() const {
    double sum = 0.0;
    for (auto const position : positions_) sum += position + 1;
    return sum;
  }

  /// Of one run, when several follow each other without a pause.
  template <class Run> double median_microseconds(Run const& run) {
    cudaEvent_t begin, end;
    cuda::check(cudaEventCreate(&begin));
    cuda::check(cudaEventCreate(&end));
    std::vector<double> times;
    int runs = 1;
    for (int round = -2; round < 7; ++round) {
      cuda::check(cudaEventRecord(begin, ctx_.stream()));
      for (int i = 0; i < runs; ++i) run();
      cuda::check(cudaEventRecord(end, ctx_.stream()));
      cuda::check(cudaEventSynchronize(end));
      float milliseconds = 0.0f;
      cuda::check(cudaEventElapsedTime(&milliseconds, begin, end));
      if (round == -1) runs = std::clamp(static_cast<int>(10.0f / milliseconds), 1, 100);
      if (round >= 0) times.push_back(1e3 * milliseconds / runs);
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    std::nth_element(times.begin(), times.begin() + 3, times.end());
    return times[3];
  }

  double error() {
    std::vector<element> queries(queries_.size() / sizeof(element)), out(queries.size());
    std::vector<element> cache(cache_.size() / sizeof(element));
    ctx_.copy_out(queries.data(), queries_.data(), queries_.size());
    ctx_.copy_out(out.data(), out_.data(), out_.size());
    ctx_.copy_out(cache.data(), cache_.data(), cache_.size());
    auto view = view_;
    view.data = cache.data();
    batch_view batch = host_batch();
    batch.table = table_.data();
    std::mt19937_64 random{4};
    double worst = 0.0;
    for (int sample = 0; sample < 24; ++sample) {
      auto const token = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(of_.chunk));
      auto const head =
          static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(of_.kv_heads * of_.group));
      std::size_t const at = static_cast<std::size_t>(token * width_ + head * head_dim);
      auto const expected = attend(batch, view, queries.data() + at, head / of_.group,
                                   positions_[static_cast<std::size_t>(token)] + 1);
      for (std::size_t d = 0; d < head_dim; ++d) {
        double const difference =
            std::abs(static_cast<double>(static_cast<float>(out[at + d])) - expected[d]);
        worst = difference <= worst ? worst : difference;  // what is no number wins
      }
    }
    return worst;
  }

  static std::vector<double> attend(batch_view const& batch, view_type const& view, element const* query,
                                    std::int32_t kv_head, std::int32_t context) {
    std::vector<double> weights;
    for (std::int32_t p = 0; p < context; ++p) {
      element const* const key = view.run(batch, 0, 0, kv_head, p).keys;
      float score = 0.0f;  // of exact products: the error is far below that of 16 bits
      for (std::int32_t d = 0; d < head_dim; ++d)
        score += static_cast<float>(query[d]) * static_cast<float>(key[d]);
      weights.push_back(static_cast<double>(score) / std::sqrt(static_cast<double>(head_dim)));
    }
    double const largest = *std::max_element(weights.begin(), weights.end());
    double total = 0.0;
    std::vector<double> sums(head_dim);
    for (std::int32_t p = 0; p < context; ++p) {
      double const weight = std::exp(weights[static_cast<std::size_t>(p)] - largest);
      element const* const value = view.run(batch, 0, 0, kv_head, p).values;
      total += weight;
      for (std::size_t d = 0; d < head_dim; ++d)
        sums[d] += weight * static_cast<double>(static_cast<float>(value[d]));
    }
    for (auto& sum : sums) sum /= total;
    return sums;
  }

  static constexpr scratch_sizes sizes{.hidden = 64,
                                       .ffn = 64,
                                       .query_width = 28 * head_dim,
                                       .qkv_width = 64,
                                       .max_tokens = 64,
                                       .max_rows = 1};

  problem of_;
  cuda::context ctx_;
  std::int32_t pages_;
  std::int64_t width_;
  view_type view_;
  buffer<cuda::backend> cache_, queries_, out_, scratch_;
  std::vector<std::int32_t> table_, positions_, row_begin_, context_;
};

template <std::int32_t Group> void measure_heads(std::int32_t kv_heads) {
  for (std::int32_t const page_tokens : {16, 64, 32768}) {
    for (auto const& [length, chunk] :
         {std::pair{512, 512}, {2048, 2048}, {8192, 8192}, {32768, 32768}, {8192, 512}, {32768, 512}}) {
      if (page_tokens != 16 && length != 8192) continue;
      bench run{{kv_heads, Group, length, chunk, page_tokens}};
      run.measure<wgmma_prefill, Group>();
      if (page_tokens == 16) run.measure<paged_prefill, Group>();
    }
  }
}

}  // namespace

int main() {
  measure_heads<2>(8);
  measure_heads<7>(4);
}
