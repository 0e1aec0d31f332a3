// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/split_kv_decode.cuh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "conformance/attention_policy.hpp"
#include "cuda/device.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;

namespace {

using policy = tenon::split_kv_decode;

std::uint64_t seed() {
  char const* const given = std::getenv("TENON_TEST_SEED");
  return given == nullptr ? 20261122u : std::strtoull(given, nullptr, 10);
}

double scale() {
  char const* const given = std::getenv("TENON_TEST_SCALE");
  return given == nullptr ? 1.0 : std::strtod(given, nullptr);
}

struct device_context {
  static constexpr scratch_sizes sizes{.hidden = 64,
                                       .ffn = 64,
                                       .query_width = 3 * 8 * 128,
                                       .qkv_width = 64,
                                       .max_tokens = 64,
                                       .max_rows = 300};
  cuda::context ctx;
  buffer<cuda::backend> scratch{ctx, cuda::context::scratch_bytes(sizes)};

  device_context() { ctx.use_scratch(scratch.data(), sizes); }
};

std::vector<conformance::attention_row> rows_of_one_token(std::mt19937_64& random, std::int32_t longest) {
  std::vector<conformance::attention_row> rows(1 + random() % 70);
  std::int32_t id = 0;
  for (auto& row : rows) {
    auto const most = static_cast<std::uint64_t>(id % 3 == 0 ? longest : 70);
    row = {id++, static_cast<std::int32_t>(random() % most), 1};
  }
  return rows;
}

/// Rows of one token, and one row alone, against double precision, with pages of every size.
template <class P, std::int32_t HeadDim, std::int32_t Group, class Policy = policy>
void check_shape(cuda::context& ctx, std::mt19937_64& random, double error) {
  std::int32_t const longest = scale() < 0.5 ? 100 : 400;
  for (std::int32_t const page_tokens : {16, 32, 64, 128, 400, 7}) {
    conformance::attention_bench<Policy, cuda::backend, P, HeadDim, Group> bench{ctx, random()};
    auto const past = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(10 * longest));
    for (auto const& rows : {rows_of_one_token(random, longest), {{0, past, 1}}}) {
      auto const out = bench.run(rows, page_tokens);
      auto const expected = bench.expected(rows);
      double worst = 0.0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        double const difference = std::abs(static_cast<double>(static_cast<float>(out[i])) - expected[i]);
        worst = difference <= worst ? worst : difference;  // NaN wins
      }
      BOOST_TEST(worst <= error, "head_dim " << HeadDim << ", group " << Group << ", " << P::name
                                             << ", pages of " << page_tokens << ", " << rows.size()
                                             << " rows: error " << worst);
      auto const again = bench.run(rows, page_tokens);
      BOOST_TEST((std::memcmp(out.data(), again.data(), out.size() * sizeof(out[0])) == 0));
    }
  }
}

/// Stores what the step computes: the newest position of every row and head, `late` nanoseconds after it let
/// the kernel behind it start.
template <class Element, class View>
__global__ void store_newest(View cache, Element const* values, batch_view batch, std::int32_t heads,
                             std::int32_t late) {
  cuda::let_next_start();
  cuda::wait_for_previous();
  for (std::int32_t slept = 0; slept < late; slept += 1000) __nanosleep(1000);
  auto const row = static_cast<std::int32_t>(blockIdx.x);
  for (std::int32_t head = 0; head < heads; ++head) {
    auto const to = cache.run(batch, 0, row, head, batch.context[row] - 1);
    auto const from =
        static_cast<std::int64_t>(to.keys - cache.data) + static_cast<std::int32_t>(threadIdx.x);
    to.keys[threadIdx.x] = values[from];
    to.values[threadIdx.x] = values[from + (to.values - to.keys)];
  }
}

/// Queries, cache and batch of a fixed number of rows at fixed addresses, whose contexts change.
template <class Element, std::int32_t HeadDim, std::int32_t Group, std::int32_t KvHeads = 2>
class decode_step {
 public:
  static constexpr std::int32_t kv_heads = KvHeads;
  static constexpr std::int32_t page_tokens = 16;
  static constexpr std::int64_t width = kv_heads * Group * HeadDim;

