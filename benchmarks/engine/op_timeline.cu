// SPDX-License-Identifier: Apache-2.0
// What each op of a decode step adds to its time. The recorded step is cut after its first n kernels and
// replayed, for every n: the time of n kernels less that of n - 1 is what the n-th one adds, with every
// overlap in place that the whole step has. These times sum to the step's. What an op adds beyond its bytes
// at the rate of a read-only stream is its exposed time.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "benchmarks/engine/speed.cuh"
#include "benchmarks/engine/step_graph.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace tenon::benchmarks {
namespace {

struct kept_recipe : recipes::serving<qwen3_1_7b> {
  using launch = kept<recipes::serving<qwen3_1_7b>::launch>;
};
using engine_type = engine<kept_recipe>;

struct timeline_settings {
  std::string decode = "1:512,8:512";  // rows:context; rows must be those of a recording
  int rounds = 9;
  int launches = 4;
};

/// The kernel at one place of every layer, or one outside of the layers.
struct op_time {
  std::string kernel;
  std::vector<double> times;  // microseconds, a layer each
  double bytes = 0.0;         // that it must read; 0: not known
  std::string op;

  double mean() const {
    double sum = 0.0;
    for (double time : times) sum += time;
    return sum / static_cast<double>(times.size());
  }
  double part(double place) const {
    auto sorted = times;
    std::ranges::sort(sorted);
    return sorted[static_cast<std::size_t>(place * static_cast<double>(sorted.size() - 1) + 0.5)];
  }
};

/// Bytes of the five ops of a layer, from attention to the next layer's projection.
std::vector<std::pair<std::string, double>> ops_from_attention(double rows, double context) {
  constexpr auto shape = kept_recipe::model::shape;
  double const weight = sizeof(kept_recipe::precision::weight);
  return {{"attention", 2.0 * shape.kv_width() * context * rows * sizeof(kept_recipe::precision::cache)},
          {"linear_residual (output)", weight * shape.hidden * shape.query_width()},
          {"norm_gate_up", weight * 2.0 * shape.ffn * shape.hidden},
          {"linear_residual (down)", weight * shape.ffn * shape.hidden},
          {"norm_qkv", weight * shape.qkv_width() * shape.hidden}};
}

/// Gathers the kernels of all layers by their place after attention, which is where layers are told apart.
std::vector<op_time> by_place(step_graph const& step, std::vector<double> const& added, double rows,
                              double context) {
  std::vector<std::size_t> attention;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < step.size(); ++i) {
    names.push_back(step.name(i));
    if (names[i].starts_with("split_kv")) attention.push_back(i);
  }
  std::vector<op_time> found;
  if (attention.size() < 3) throw std::runtime_error{"expected an attention kernel a layer"};
  std::size_t const period = attention[2] - attention[1];
  for (std::size_t i = 0; i < attention.front(); ++i) found.push_back({names[i], {added[i]}, 0.0, "start"});
  for (std::size_t place = 0; place < period; ++place) {
    op_time op{names[attention[1] + place], {}, 0.0, ""};
    // the last attention is followed by the head in the place of norm_qkv
    for (std::size_t layer = 0; layer + 1 < attention.size(); ++layer)
      op.times.push_back(added[attention[layer] + place]);
    if (period == 5) std::tie(op.op, op.bytes) = ops_from_attention(rows, context)[place];
    found.push_back(std::move(op));
  }
  for (std::size_t i = attention.back(); i < step.size(); ++i) {
    op_time op{names[i], {added[i]}, 0.0, "end"};
    if (period == 5 && i == attention.back() + 4) {
      constexpr auto shape = kept_recipe::model::shape;
      op.op = "norm_head";
      op.bytes = 1.0 * sizeof(kept_recipe::precision::weight) * shape.vocabulary * shape.hidden;
    }
    found.push_back(std::move(op));
  }
  return found;
}

