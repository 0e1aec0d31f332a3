// SPDX-License-Identifier: Apache-2.0
// Microseconds of sampling a batch on the device, by rows, parameters and shape of the logits: the time of
// one launch in a CUDA graph of many. Prints one JSON object a line, then a table.

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/cuda/device_report.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/sampling/block_greedy.cuh"
#include "tenon/sampling/block_top_p.cuh"

namespace {

using namespace tenon;

struct settings {
  std::int32_t vocabulary = 151936;
  int launches = 20;
  int rounds = 15;
  bool sweep = false;
};

/// The blocks of a row meet through global memory, as on devices without clusters.
struct linked_top_p : block_top_p {
  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    run_teams<block_sampling::counter_team>(ctx, batch, logits, state, out, state.linked_rows);
  }
};

template <int Blocks> struct swept_greedy : block_greedy {
  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    run_with(ctx, batch, logits, state, out, Blocks);
  }
};

template <class T> T* at(buffer<cuda::backend> const& memory) {
  return reinterpret_cast<T*>(memory.data());
}

/// Logits like a model's: most of them far below a few dozen, or a plain normal distribution.
std::vector<float> make_logits(settings const& with, std::int32_t rows, bool peaked) {
  std::mt19937_64 random{1};
  std::normal_distribution<float> normal{peaked ? -2.0f : 0.0f, 2.5f};
  auto const vocabulary = static_cast<std::size_t>(with.vocabulary);
  std::vector<float> logits(static_cast<std::size_t>(rows) * vocabulary);
  std::size_t const distinct = std::min(logits.size(), 8 * vocabulary);
  for (std::size_t i = 0; i < distinct; ++i) logits[i] = normal(random);
  for (std::size_t i = distinct; i < logits.size(); ++i) logits[i] = logits[i - distinct + 131];
  for (std::size_t row = 0; peaked && row < static_cast<std::size_t>(rows); ++row) {
    for (int i = 0; i < 60; ++i) {
      logits[row * vocabulary + random() % vocabulary] = 8.0f + static_cast<float>(random() % 1200) * 0.01f;
    }
  }
  return logits;
}