  decode_step(cuda::context& ctx, std::int32_t rows, std::int32_t pages, std::uint64_t seed)
      : ctx_{ctx},
        rows_{rows},
        pages_{pages},
        cache_(static_cast<std::size_t>(pages) * 2 * kv_heads * page_tokens * HeadDim),
        queries_(static_cast<std::size_t>(rows * width)),
        plan_(policy::plan_words({.max_rows = rows})),
        memory_{ctx, 2 * (cache_.size() + 2 * queries_.size()) +
                         4 * (plan_.size() + static_cast<std::size_t>(2 * rows + pages)) + 16 * 256} {
    std::mt19937 random{static_cast<std::uint32_t>(seed)};
    for (auto& x : cache_) x = number(random);
    for (auto& x : queries_) x = number(random);
    carver carving{memory_.data(), memory_.size()};
    view_ = {carving.take<Element>(cache_.size()), 1, kv_heads, page_tokens};
    device_queries_ = carving.take<Element>(queries_.size());
    device_out_ = carving.take<Element>(queries_.size());
    device_plan_ = carving.take<std::int32_t>(plan_.size());
    device_page_begin_ = carving.take<std::int32_t>(static_cast<std::size_t>(rows));
    device_table_ = carving.take<std::int32_t>(static_cast<std::size_t>(pages));
    ctx.copy_in(view_.data, cache_.data(), 2 * cache_.size());
    ctx.copy_in(device_queries_, queries_.data(), 2 * queries_.size());
    ctx.clear(device_plan_, 4 * plan_.size());
  }

  void enqueue() {
    batch_view batch;
    batch.shape = {.rows = rows_, .decode_rows = rows_, .tokens = rows_};
    batch.plan = device_plan_;
    batch.page_begin = device_page_begin_;
    batch.table = device_table_;
    policy::run<Group>(ctx_, batch, layer_index{0}, view_, {device_queries_, {rows_, width}},
                       matrix_view<Element>{device_out_, {rows_, width}});
  }

  /// Plans and uploads these contexts, whose pages fit the cache, and makes the output NaN.
  void set(std::vector<std::int32_t> const& contexts, std::mt19937_64& random) {
    contexts_ = contexts;
    table_.resize(static_cast<std::size_t>(pages_));
    std::iota(table_.begin(), table_.end(), 0);
    std::shuffle(table_.begin(), table_.end(), random);
    page_begin_.clear();
    std::int32_t used = 0;
    for (auto const context : contexts) {
      page_begin_.push_back(used);
      used += (context + page_tokens - 1) / page_tokens;
    }
    BOOST_REQUIRE(used <= pages_);
    batch_view batch;
    batch.shape = {.rows = rows_, .decode_rows = rows_, .tokens = rows_};
    batch.context = contexts_.data();
    batch.page_begin = page_begin_.data();
    policy::plan(batch, plan_);
    ctx_.copy_in(device_plan_, plan_.data(), 4 * plan_.size());
    ctx_.copy_in(device_page_begin_, page_begin_.data(), 4 * page_begin_.size());
    ctx_.copy_in(device_table_, table_.data(), 4 * table_.size());
    cuda::check(cudaMemsetAsync(device_out_, 0xff, 2 * queries_.size(), ctx_.stream()));
  }

  /// As a step does: the newest position, NaN before, is stored by the kernel just ahead, and late.
  void enqueue_behind_store() {
    buffer<cuda::backend> const copy{ctx_, 2 * cache_.size()};
    buffer<cuda::backend> const context{ctx_, 4 * contexts_.size()};
    ctx_.copy_in(copy.data(), cache_.data(), 2 * cache_.size());
    ctx_.copy_in(context.data(), contexts_.data(), 4 * contexts_.size());
    batch_view host;
    host.page_begin = page_begin_.data();
    host.table = table_.data();
    for (std::int32_t row = 0; row < rows_; ++row) {
      for (std::int32_t head = 0; head < kv_heads; ++head) {
        auto const newest = view_.run(host, 0, row, head, contexts_[static_cast<std::size_t>(row)] - 1);
        cuda::check(cudaMemsetAsync(newest.keys, 0xff, 2 * HeadDim, ctx_.stream()));
        cuda::check(cudaMemsetAsync(newest.values, 0xff, 2 * HeadDim, ctx_.stream()));
      }
    }
    batch_view batch;
    batch.page_begin = device_page_begin_;
    batch.table = device_table_;
    batch.context = reinterpret_cast<std::int32_t const*>(context.data());
    cuda::launch<store_newest<Element, paged_view<Element, HeadDim>>>(
        ctx_, static_cast<unsigned>(rows_), HeadDim, 0, cuda::ordering::dependent, view_,
        reinterpret_cast<Element const*>(copy.data()), batch, kv_heads, std::int32_t{50000});
    enqueue();
    ctx_.wait();
  }

  std::vector<Element> out() {
    std::vector<Element> values(queries_.size());
    ctx_.copy_out(values.data(), device_out_, 2 * values.size());
    return values;
  }

