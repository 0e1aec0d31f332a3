// SPDX-License-Identifier: Apache-2.0
// How much of the time the device computes while rows decode through the engine: events before and after each
// step's kernels. With depth 2 the copies of the batch and of the ids run beside other steps; where a step
// waits for them, and with depth 1, they count as idle, as does the start of a recording.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/engine/speed.cuh"
#include "benchmarks/engine/step_times.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace tenon::benchmarks {
namespace {

struct timed_recipe : recipes::serving<qwen3_1_7b> {
  using launch = timed<recipes::serving<qwen3_1_7b>::launch>;
};
using engine_type = engine<timed_recipe>;

struct busy_settings {
  std::string decode = "1:512,64:512";  // rows:context
  int steps = 256;
  int depth = 2;
};

double part_of(std::vector<double> values, double part) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

void start_rows(engine_type& runs, int rows, int context, int tokens) {
  std::mt19937 random{1};
  int started = 0;
  for (int i = 0; i < rows; ++i) {
    request wish;
    for (int j = 0; j < context; ++j) wish.prompt.push_back(static_cast<token_id>(random() % 150000));
    wish.max_new_tokens = tokens;
    wish.ignore_stop_ids = true;
    wish.sampling = {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f};
    runs.submit(std::move(wish),
                [&started, first = true](event const&) mutable { started += std::exchange(first, false); });
  }
  while (started < rows) runs.run_one_step();
}

double wall_milliseconds(engine_type& runs, int steps) {
  auto const start = std::chrono::steady_clock::now();
  for (int i = 0; i < steps; ++i) runs.run_one_step();
  return seconds_since(start) * 1e3;
}

void measure(engine_type& runs, busy_settings const& with, int rows, int context) {
  step_times times(static_cast<std::size_t>(with.steps));
  int const prefill_steps = rows * context / runs.options().max_tokens + 2;
  auto const wall_of = [&](step_times* log) {
    start_rows(runs, rows, context, with.steps + prefill_steps + 16);
    if (log != nullptr) log->start();
    double const time = wall_milliseconds(runs, with.steps);
    if (log != nullptr) log->stop();
    while (runs.run_one_step()) {
    }
    return time;
  };
  double const without = wall_of(nullptr);
  double const wall = wall_of(&times);
  auto const steps = times.intervals();
  double busy = 0.0;
  std::vector<double> durations;
  std::vector<double> gaps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    durations.push_back(steps[i].end - steps[i].begin);
    busy += durations.back();
    if (i > 0) gaps.push_back((steps[i].begin - steps[i - 1].end) * 1e3);
  }
  double const device = steps.back().end;
  std::printf(
      "{\"benchmark\": \"engine/busy\", \"model\": \"%s\", \"precision\": \"%s\", \"launch\": \"%s\", "
      "\"depth\": %d, %s, \"rows\": %d, \"context\": %d, \"steps\": %zu, \"busy\": %.4f, "
      "\"step_p50_ms\": %.4f, \"step_p99_ms\": %.4f, \"gap_p50_us\": %.2f, \"gap_p99_us\": %.2f, "
      "\"device_ms_a_step\": %.4f, \"wall_ms_a_step\": %.4f, \"wall_ms_a_step_without_events\": %.4f}\n",
      std::string{timed_recipe::model::name}.c_str(), std::string{timed_recipe::precision::name}.c_str(),
      std::string{timed_recipe::launch::name}.c_str(), with.depth, device_report().c_str(), rows, context,
      steps.size(), busy / device, part_of(durations, 0.5), part_of(durations, 0.99), part_of(gaps, 0.5),
      part_of(gaps, 0.99), device / static_cast<double>(steps.size()), wall / with.steps,
      without / with.steps);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  namespace options = boost::program_options;
  busy_settings with;
  options::options_description known{"busy share of decoding"};
  known.add_options()("help", "show this")("decode", options::value(&with.decode)->default_value(with.decode),
                                           "rows:context, ...")(
      "steps", options::value(&with.steps)->default_value(with.steps), "timed")(
      "depth", options::value(&with.depth)->default_value(with.depth), "steps in flight");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  engine_options sizes{.max_rows = 1, .max_tokens = 4096, .prefix_caching = false, .depth = with.depth};
  std::int64_t positions = 0;
  for (auto const& [rows, context] : pairs_in(with.decode)) {
    int const longest = context + with.steps + rows * context / sizes.max_tokens + 64;
    sizes.max_rows = std::max(sizes.max_rows, rows);
    sizes.max_context = std::max(sizes.max_context, longest);
    positions = std::max(positions, std::int64_t{rows} * (longest + 64));
  }
  decoder_parameters parameters;
  parameters.max_positions = sizes.max_context;
  sizes.memory_bytes = engine_type::memory_for(sizes, positions);
  engine_type runs{random_weights<timed_recipe>(parameters, 1, {.threads = 16}), sizes};
  for (auto const& [rows, context] : pairs_in(with.decode)) measure(runs, with, rows, context);
  return 0;
}

}  // namespace
}  // namespace tenon::benchmarks

int main(int argc, char** argv) {
  return tenon::benchmarks::run(argc, argv);
}