void report(std::vector<op_time> const& ops, double step, int rows, int context, double read_gb_s) {
  std::printf(
      "{\"benchmark\": \"engine/op_timeline\", \"model\": \"%s\", \"precision\": \"%s\", %s, \"rows\": %d, "
      "\"context\": %d, \"read_gb_s\": %.0f, \"step_us\": %.2f, \"ops\": [",
      std::string{kept_recipe::model::name}.c_str(), std::string{kept_recipe::precision::name}.c_str(),
      device_report().c_str(), rows, context, read_gb_s, step);
  char const* separator = "";
  for (auto const& op : ops) {
    std::printf(
        "%s{\"op\": \"%s\", \"kernel\": \"%s\", \"count\": %zu, \"us\": %.3f, \"us_p10\": %.3f, "
        "\"us_p90\": %.3f, \"bytes\": %.0f, \"exposed_us\": %.3f}",
        separator, op.op.c_str(), op.kernel.c_str(), op.times.size(), op.mean(), op.part(0.1), op.part(0.9),
        op.bytes, op.mean() - op.bytes / read_gb_s * 1e-3);
    separator = ", ";
  }
  std::printf("]}\n");
  std::fflush(stdout);
}

void measure(engine_type& runs, timeline_settings const& with, int rows, int context, double read_gb_s) {
  std::mt19937 random{1};
  int started = 0;
  for (int i = 0; i < rows; ++i) {
    request wish;
    for (int j = 0; j < context; ++j) wish.prompt.push_back(static_cast<token_id>(random() % 150000));
    wish.max_new_tokens = 64;
    wish.ignore_stop_ids = true;
    wish.sampling = {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f};
    runs.submit(std::move(wish),
                [&started, first = true](event const&) mutable { started += std::exchange(first, false); });
  }
  while (started < rows) runs.run_one_step();
  for (int i = 0; i < 4; ++i) runs.run_one_step();  // the device's batch is now that of a decode step
  auto const& graphs = kept_recipe::launch::graphs;
  auto const found = std::ranges::find(graphs, rows, [](auto const& entry) { return entry.first; });
  if (found == graphs.end()) throw std::runtime_error{"no recording has exactly so many rows"};
  auto const& step = found->second;
  std::vector<double> added;
  double before = 0.0;
  for (std::size_t count = 1; count <= step.size(); ++count) {
    double const time = 1e3 * step.milliseconds(runs.runner().context(), count, with.rounds, with.launches);
    added.push_back(time - before);
    before = time;
  }
  while (runs.run_one_step()) {
  }
  report(by_place(step, added, rows, context), before, rows, context, read_gb_s);
}

int run(int argc, char** argv) {
  namespace options = boost::program_options;
  timeline_settings with;
  options::options_description known{"what each op of a decode step adds to its time"};
  known.add_options()("help", "show this")("decode", options::value(&with.decode)->default_value(with.decode),
                                           "rows:context, ...")(
      "rounds", options::value(&with.rounds)->default_value(with.rounds), "of which the median is taken")(
      "launches", options::value(&with.launches)->default_value(with.launches), "in a row, of every round");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  engine_options sizes{.max_rows = 1, .max_tokens = 4096, .prefix_caching = false, .seed = 1};
  std::int64_t positions = 0;
  for (auto const& [rows, context] : pairs_in(with.decode)) {
    sizes.max_rows = std::max(sizes.max_rows, rows);
    sizes.max_context = std::max(sizes.max_context, context + 64);
    positions = std::max(positions, std::int64_t{rows} * (context + 192));
  }
  decoder_parameters parameters;
  parameters.max_positions = sizes.max_context;
  sizes.memory_bytes = engine_type::memory_for(sizes, positions);
  auto weights = random_weights<kept_recipe>(parameters, 1, {.threads = 16});
  double const rate = read_stream(*weights.context, weights.storage.front().data(), weights.bytes());
  engine_type runs{std::move(weights), sizes};
  for (auto const& [rows, context] : pairs_in(with.decode)) measure(runs, with, rows, context, rate);
  kept_recipe::launch::graphs.clear();
  return 0;
}

}  // namespace
}  // namespace tenon::benchmarks

int main(int argc, char** argv) {
  return tenon::benchmarks::run(argc, argv);
}