  /// The largest difference from double precision, over some heads of every row.
  double error(std::vector<Element> const& found) const {
    double worst = 0.0;
    for (std::int32_t row = 0; row < rows_; ++row) {
      constexpr std::int32_t heads = kv_heads * Group;
      for (std::int32_t const head : {row % heads, (5 * row + heads / 2) % heads, heads - 1}) {
        auto const expected = expected_head(row, head);
        for (std::int32_t d = 0; d < HeadDim; ++d) {
          auto const i = static_cast<std::size_t>(row * width + head * HeadDim + d);
          double const difference = std::abs(static_cast<double>(static_cast<float>(found[i])) -
                                             expected[static_cast<std::size_t>(d)]);
          worst = difference <= worst ? worst : difference;
        }
      }
    }
    return worst;
  }

 private:
  static Element number(std::mt19937& random) {
    return round_to<Element>(static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-30f);
  }

  std::vector<double> expected_head(std::int32_t row, std::int32_t head) const {
    auto const r = static_cast<std::size_t>(row);
    Element const* const query = queries_.data() + row * width + head * HeadDim;
    auto host = view_;
    host.data = const_cast<Element*>(cache_.data());
    batch_view batch;
    batch.page_begin = page_begin_.data();
    batch.table = table_.data();
    std::vector<double> scores;
    for (std::int32_t p = 0; p < contexts_[r]; ++p) {
      auto const* const key = host.run(batch, 0, row, head / Group, p).keys;
      double dot = 0.0;
      for (std::int32_t d = 0; d < HeadDim; ++d) {
        dot += static_cast<double>(static_cast<float>(query[d])) *
               static_cast<double>(static_cast<float>(key[d]));
      }
      scores.push_back(dot / std::sqrt(static_cast<double>(HeadDim)));
    }
    double const largest = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    std::vector<double> sums(HeadDim);
    for (std::int32_t p = 0; p < contexts_[r]; ++p) {
      double const weight = std::exp(scores[static_cast<std::size_t>(p)] - largest);
      auto const* const value = host.run(batch, 0, row, head / Group, p).values;
      total += weight;
      for (std::int32_t d = 0; d < HeadDim; ++d) {
        sums[static_cast<std::size_t>(d)] += weight * static_cast<double>(static_cast<float>(value[d]));
      }
    }
    for (auto& sum : sums) sum /= total;
    return sums;
  }

  cuda::context& ctx_;
  std::int32_t rows_;
  std::int32_t pages_;
  std::vector<Element> cache_, queries_;
  std::vector<std::int32_t> contexts_, page_begin_, table_, plan_;
  buffer<cuda::backend> memory_;
  paged_view<Element, HeadDim> view_;
  Element* device_queries_;
  Element* device_out_;
  std::int32_t* device_plan_;
  std::int32_t* device_page_begin_;
  std::int32_t* device_table_;
};

/// A recorded step.
class recording {
 public:
  template <class F> recording(cuda::context& ctx, F const& enqueue) {
    cuda::check(cudaStreamBeginCapture(ctx.stream(), cudaStreamCaptureModeThreadLocal));
    enqueue();
    cudaGraph_t graph = nullptr;
    cuda::check(cudaStreamEndCapture(ctx.stream(), &graph));
    cuda::check(cudaGraphInstantiate(&executable_, graph, 0));
    cuda::check(cudaGraphDestroy(graph));
  }
  recording(recording const&) = delete;
  recording& operator=(recording const&) = delete;
  ~recording() { cudaGraphExecDestroy(executable_); }
  void launch(cuda::context& ctx) const { cuda::check(cudaGraphLaunch(executable_, ctx.stream())); }

