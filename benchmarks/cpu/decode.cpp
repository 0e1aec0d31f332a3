// SPDX-License-Identifier: Apache-2.0
// Decode of one sequence at the shape of Qwen3-1.7B with random bf16 weights, by the whole engine, against
// plain reading of the same weights by the same threads. Steps and readings take turns in one run, so that a
// neighbour's load disturbs both. Prints one JSON object.

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdint>
#include <cstdio>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/cpu/read_stream.hpp"
#include "tenon/checkpoint/random_weights.hpp"
#include "tenon/cpu.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/recipes/compose.hpp"

namespace {

using namespace tenon;
using recipe = compose<qwen3_1_7b, bf16>;

struct settings {
  int threads = 0;
  int context = 512;
  int steps = 16;
};

/// Bytes that a step must read: every projection and the head once, and the context's keys and values.
double bytes_a_step(int context) {
  constexpr auto shape = qwen3_1_7b::shape;
  double const layer = double{shape.qkv_width()} * shape.hidden + double{shape.hidden} * shape.query_width() +
                       3.0 * shape.ffn * shape.hidden;
  double const cache = 2.0 * shape.layers * shape.kv_width() * context;
  return sizeof(bf16_t) * (shape.layers * layer + double{shape.vocabulary} * shape.hidden + cache);
}

double median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

request random_prompt(int tokens, int new_tokens) {
  request wish;
  std::mt19937 random{1};
  for (int i = 0; i < tokens; ++i) wish.prompt.push_back(static_cast<token_id>(random() % 150000));
  wish.max_new_tokens = new_tokens;
  wish.ignore_stop_ids = true;
  wish.sampling.temperature = 0.0f;
  return wish;
}

void measure(settings const& with) {
  decoder_parameters parameters;
  parameters.max_positions = with.context + with.steps + 8;
  auto weights = random_weights<recipe>(parameters, 1, {.context = {.threads = with.threads}});
  auto& ctx = *weights.context;
  std::byte const* const memory = weights.storage.front().data();
  std::size_t const bytes = weights.storage.front().size();
  engine<recipe> running{std::move(weights), {.max_rows = 1, .max_tokens = 512}};
  int produced = 0;
  running.submit(random_prompt(with.context - with.steps / 2, with.steps + 1),
                 [&](event const& happened) { produced += happened.token.has_value(); });
  double const prefill = benchmarks::seconds([&] {
    while (produced == 0) running.run_one_step();
  });
  std::vector<double> steps;
  std::vector<double> readings;
  std::uint64_t check = 0;
  for (int i = 0; i < with.steps; ++i) {
    steps.push_back(benchmarks::seconds([&] { running.run_one_step(); }));
    readings.push_back(benchmarks::seconds([&] { check ^= benchmarks::read_stream(ctx, memory, bytes); }));
  }
  double const step_bytes = bytes_a_step(with.context);
  double const best_step = *std::min_element(steps.begin(), steps.end());
  double const best_read = *std::min_element(readings.begin(), readings.end());
  double const read_rate = static_cast<double>(bytes) * 1e-9;
  std::printf(
      "{\"benchmark\": \"cpu/decode\", \"model\": \"%s\", \"precision\": \"bf16\", \"instructions\": \"%s\", "
      "\"threads\": %d, \"context\": %d, \"steps\": %d, \"gigabytes_a_step\": %.3f, \"best_ms_a_token\": "
      "%.1f, "
      "\"median_ms_a_token\": %.1f, \"best_gb_s\": %.2f, \"median_gb_s\": %.2f, \"best_read_gb_s\": %.2f, "
      "\"median_read_gb_s\": %.2f, \"best_of_read\": %.3f, \"median_of_read\": %.3f, \"prefill_tokens_s\": "
      "%.1f, "
      "\"device\": \"%s\", \"check\": %d}\n",
      std::string{qwen3_1_7b::name}.c_str(), std::string{name_of(ctx.instructions())}.c_str(),
      ctx.team().size(), with.context, with.steps, step_bytes * 1e-9, best_step * 1e3, median(steps) * 1e3,
      step_bytes / best_step * 1e-9, step_bytes / median(steps) * 1e-9, read_rate / best_read,
      read_rate / median(readings), step_bytes * 1e-9 / best_step / (read_rate / best_read),
      step_bytes * 1e-9 / median(steps) / (read_rate / median(readings)),
      (with.context - with.steps / 2) / prefill, benchmarks::processor_name().c_str(),
      static_cast<int>(check & 1u));
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;
  settings with;
  options::options_description known{"cpu/decode"};
  known.add_options()("help", "show this")(
      "threads", options::value(&with.threads)->default_value(with.threads), "0: all")(
      "context", options::value(&with.context)->default_value(with.context), "positions, at the middle step")(
      "steps", options::value(&with.steps)->default_value(with.steps), "decode steps and readings");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  measure(with);
}
