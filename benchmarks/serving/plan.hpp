// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/serving/report.hpp"
#include "benchmarks/serving/workload.hpp"

namespace serving {

/// The points of a load curve, and what is asked at them: options that both programs have.
struct plan {
  workload_settings work;
  std::string concurrency = "1,2,4,8,16,32,64,128,256";
  std::string rates;
  int per_client = 4;
  double seconds = 20;
  int warm_up = 2;
  std::string name;
  bool greedy = false;

  void add_to(boost::program_options::options_description& all) {
    namespace options = boost::program_options;
    auto add = all.add_options();
    add("concurrency", options::value(&concurrency)->default_value(concurrency),
        "closed loop: clients that each ask again when they are answered, one point a number");
    add("rate", options::value(&rates),
        "open loop in its place: users a second that come whether or not others are answered (Poisson)");
    add("per-client", options::value(&per_client)->default_value(per_client),
        "closed loop: users in turn, a client");
    add("seconds", options::value(&seconds)->default_value(seconds), "open loop: how long users come");
    add("warm-up", options::value(&warm_up)->default_value(warm_up),
        "users before the first point, not counted");
    add("prompt-tokens", options::value(&work.prompt_tokens)->default_value(work.prompt_tokens),
        "about: N, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA");
    add("output-tokens", options::value(&work.output_tokens)->default_value(work.output_tokens),
        "in the same words");
    add("shared-prefix", options::value(&work.shared_prefix)->default_value(0),
        "tokens of a system prompt that all have in common");
    add("turns", options::value(&work.turns)->default_value(1),
        "questions of a user, each after the last answer");
    add("workload", options::value(&work.file),
        "JSON lines in place of lengths: benchmarks/serving/workload.hpp");
    add("seed", options::value(&work.seed)->default_value(1), "equal seeds ask equal questions");
    add("greedy", options::bool_switch(&greedy), "temperature 0 in place of the model's own sampling");
    add("name", options::value(&name), "stands in every line");
  }

  /// What a line says of the point before its figures.
  boost::json::object about(std::string const& benchmark, bool open, double load) const {
    boost::json::object line{{"benchmark", benchmark}};
    stamp(line);
    if (!name.empty()) line["name"] = name;
    line[open ? "rate" : "concurrency"] = load;
    line["prompt"] = work.file.empty() ? work.prompt_tokens : work.file;
    line["output"] = work.file.empty() ? work.output_tokens : work.file;
    line["shared_prefix"] = work.shared_prefix;
    line["turns"] = work.turns;
    return line;
  }
};

/// When users of an open loop come, in seconds from its start.
inline std::vector<double> arrivals(double rate, double seconds, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::exponential_distribution<> gap{rate};
  std::vector<double> found;
  for (double at = gap(random); at < seconds; at += gap(random)) found.push_back(at);
  return found;
}

}  // namespace serving