 private:
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(split_kv_decode)

BOOST_AUTO_TEST_CASE(plans_units_of_every_row) {
  std::vector<std::int32_t> const contexts{1, 64, 65, 1000};
  std::vector<std::int32_t> const page_begin{0, 1, 5, 10};
  batch_view batch;
  batch.shape = {.rows = 4, .decode_rows = 4, .tokens = 4};
  batch.context = contexts.data();
  batch.page_begin = page_begin.data();
  std::vector<std::int32_t> words(policy::plan_words({.max_rows = 4}));
  policy::plan(batch, words);
  BOOST_TEST(
      words == (std::vector<std::int32_t>{0, 1, 0, 0, 1, 64, 1, 0, 2, 65, 5, 0, 4, 1000, 10, 0, 20, 0, 0, 0}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(deals_every_unit_once) {
  for (std::int32_t const workers : {1, 16, 396}) {
    for (std::int32_t const units : {0, 1, 15, 16, 17, 396, 397, 5000, 16384}) {
      for (std::int32_t const least : {1, 2, 16}) {
        auto const deal = split_kv_deal::among(workers, units, least);
        std::int32_t next = 0;
        for (std::int32_t worker = 0; worker < workers && deal.first_of(worker) < units; ++worker) {
          BOOST_TEST(deal.first_of(worker) == next);
          next = deal.end_of(worker);
          BOOST_TEST(deal.worker_of(next - 1) == worker);
        }
        BOOST_TEST(next == units);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(agrees_with_double_precision_for_every_head_shape) {
  if (!testing::has_device()) return;
  device_context device;
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed());
  std::mt19937_64 random{seed()};
  check_shape<bf16, 128, 1>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 2>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 3>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 4>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 5>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 6>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 7>(device.ctx, random, 0.005);
  check_shape<bf16, 128, 8>(device.ctx, random, 0.005);
  check_shape<fp16, 128, 7>(device.ctx, random, 0.001);
  check_shape<fp16, 128, 2>(device.ctx, random, 0.001);
  check_shape<fp16, 64, 1>(device.ctx, random, 0.001);
  check_shape<bf16, 64, 7>(device.ctx, random, 0.005);
}

struct narrow_blocks : cuda::split_kv_tuning {
  static constexpr std::int32_t warps = 4;
  static constexpr std::int32_t resident = 2;
};
struct small_groups_too : cuda::split_kv_beside_tuning {
  static constexpr std::int32_t prefetched = 4;
  static constexpr std::int32_t most_rows = 16;
  static constexpr std::int32_t least_group = 1;
};

BOOST_AUTO_TEST_CASE(agrees_with_double_precision_as_a_researcher_tunes_it) {
  if (!testing::has_device()) return;
  device_context device;
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed());
  std::mt19937_64 random{seed()};
  using tuned = tuned_split_kv_decode<narrow_blocks, small_groups_too>;
  check_shape<bf16, 128, 2, tuned>(device.ctx, random, 0.005);
}

BOOST_AUTO_TEST_CASE(one_recording_serves_every_batch_of_as_many_rows) {
  if (!testing::has_device()) return;
  device_context device;
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed());
  std::mt19937_64 random{seed()};
  decode_step<bf16_t, 128, 7> step{device.ctx, 5, 2000, seed()};
  step.enqueue();  // no plan yet: nothing is read or written
  device.ctx.wait();
  recording const recorded{device.ctx, [&] {
                             for (int i = 0; i < 3; ++i) step.enqueue();
                           }};
  std::vector<std::vector<std::int32_t>> const batches{
      {1, 1, 1, 1, 1},           {9000, 1, 1, 1, 1},       {1, 2, 3, 4, 20000},
      {64, 128, 640, 6400, 300}, {2000, 2000, 2000, 1, 1}, {700, 11, 8000, 64, 65},
      {16, 17, 15, 31, 33},      {1, 30000, 1, 1, 1},      {6000, 6100, 6200, 6300, 6400},
      {513, 1025, 2049, 4097, 1}};
  for (auto const& contexts : batches) {
    step.set(contexts, random);
    step.enqueue();
    auto const eager = step.out();
    double const worst = step.error(eager);
    BOOST_TEST(worst <= 0.005, "error " << worst << " with a context of " << contexts[0]);
    for (int i = 0; i < 5; ++i) recorded.launch(device.ctx);
    auto const replayed = step.out();
    BOOST_TEST((std::memcmp(eager.data(), replayed.data(), eager.size() * sizeof(eager[0])) == 0));
  }
}

/// Every context of `contexts`, alone and among others: one recording of so many rows serves them all.
template <class Element, std::int32_t HeadDim, std::int32_t Group, std::int32_t KvHeads>
void check_few_rows(cuda::context& ctx, std::mt19937_64& random, std::int32_t rows, double error) {
  std::vector<std::int32_t> const contexts{1,   15,   16,   17,   63,   64,   65,   300,  511,  512,
                                           513, 1024, 1500, 2047, 2048, 2049, 4096, 8191, 8192, 20000};
  decode_step<Element, HeadDim, Group, KvHeads> step{ctx, rows, 1300 + 100 * rows, seed()};
  step.enqueue();
  ctx.wait();
  recording const recorded{ctx, [&] {
                             for (int i = 0; i < 3; ++i) step.enqueue();
                           }};
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    std::vector<std::int32_t> chosen(static_cast<std::size_t>(rows), contexts[i]);
    for (std::size_t row = 1; row < chosen.size(); ++row) {
      if (contexts[i] > 2049 || i % 2 == 0) chosen[row] = contexts[random() % 13];
    }
    std::shuffle(chosen.begin(), chosen.end(), random);
    step.set(chosen, random);
    step.enqueue();
    auto const eager = step.out();
    double const worst = step.error(eager);
    BOOST_TEST(worst <= error, "error " << worst << " of " << rows << " rows with a context of "
                                        << contexts[i] << ", group " << Group << ", " << KvHeads << " heads");
    for (int repeat = 0; repeat < 4; ++repeat) recorded.launch(ctx);
    auto const replayed = step.out();
    BOOST_TEST((std::memcmp(eager.data(), replayed.data(), eager.size() * sizeof(eager[0])) == 0));
  }
}

BOOST_AUTO_TEST_CASE(serves_few_rows_of_every_context) {
  if (!testing::has_device()) return;
  device_context device;
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed());
  std::mt19937_64 random{seed()};
  for (std::int32_t const rows : {1, 2, 4, 8}) {
    check_few_rows<bf16_t, 128, 2, 8>(device.ctx, random, rows, 0.005);
    check_few_rows<bf16_t, 128, 7, 4>(device.ctx, random, rows, 0.005);
  }
  for (std::int32_t const rows : {1, 3}) {
    check_few_rows<f16_t, 64, 1, 1>(device.ctx, random, rows, 0.001);
    check_few_rows<f16_t, 64, 5, 3>(device.ctx, random, rows, 0.001);
    check_few_rows<bf16_t, 128, 8, 16>(device.ctx, random, rows, 0.005);
    check_few_rows<bf16_t, 64, 4, 2>(device.ctx, random, rows, 0.005);
  }
}

template <std::int32_t Group, std::int32_t KvHeads>
void check_behind_store(cuda::context& ctx, std::mt19937_64& random) {
  for (std::int32_t const rows : {1, 2, 9}) {
    decode_step<bf16_t, 128, Group, KvHeads> step{ctx, rows, 2000, seed()};
    for (std::int32_t const context : {1, 16, 17, 64, 65, 500, 3000}) {
      step.set(std::vector<std::int32_t>(static_cast<std::size_t>(rows), context), random);
      step.enqueue_behind_store();
      double const worst = step.error(step.out());
      BOOST_TEST(worst <= 0.005,
                 "error " << worst << " of " << rows << " rows at " << context << ", group " << Group);
    }
  }
}

BOOST_AUTO_TEST_CASE(reads_the_newest_position_after_the_kernel_ahead_has_stored_it) {
  if (!testing::has_device()) return;
  device_context device;
  std::mt19937_64 random{seed()};
  check_behind_store<2, 8>(device.ctx, random);
  check_behind_store<7, 4>(device.ctx, random);
}

template <std::int32_t Group> void check_long_contexts(cuda::context& ctx, std::mt19937_64& random) {
  decode_step<bf16_t, 128, Group> step{ctx, 1, 8192, seed()};
  for (std::int32_t const context : {131072, 131071, 100001}) {
    step.set({context}, random);
    step.enqueue();
    double const worst = step.error(step.out());
    BOOST_TEST(worst <= 0.005, "error " << worst << " with a context of " << context << ", group " << Group);
  }
}

BOOST_AUTO_TEST_CASE(serves_contexts_of_131072_and_many_rows) {
  if (!testing::has_device()) return;
  device_context device;
  std::mt19937_64 random{seed()};
  check_long_contexts<2>(device.ctx, random);
  check_long_contexts<7>(device.ctx, random);
  decode_step<bf16_t, 128, 2> step{device.ctx, 300, 9000, seed()};
  for (int round = 0; round < 3; ++round) {
    std::vector<std::int32_t> contexts(300);
    for (auto& context : contexts) context = 1 + static_cast<std::int32_t>(random() % 450);
    step.set(contexts, random);
    step.enqueue();
    double const worst = step.error(step.out());
    BOOST_TEST(worst <= 0.005, "error " << worst << " with 300 rows");
  }
}

BOOST_AUTO_TEST_CASE(refuses_rows_of_several_tokens) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  batch_view batch;
  batch.shape = {.rows = 2, .decode_rows = 1, .tokens = 9};
  paged_view<bf16_t, 128> const view{nullptr, 1, 1, 16};
  BOOST_CHECK_THROW(
      (policy::run<1>(ctx, batch, layer_index{0}, view, matrix_view<bf16_t const>{nullptr, {9, 128}},
                      matrix_view<bf16_t>{nullptr, {9, 128}})),
      options_error);
}

BOOST_AUTO_TEST_SUITE_END()
