// SPDX-License-Identifier: Apache-2.0
// One workload for every combination of policies, so that what is measured differs by the policies alone.
// Each program of this folder is a recipe and a call of `run_policy_lab`; run.py runs them all and compares.
#pragma once

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/engine/speed.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace tenon::benchmarks {

struct lab_settings {
  std::string concurrency = "1,2,4,8,16,32";  ///< clients, each with one request at a time
  std::string batch;                          ///< rows of decode-only measurements, in place of the clients
  int requests = 0;                           ///< of each concurrency; 0: 8 and 4 a client
  int chunk = 512;                            ///< tokens of one step at most
  int positions = 16 * 1280;                  ///< that the cache holds: 16 regions of the longest request
  int context = 512;                          ///< before the first decode step of a batch measurement
  int tokens = 48;                            ///< decoded by every row of a batch measurement
  int depth = 1;
  std::uint32_t seed = 1;
};

inline constexpr int longest_prompt = 1024;
inline constexpr int longest_output = 256;
inline constexpr int longest_request = longest_prompt + longest_output;
inline constexpr int batch_chunk = 8192;  ///< tokens of one step in a batch measurement

/// How many tokens a client sends and wants.
struct lab_request {
  int prompt = 0;
  int output = 0;
};

/// Lengths as chats have them: many short, few long. Log-normal, prompts of 16 to 1024 tokens around 160 and
/// outputs of 16 to 256 around 64; the same for every program and every concurrency.
inline std::vector<lab_request> lab_workload(int count, std::uint32_t seed) {
  std::mt19937 bits{seed};
  auto const uniform = [&] { return (static_cast<double>(bits()) + 0.5) * 0x1p-32; };
  auto const length = [&](double middle, double spread, int most) {
    double const normal = std::sqrt(-2.0 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
    return std::clamp(static_cast<int>(middle * std::exp(spread * normal)), 16, most);
  };
  std::vector<lab_request> work(static_cast<std::size_t>(count));
  for (auto& wish : work) {
    wish.prompt = length(160.0, 0.9, longest_prompt);
    wish.output = length(64.0, 0.7, longest_output);
  }
  return work;
}

/// The value that a part of all values is at most equal to; 0 without values.
inline double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0.0;
  auto const place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

template <class Attention> struct attention_title {
  static std::string text() { return std::string{Attention::name}; }
};
template <class Prefill, class Decode> struct attention_title<phased_attention<Prefill, Decode>> {
  static std::string text() { return std::string{Prefill::name} + " + " + std::string{Decode::name}; }
};

/// The recipe's axes as members of a JSON object.
template <class Recipe> std::string axes_of(int max_context) {
  auto const page = Recipe::cache::page_tokens(max_context);
  std::string launch{Recipe::launch::name};
  if (!Recipe::launch::captures) {
    bool const pads = Recipe::launch::padded({.rows = 3, .decode_rows = 3, .tokens = 3}).rows != 3;
    launch += pads ? " in buckets" : "";
  }
  std::string cache{Recipe::cache::name};
  if (page != max_context) cache += " " + std::to_string(page);
  auto const member = [](char const* name, std::string const& value) {
    return "\"" + std::string{name} + "\": \"" + value + "\", ";
  };
  return member("model", std::string{Recipe::model::name}) +
         member("precision", std::string{Recipe::precision::name}) +
         member("attention", attention_title<typename Recipe::attention>::text()) + member("cache", cache) +
         member("scheduler", std::string{Recipe::scheduler::name}) + member("launch", launch) +
         member("sampler", std::string{Recipe::sampler::name});
}

template <class Recipe> class policy_lab {
 public:
  policy_lab(std::string name, lab_settings const& with) : with_{with}, name_{std::move(name)} {
    decoder_parameters parameters;
    engine_options options{.prefix_caching = false, .depth = with.depth, .seed = 1};
    std::int64_t positions = with.positions;
    if (with.batch.empty()) {
      options.max_context = longest_request;
      options.max_rows = most_of(with.concurrency);
    } else {
      options.max_rows = most_of(with.batch);
      options.max_tokens = batch_chunk;
      options.max_context = with.context + with.tokens + prefill_steps(options.max_rows, with.context);
      positions = std::int64_t{options.max_rows} * ((options.max_context + 127) / 128 * 128);
    }
    if (has_regions(options.max_context)) {  // the same bytes hold fewer sequences
      options.max_rows =
          std::min(options.max_rows, static_cast<std::int32_t>(positions / options.max_context));
    }
    options.max_tokens = std::max({with.batch.empty() ? with.chunk : batch_chunk, options.max_rows});
    parameters.max_positions = options.max_context;
    options.memory_bytes = engine<Recipe>::memory_for(options, positions);

    auto weights = random_weights<Recipe>(parameters, 1, {.threads = 16});
    auto const free_before = weights.context->free_bytes();
    auto const weight_bytes = weights.bytes();
    engine_ = std::make_unique<engine<Recipe>>(std::move(weights), options);
    device_bytes_ = weight_bytes + free_before - engine_->runner().context().free_bytes();
    sampling_ = usual_sampling();
  }

  void run() {
    decode_steps(engine_->options().max_rows, 16, 16);  // clocks rise
    device_ = device_report();
    report_memory();
    for (auto const& [rows, unused] : pairs_in(with_.batch)) {
      if (rows <= engine_->options().max_rows) decode_batch(rows);
    }
    if (!with_.batch.empty()) return;
    std::printf("{\"benchmark\": \"policies/batch_1\", %s, \"context\": 512, \"ms_a_token\": %.4f}\n",
                common().c_str(), decode_steps(1, 512, 96).milliseconds);
    for (auto const& [clients, unused] : pairs_in(with_.concurrency)) closed_loop(clients);
  }

 private:
  using clock = std::chrono::steady_clock;

  struct decode_result {
    double milliseconds = 0.0;  // a step, median
    std::int64_t pages = 0;     // held at the end
  };

  struct loop_result {
    std::vector<double> first;  // milliseconds to each request's first id
    std::vector<double> gaps;   // milliseconds between ids of one request
    std::int64_t tokens = 0;
    int finished = 0;
  };

  static int most_of(std::string const& list) {
    int most = 1;
    for (auto const& [value, unused] : pairs_in(list)) most = std::max(most, value);
    return most;
  }

  /// Whether the cache gives every sequence room for the longest.
  static bool has_regions(int max_context) { return Recipe::cache::page_tokens(max_context) == max_context; }

  /// Steps until the last of the rows has its prompt computed, in a batch measurement.
  static int prefill_steps(int rows, int context) { return rows * context / batch_chunk + 2; }

  static double milliseconds(clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
  }

  /// What the model's authors recommend, where the sampler serves it, and greedy elsewhere.
  static sampling_parameters usual_sampling() {
    sampling_parameters usual{.temperature = 0.7f, .top_k = 20, .top_p = 0.8f};
    sampling_row const row{.temperature = usual.temperature, .top_p = usual.top_p, .top_k = usual.top_k};
    if (!Recipe::sampler::serves(row)) usual = {.temperature = 0.0f};
    return usual;
  }

  std::string common() const {
    return "\"recipe\": \"" + name_ + "\", " + axes_of<Recipe>(engine_->options().max_context) +
           "\"depth\": " + std::to_string(with_.depth) + ", \"chunk\": " + std::to_string(with_.chunk) +
           ", \"max_rows\": " + std::to_string(engine_->options().max_rows) + ", " + device_;
  }

  request random_request(lab_request const& lengths) {
    request wish;
    wish.prompt.resize(static_cast<std::size_t>(lengths.prompt));
    for (auto& id : wish.prompt) id = static_cast<token_id>(random_() % 150000);
    wish.max_new_tokens = lengths.output;
    wish.ignore_stop_ids = true;
    wish.sampling = sampling_;
    return wish;
  }

  void report_memory() const {
    auto const memory = engine_->stats().memory;
    std::printf(
        "{\"benchmark\": \"policies/memory\", %s, \"weight_bytes\": %zu, \"cache_bytes\": %zu, "
        "\"workspace_bytes\": %zu, "
        "\"unused_bytes\": %zu, \"device_bytes\": %zu}\n",
        common().c_str(), memory.weights, memory.cache, memory.workspace, memory.unused, device_bytes_);
    std::fflush(stdout);
  }

  /// Steps in which `rows` rows decode, from `context` on.
  decode_result decode_steps(int rows, int context, int tokens) {
    int started = 0;
    bool ended = false;
    for (int i = 0; i < rows; ++i) {
      engine_->submit(random_request({context, tokens}), [&, first = true](event const& e) mutable {
        started += std::exchange(first, false);
        ended = ended || e.finish != finish_reason::none;
      });
    }
    while (started < rows) engine_->run_one_step();
    std::vector<double> steps;
    decode_result result;
    for (auto last = clock::now(); !ended;) {
      result.pages = engine_->stats().pages.held;
      engine_->run_one_step();
      auto const now = clock::now();
      steps.push_back(milliseconds(now - std::exchange(last, now)));
    }
    while (engine_->run_one_step()) {
    }
    result.milliseconds = percentile(steps, 0.5);
    return result;
  }

  /// Latency of decode steps, the bytes of the cache that the rows hold, and the device memory of an engine
  /// for just these rows.
  void decode_batch(int rows) {
    auto const found = decode_steps(rows, with_.context, with_.tokens + prefill_steps(rows, with_.context));
    auto needed = engine_->options();
    needed.max_rows = rows;
    needed.max_tokens = std::max(with_.chunk, rows);
    needed.max_context = longest_request;
    int const positions = has_regions(needed.max_context) ? longest_request : with_.context + with_.tokens;
    auto const memory = engine_->stats().memory;
    auto const pages = engine_->stats().pages.total + 1;
    std::printf(
        "{\"benchmark\": \"policies/batch\", %s, \"rows\": %d, \"context\": %d, \"ms_a_step\": %.4f, "
        "\"tokens_s\": %.1f, \"held_bytes\": %.0f, \"engine_bytes\": %zu}\n",
        common().c_str(), rows, with_.context, found.milliseconds, rows / found.milliseconds * 1e3,
        static_cast<double>(found.pages) * static_cast<double>(memory.cache) / static_cast<double>(pages),
        memory.weights + engine<Recipe>::memory_for(needed, std::int64_t{rows} * positions));
    std::fflush(stdout);
  }

  /// `clients` clients, each of which sends its next request when it has the last id of the one before.
  void closed_loop(int clients) {
    int const count = with_.requests > 0 ? with_.requests : 8 + 4 * clients;
    std::vector<request> wishes;
    for (auto const& lengths : lab_workload(count, with_.seed)) wishes.push_back(random_request(lengths));
    loop_result found;
    auto const before = engine_->stats();
    std::size_t next = 0;
    std::function<void()> const send = [&] {
      if (next == wishes.size()) return;
      engine_->submit(std::move(wishes[next++]),
                      [&, last = clock::now(), first = true](event const& e) mutable {
                        if (e.token) {
                          auto const now = clock::now();
                          auto& times = std::exchange(first, false) ? found.first : found.gaps;
                          times.push_back(milliseconds(now - std::exchange(last, now)));
                          ++found.tokens;
                        }
                        if (e.finish == finish_reason::none) return;
                        ++found.finished;
                        send();
                      });
    };
    auto const start = clock::now();
    for (int i = 0; i < clients; ++i) send();
    while (engine_->run_one_step()) {
    }
    report_loop(clients, found, seconds_since(start), before);
  }

  void report_loop(int clients, loop_result const& found, double seconds, engine_stats const& before) const {
    auto const now = engine_->stats();
    std::printf(
        "{\"benchmark\": \"policies/closed_loop\", %s, \"concurrency\": %d, \"requests\": %d, "
        "\"seconds\": %.3f, \"requests_s\": %.3f, \"tokens_s\": %.1f, \"ttft_p50_ms\": %.3f, "
        "\"ttft_p99_ms\": %.3f, \"itl_p50_ms\": %.3f, \"itl_p99_ms\": %.3f, \"steps\": %lld, "
        "\"replayed\": %lld, \"preemptions\": %lld}\n",
        common().c_str(), clients, found.finished, seconds, found.finished / seconds,
        static_cast<double>(found.tokens) / seconds, percentile(found.first, 0.5),
        percentile(found.first, 0.99), percentile(found.gaps, 0.5), percentile(found.gaps, 0.99),
        static_cast<long long>(now.steps.replayed + now.steps.eager - before.steps.replayed -
                               before.steps.eager),
        static_cast<long long>(now.steps.replayed - before.steps.replayed),
        static_cast<long long>(now.requests.preemptions - before.requests.preemptions));
    std::fflush(stdout);
  }

  lab_settings with_;
  std::string name_;
  std::string device_;
  std::mt19937 random_{1};
  sampling_parameters sampling_;
  std::unique_ptr<engine<Recipe>> engine_;
  std::size_t device_bytes_ = 0;
};

/// The main function of a program for one recipe. JSON lines; the program's name is the recipe's.
template <class Recipe> int run_policy_lab(int argc, char** argv) {
  namespace options = boost::program_options;
  lab_settings with;
  options::options_description known{"one combination of policies under the common workload"};
  auto const add = [&](char const* name, auto& value, char const* help) {
    known.add_options()(name, options::value(&value)->default_value(value), help);
  };
  known.add_options()("help", "show this");
  add("concurrency", with.concurrency, "clients, each with one request at a time");
  add("requests", with.requests, "of each concurrency; 0: 8 and 4 a client");
  add("batch", with.batch, "measure decode steps of so many rows, in place of the clients");
  add("context", with.context, "of every row of --batch");
  add("tokens", with.tokens, "decoded by every row of --batch");
  add("chunk", with.chunk, "tokens of one step at most");
  add("positions", with.positions, "of the cache in all");
  add("depth", with.depth, "steps in flight");
  add("seed", with.seed, "of the workload");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  policy_lab<Recipe>{std::filesystem::path{argv[0]}.filename().string(), with}.run();
  return 0;
}

}  // namespace tenon::benchmarks
