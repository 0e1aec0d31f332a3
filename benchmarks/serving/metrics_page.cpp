// SPDX-License-Identifier: Apache-2.0
// What metrics cost: metrics_page. A JSON line with the microseconds that the page of /metrics takes, the
// least and the median of a thousand, its bytes, and the nanoseconds that a token's event takes.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "server/metrics.hpp"
#include "tenon/core/steady_clock.hpp"

int main() {
  server::serving_metrics metrics{"a-model"};
  tenon::engine_stats stats;
  for (std::int32_t rows : {1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 96, 128, 160, 192, 224, 256})
    stats.steps.buckets.push_back({rows, 1000 + rows, 1});
  auto request = metrics.follow(std::chrono::steady_clock::now(), 100);
  constexpr int events = 1'000'000;
  tenon::event happened;
  happened.token = 1;
  auto const begin = tenon::steady_nanoseconds();
  for (int i = 0; i < events; ++i) {
    happened.at = begin + i * std::int64_t{997};
    request.hear(happened);
  }
  auto const an_event = static_cast<double>(tenon::steady_nanoseconds() - begin) / events;
  std::size_t bytes = 0;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 1000; ++i) {
    auto const start = tenon::steady_nanoseconds();
    bytes = metrics.render(stats, {}).size();
    times.push_back(tenon::steady_nanoseconds() - start);
  }
  std::ranges::sort(times);
  std::printf(
      "{\"benchmark\": \"serving/metrics_page\", \"page_us\": {\"least\": %.1f, \"p50\": %.1f}, \"bytes\": "
      "%zu, "
      "\"ns_an_event\": %.1f}\n",
      static_cast<double>(times.front()) * 1e-3, static_cast<double>(times[times.size() / 2]) * 1e-3, bytes,
      an_event);
}