/// `rows` rows with the same parameters, in device memory.
template <class Sampler> class sampled_rows {
 public:
  sampled_rows(settings const& with, cuda::context& context, std::int32_t rows, sampling_row row,
               std::vector<float> const& logits)
      : with_{with}, context_{context}, rows_{rows} {
    carver counting;
    Sampler::make_state(counting, rows + 1, with.vocabulary);
    state_memory_ = upload(std::vector<char>(std::max<std::size_t>(counting.used(), 1)));
    carver placing{state_memory_.data(), state_memory_.size()};
    state_ = Sampler::make_state(placing, rows + 1, with.vocabulary);
    std::vector<sampling_row> all(static_cast<std::size_t>(rows), row);
    for (std::int32_t i = 0; i < rows; ++i) {
      auto& one = all[static_cast<std::size_t>(i)];
      one.slot = one.logit_row = i;
      one.position = i;
    }
    row_memory_ = upload(all);
    logit_memory_ = upload(logits);
    table_memory_ = upload(std::vector<std::int32_t>(64, 7));
    slot_memory_ = upload(std::vector<token_id>(static_cast<std::size_t>(rows) + 1));
    out_memory_ = upload(std::vector<float>(static_cast<std::size_t>(rows) * (2 + 2 * max_logprobs)));
  }

  /// Of one launch; the median of the rounds.
  double microseconds() {
    run();
    context_.wait();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    cuda::check(cudaStreamBeginCapture(context_.stream(), cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < with_.launches; ++i) run();
    cuda::check(cudaStreamEndCapture(context_.stream(), &graph));
    cuda::check(cudaGraphInstantiate(&executable, graph, 0));
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    cuda::check(cudaEventCreate(&begin));
    cuda::check(cudaEventCreate(&end));
    std::vector<float> times;
    for (int round = -2; round < with_.rounds; ++round) {
      cuda::check(cudaEventRecord(begin, context_.stream()));
      cuda::check(cudaGraphLaunch(executable, context_.stream()));
      cuda::check(cudaEventRecord(end, context_.stream()));
      context_.wait();
      float milliseconds = 0.0f;
      cuda::check(cudaEventElapsedTime(&milliseconds, begin, end));
      if (round >= 0) times.push_back(milliseconds);
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                     times.end());
    return 1000.0 * static_cast<double>(times[times.size() / 2]) / with_.launches;
  }

 private:
  template <class T> buffer<cuda::backend> upload(std::vector<T> const& values) {
    buffer<cuda::backend> memory{context_, values.size() * sizeof(T)};
    context_.copy_in(memory.data(), values.data(), memory.size());
    return memory;
  }

  void run() {
    batch_view batch;
    batch.shape = {.rows = rows_, .logit_rows = rows_, .sample_rows = rows_};
    batch.sampling = at<sampling_row>(row_memory_);
    batch.slot_ids = at<token_id>(slot_memory_);
    batch.table = at<std::int32_t>(table_memory_);
    auto* const words = at<float>(out_memory_);
    auto const rows = static_cast<std::size_t>(rows_);
    sampled_view const out{reinterpret_cast<token_id*>(words), words + rows,
                           reinterpret_cast<token_id*>(words + 2 * rows), words + (2 + max_logprobs) * rows};
    Sampler::run(context_, batch, {at<float>(logit_memory_), {rows_, with_.vocabulary}}, state_, out);
  }

  settings with_;
  cuda::context& context_;
  std::int32_t rows_;
  buffer<cuda::backend> state_memory_, row_memory_, logit_memory_, table_memory_, slot_memory_, out_memory_;
  typename Sampler::state state_{};
};

struct parameter_set {
  std::string name;
  sampling_row row;
};

std::vector<parameter_set> const sets{
    {"temperature 0", {.temperature = 0.0f}},
    {"temperature 0.7, top_k 20, top_p 0.8", {.temperature = 0.7f, .top_p = 0.8f, .top_k = 20}},
    {"the same, repetition 1.05",
     {.temperature = 0.7f, .top_p = 0.8f, .repetition_penalty = 1.05f, .top_k = 20}},
    {"temperature 0.6, top_p 0.95", {.temperature = 0.6f, .top_p = 0.95f}},
    {"top_k 500, top_p 0.95", {.top_p = 0.95f, .top_k = 500}},
    {"temperature 1", {}},
    {"temperature 0, logprobs 20", {.temperature = 0.0f, .logprobs = 20}},
};

class table {
 public:
  template <class Sampler>
  void measure(settings const& with, cuda::context& context, std::string const& label,
               parameter_set const& set, bool peaked) {
    std::string line = label + ": " + set.name + (peaked ? ", peaked" : ", normal");
    line.resize(std::max<std::size_t>(line.size(), 62), ' ');
    for (std::int32_t const rows : {1, 8, 64, 256}) {
      auto const logits = make_logits(with, rows, peaked);
      double const microseconds = sampled_rows<Sampler>{with, context, rows, set.row, logits}.microseconds();
      std::printf(
          "{\"benchmark\": \"sampling/block_samplers\", %s, \"sampler\": \"%s\", "
          "\"parameters\": \"%s\", \"logits\": \"%s\", \"vocabulary\": %d, \"rows\": %d, "
          "\"microseconds\": %.2f}\n",
          benchmarks::device_report_once().c_str(), label.c_str(), set.name.c_str(),
          peaked ? "peaked" : "normal", with.vocabulary, rows, microseconds);
      char text[16];
      std::snprintf(text, sizeof text, "%9.2f", microseconds);
      line += text;
    }
    lines_.push_back(line);
  }

  void print() const {
    std::printf("%-62s%9s%9s%9s%9s\n", "microseconds for a number of rows", "1", "8", "64", "256");
    for (auto const& line : lines_) std::printf("%s\n", line.c_str());
  }

 private:
  std::vector<std::string> lines_;
};

void measure_all(settings const& with) {
  cuda::context context{};
  table results;
  results.measure<block_greedy>(with, context, "block_greedy", sets[0], true);
  for (auto const& set : sets) results.measure<block_top_p>(with, context, "block_top_p", set, true);
  for (auto const& set : sets) {
    if (set.row.temperature > 0.0f) results.measure<block_top_p>(with, context, "block_top_p", set, false);
  }
  if (with.sweep) {
    results.measure<linked_top_p>(with, context, "no clusters", sets[0], true);
    results.measure<linked_top_p>(with, context, "no clusters", sets[1], true);
    results.measure<swept_greedy<1>>(with, context, "greedy, 1 block", sets[0], true);
    results.measure<swept_greedy<2>>(with, context, "greedy, 2 blocks", sets[0], true);
    results.measure<swept_greedy<4>>(with, context, "greedy, 4 blocks", sets[0], true);
    results.measure<swept_greedy<8>>(with, context, "greedy, 8 blocks", sets[0], true);
    results.measure<swept_greedy<16>>(with, context, "greedy, 16 blocks", sets[0], true);
    results.measure<swept_greedy<32>>(with, context, "greedy, 32 blocks", sets[0], true);
  }
  results.print();
}

}  // namespace

int main(int count, char** arguments) {
  namespace po = boost::program_options;
  settings with;
  po::options_description options{"block_samplers: microseconds of sampling a batch on the device"};
  auto add = options.add_options();
  add("help", "print this");
  add("vocabulary", po::value(&with.vocabulary)->default_value(with.vocabulary), "ids");
  add("launches", po::value(&with.launches)->default_value(with.launches), "in one graph");
  add("rounds", po::value(&with.rounds)->default_value(with.rounds), "the median of them counts");
  add("sweep", po::bool_switch(&with.sweep), "other numbers of blocks, and blocks without clusters");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(count, arguments, options), given);
    po::notify(given);
    if (with.vocabulary < 1 || with.launches < 1 || with.rounds < 1)
      throw po::error{"expected numbers above 0"};
  } catch (po::error const& wrong) {
    std::cerr << "block_samplers: " << wrong.what() << '\n';
    return 2;
  }
  if (given.count("help") > 0) {
    std::cout << options;
    return 0;
  }
  measure_all(with);
}
