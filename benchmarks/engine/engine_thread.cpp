// SPDX-License-Identifier: Apache-2.0
// How long an idle engine's thread takes to notice a request: engine_thread [--requests N]
//
// A JSON line with the median and the 99th percentile in microseconds, from the call of submit until the
// thread has the request (taken), until it is in a step (admitted), and until the caller has its first id
// (first_event), for an engine of two small layers on the CPU.

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <future>
#include <iostream>
#include <thread>
#include <vector>

#include "tenon/engine/engine_thread.hpp"
#include "tests/engine/small_engines.hpp"

namespace {

namespace options = boost::program_options;
using recipe = tenon::recipes::reference<small::qwen3_model>;

struct delays {
  char const* name;
  std::vector<std::int64_t> nanoseconds{};

  void print(char const* before) {
    std::ranges::sort(nanoseconds);
    auto const at = [&](std::size_t percent) {
      return static_cast<double>(nanoseconds[nanoseconds.size() * percent / 100]) * 1e-3;
    };
    std::printf("%s\"%s_us\": {\"p50\": %.1f, \"p99\": %.1f}", before, name, at(50), at(99));
  }
};

}  // namespace

int main(int count, char** arguments) try {
  int requests = 0;
  options::options_description all{"engine_thread [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("requests", options::value(&requests)->default_value(500), "one every five milliseconds");
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  options::notify(values);
  if (values.count("help")) {
    std::cout << all;
    return 0;
  }
  tenon::engine_thread thread{
      tenon::any_engine{std::make_unique<tenon::engine<recipe>>(small::weights<recipe>(), small::options())}};
  delays taken{"taken"}, admitted{"admitted"}, first_event{"first_event"};
  for (int i = 0; i < std::max(requests, 1); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    std::promise<tenon::choice_times> heard;
    auto const begin = tenon::steady_nanoseconds();
    thread.submit(small::greedy_request({1, 2, 3}, 1),
                  [&](tenon::event const& happened) { heard.set_value(happened.times); });
    auto const times = heard.get_future().get();
    first_event.nanoseconds.push_back(tenon::steady_nanoseconds() - begin);
    taken.nanoseconds.push_back(times.submitted - begin);
    admitted.nanoseconds.push_back(times.admitted - begin);
  }
  std::printf("{\"benchmark\": \"engine/engine_thread\", \"requests\": %zu", taken.nanoseconds.size());
  for (auto* one : {&taken, &admitted, &first_event}) one->print(", ");
  std::printf("}\n");
} catch (std::exception const& failed) {
  std::cerr << failed.what() << "\n";
  return 1;
}
