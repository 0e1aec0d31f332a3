// SPDX-License-Identifier: Apache-2.0
// Microseconds that a sampler takes for one row, by parameters and by how flat the logits are. Prints one
// JSON object a line; the best round counts.

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/sampling/greedy.hpp"
#include "tenon/sampling/top_p.hpp"

namespace {

using namespace tenon;

struct settings {
  std::int32_t vocabulary = 151936;
  std::int32_t rows = 1;
  int threads = 1;
  int rounds = 30;
};

/// `rows` rows with normally distributed logits and the same parameters.
template <class Sampler> class sampled_rows {
 public:
  sampled_rows(settings const& with, sampling_row row, float spread)
      : with_{with},
        context_{{.threads = with.threads}},
        state_memory_{context_, state_bytes()},
        logits_(static_cast<std::size_t>(with.rows) * static_cast<std::size_t>(with.vocabulary)),
        rows_(static_cast<std::size_t>(with.rows), row),
        ids_(rows_.size()),
        slot_ids_(rows_.size()),
        logprobs_(rows_.size()),
        top_ids_(rows_.size() * max_logprobs),
        top_logprobs_(rows_.size() * max_logprobs) {
    std::mt19937_64 random{1};
    std::normal_distribution<float> normal{0.0f, spread};
    for (auto& logit : logits_) logit = normal(random);
    for (std::int32_t i = 0; i < with.rows; ++i) {
      rows_[static_cast<std::size_t>(i)].slot = rows_[static_cast<std::size_t>(i)].logit_row = i;
    }
  }

  /// Of one row, as the mean over all.
  double best_microseconds() {
    carver placing{state_memory_.data(), state_memory_.size()};
    auto const state = Sampler::make_state(placing, with_.rows, with_.vocabulary);
    batch_view batch;
    batch.shape = {.rows = with_.rows, .logit_rows = with_.rows, .sample_rows = with_.rows};
    batch.sampling = rows_.data();
    batch.slot_ids = slot_ids_.data();
    sampled_view const out{ids_.data(), logprobs_.data(), top_ids_.data(), top_logprobs_.data()};
    double best = 1e30;
    for (int round = 0; round < with_.rounds; ++round) {
      for (auto& row : rows_) row.position = round;
      auto const begin = std::chrono::steady_clock::now();
      Sampler::run(context_, batch, matrix_view<float>{logits_.data(), {with_.rows, with_.vocabulary}}, state,
                   out);
      best = std::min(
          best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    return best / with_.rows;
  }

 private:
  std::size_t state_bytes() const {
    carver counting;
    Sampler::make_state(counting, with_.rows, with_.vocabulary);
    return std::max<std::size_t>(counting.used(), 1);
  }

  settings with_;
  cpu::context context_;
  buffer<cpu::backend> state_memory_;
  std::vector<float> logits_;
  std::vector<sampling_row> rows_;
  std::vector<token_id> ids_;
  std::vector<token_id> slot_ids_;
  std::vector<float> logprobs_;
  std::vector<token_id> top_ids_;
  std::vector<float> top_logprobs_;
};

template <class Sampler>
void measure(settings const& with, std::string const& parameters, sampling_row const& row) {
  for (float const spread : {0.1f, 2.0f, 5.0f}) {
    double const microseconds = sampled_rows<Sampler>{with, row, spread}.best_microseconds();
    std::printf(
        "{\"benchmark\": \"sampling/samplers\", \"device\": \"cpu\", \"sampler\": \"%s\", \"parameters\": "
        "\"%s\", "
        "\"logit_spread\": %.1f, \"vocabulary\": %d, \"rows\": %d, \"threads\": %d, \"microseconds_a_row\": "
        "%.1f}\n",
        std::string{Sampler::name}.c_str(), parameters.c_str(), static_cast<double>(spread), with.vocabulary,
        with.rows, with.threads, microseconds);
  }
}

}  // namespace

int main(int count, char** arguments) {
  namespace po = boost::program_options;
  settings with;
  po::options_description options{"samplers: microseconds of sampling one row"};
  auto add = options.add_options();
  add("help", "print this");
  add("vocabulary", po::value(&with.vocabulary)->default_value(with.vocabulary), "ids");
  add("rows", po::value(&with.rows)->default_value(with.rows), "rows in the batch");
  add("threads", po::value(&with.threads)->default_value(with.threads), "0: all");
  add("rounds", po::value(&with.rounds)->default_value(with.rounds), "the best of them counts");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(count, arguments, options), given);
    po::notify(given);
    if (with.vocabulary < 1 || with.rows < 1 || with.rounds < 1) throw po::error{"expected numbers above 0"};
  } catch (po::error const& wrong) {
    std::cerr << "samplers: " << wrong.what() << '\n';
    return 2;
  }
  if (given.count("help") > 0) {
    std::cout << options;
    return 0;
  }
  measure<greedy>(with, "temperature 0", {.temperature = 0.0f});
  measure<top_p>(with, "temperature 0", {.temperature = 0.0f});
  measure<top_p>(with, "temperature 1", {});
  measure<top_p>(with, "temperature 0.6, top_k 20, top_p 0.95",
                 {.temperature = 0.6f, .top_p = 0.95f, .top_k = 20});
  measure<top_p>(with, "top_p 0.95", {.top_p = 0.95f});
  measure<top_p>(with, "min_p 0.05", {.min_p = 0.05f});
  measure<top_p>(with, "temperature 0, logprobs 20", {.temperature = 0.0f, .logprobs = 20});
  measure<top_p>(with, "temperature 0, frequency_penalty 0.5",
                 {.temperature = 0.0f, .frequency_penalty = 0.5f});
}
