// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "tenon/core/steady_clock.hpp"

namespace {

using namespace std::chrono_literals;
using tenon::finish_reason;

/// The page as Prometheus reads it, refusing what it would refuse.
struct parsed_page {
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;  // by name and labels, as written

  explicit parsed_page(std::string const& text) {
    std::istringstream in{text};
    std::string family;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("# HELP ")) {
        family = line.substr(7, line.find(' ', 7) - 7);
        BOOST_REQUIRE_MESSAGE(!types.contains(family), family << " stands there twice");
      } else if (line.starts_with("# TYPE ")) {
        auto const space = line.find(' ', 7);
        BOOST_REQUIRE_EQUAL(line.substr(7, space - 7), family);
        types[family] = line.substr(space + 1);
      } else {
        auto const space = line.rfind(' ');
        auto const key = line.substr(0, space);
        BOOST_REQUIRE_MESSAGE(key.starts_with(family) && types.contains(family),
                              key << " outside its family");
        BOOST_REQUIRE_MESSAGE(samples.emplace(key, std::stod(line.substr(space + 1))).second,
                              key << " stands there twice");
      }
    }
  }

  double at(std::string const& key) const {
    BOOST_REQUIRE_MESSAGE(samples.contains(key), key << " is not there");
    return samples.at(key);
  }
  double of(std::string const& name, std::string const& labels = "") const {
    return at(name + "{model_name=\"tiny\"" + labels + "}");
  }
};

parsed_page page_of(server::serving_metrics const& metrics, tenon::engine_stats const& stats = {},
                    tenon::engine_description const& engine = {}) {
  return parsed_page{metrics.render(stats, engine)};
}

tenon::event token_at(std::int64_t at, std::int32_t choice = 0, finish_reason finish = finish_reason::none) {
  tenon::event happened;
  happened.choice = choice;
  happened.token = 5;
  happened.at = at;
  happened.finish = finish;
  return happened;
}

constexpr std::int64_t ms = 1'000'000;

/// An engine's state with something in every field that the page shows.
tenon::engine_stats busy_stats() {
  tenon::engine_stats stats;
  stats.requests = {.waiting = 3, .running = 2, .preemptions = 4};
  stats.pages = {.total = 200, .free = 100, .cached = 50, .held = 50};
  stats.steps = {
      .replayed = 90, .eager = 30, .decode_only = 100, .buckets = {{1, 60, 2}, {2, 30, 0}, {4, 0, 0}}};
  stats.memory = {.weights = 1000, .cache = 200, .workspace = 30, .unused = 4, .device_free = 5000};
  stats.prompt_tokens = 700;
  stats.cached_tokens = 300;
  stats.last_rows = 2;
  stats.last_tokens = 17;
  return stats;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(every_name_has_the_type_that_dashboards_expect) {
  std::map<std::string, std::string> const shared{{"num_requests_running", "gauge"},
                                                  {"num_requests_waiting", "gauge"},
                                                  {"kv_cache_usage_perc", "gauge"},
                                                  {"cache_config_info", "gauge"},
                                                  {"prompt_tokens_total", "counter"},
                                                  {"generation_tokens_total", "counter"},
                                                  {"prefix_cache_queries_total", "counter"},
                                                  {"prefix_cache_hits_total", "counter"},
                                                  {"num_preemptions_total", "counter"},
                                                  {"request_success_total", "counter"},
                                                  {"time_to_first_token_seconds", "histogram"},
                                                  {"inter_token_latency_seconds", "histogram"},
                                                  {"time_per_output_token_seconds", "histogram"},
                                                  {"e2e_request_latency_seconds", "histogram"},
                                                  {"request_queue_time_seconds", "histogram"},
                                                  {"request_prefill_time_seconds", "histogram"},
                                                  {"request_decode_time_seconds", "histogram"}};
  std::map<std::string, std::string> expected{
      {"tenon:step_total", "counter"},      {"tenon:batch_rows", "gauge"},
      {"tenon:batch_tokens", "gauge"},      {"tenon:device_memory_bytes", "gauge"},
      {"tenon:device_busy_ratio", "gauge"}, {"tenon:device_busy_seconds_total", "counter"}};
  for (auto const& [name, type] : shared) expected["vllm:" + name] = expected["tenon:" + name] = type;
  server::serving_metrics const metrics{"tiny"};
  auto const page = page_of(metrics);
  BOOST_CHECK(page.types == expected);
  for (auto const& [key, value] : page.samples)
    BOOST_CHECK_NE(key.find("{model_name=\"tiny\""), std::string::npos);
}

BOOST_AUTO_TEST_CASE(gauges_are_the_engines) {
  server::serving_metrics const metrics{"tiny"};
  tenon::engine_description engine;
  engine.cache_block_tokens = 16;
  engine.cache_blocks = 200;
  auto const page = page_of(metrics, busy_stats(), engine);
  for (std::string const prefix : {"vllm:", "tenon:"}) {
    BOOST_CHECK_EQUAL(page.of(prefix + "num_requests_running"), 2);
    BOOST_CHECK_EQUAL(page.of(prefix + "num_requests_waiting"), 3);
    BOOST_CHECK_EQUAL(page.of(prefix + "kv_cache_usage_perc"), 0.25);
    BOOST_CHECK_EQUAL(page.of(prefix + "cache_config_info", ",block_size=\"16\",num_gpu_blocks=\"200\""), 1);
    BOOST_CHECK_EQUAL(page.of(prefix + "prefix_cache_queries_total"), 700);
    BOOST_CHECK_EQUAL(page.of(prefix + "prefix_cache_hits_total"), 300);
    BOOST_CHECK_EQUAL(page.of(prefix + "num_preemptions_total"), 4);
  }
  BOOST_CHECK_EQUAL(page.of("tenon:batch_rows"), 2);
  BOOST_CHECK_EQUAL(page.of("tenon:batch_tokens"), 17);
  BOOST_CHECK_EQUAL(page.of("tenon:device_memory_bytes", ",kind=\"weights\""), 1000);
  BOOST_CHECK_EQUAL(page.of("tenon:device_memory_bytes", ",kind=\"cache\""), 200);
  BOOST_CHECK_EQUAL(page.of("tenon:device_memory_bytes", ",kind=\"workspace\""), 30);
  BOOST_CHECK_EQUAL(page.of("tenon:device_memory_bytes", ",kind=\"free\""), 5004);
}

BOOST_AUTO_TEST_CASE(steps_add_up_to_those_of_the_engine) {
  server::serving_metrics const metrics{"tiny"};
  auto const page = page_of(metrics, busy_stats());
  auto const steps = [&](std::string const& kind, std::string const& rows) {
    return page.of("tenon:step_total", ",kind=\"" + kind + "\",rows=\"" + rows + "\"");
  };
  BOOST_CHECK_EQUAL(steps("replay", "1"), 60);
  BOOST_CHECK_EQUAL(steps("eager", "1"), 2);
  BOOST_CHECK_EQUAL(steps("replay", "2"), 30);
  BOOST_CHECK_EQUAL(steps("replay", "other"), 0);
  BOOST_CHECK_EQUAL(steps("eager", "other"), 8);
  BOOST_CHECK_EQUAL(steps("eager", "prompt"), 20);
  double sum = 0;
  for (auto const& [key, value] : page.samples) sum += key.starts_with("tenon:step_total") ? value : 0;
  BOOST_CHECK_EQUAL(sum, 120);
}

BOOST_AUTO_TEST_CASE(nothing_runs_means_no_rows) {
  server::serving_metrics const metrics{"tiny"};
  auto stats = busy_stats();
  stats.requests.running = 0;
  BOOST_CHECK_EQUAL(page_of(metrics, stats).of("tenon:batch_rows"), 0);
}

BOOST_AUTO_TEST_CASE(a_request_is_told_in_counters_and_durations) {
  server::serving_metrics metrics{"tiny"};
  auto const arrived = std::chrono::steady_clock::now();
  auto const since = std::chrono::duration_cast<std::chrono::nanoseconds>(arrived.time_since_epoch()).count();
  {
    auto watched = metrics.follow(arrived, 12);
    auto first = token_at(since + 30 * ms);
    first.times = {.submitted = since + 2 * ms, .admitted = since + 6 * ms, .first_token = since + 29 * ms};
    watched.hear(first);
    watched.hear(token_at(since + 34 * ms));
    auto const moved = std::make_unique<server::serving_metrics::request>(std::move(watched));
    moved->hear(token_at(since + 42 * ms, 0, finish_reason::length));
  }
  auto const page = page_of(metrics);
  auto const about = [&](std::string const& name, double sum, double count) {
    BOOST_CHECK_CLOSE(page.of("vllm:" + name + "_sum"), sum, 1e-6);
    BOOST_CHECK_EQUAL(page.of("vllm:" + name + "_count"), count);
    BOOST_CHECK_EQUAL(page.of("tenon:" + name + "_count"), count);
    BOOST_CHECK_EQUAL(page.of("vllm:" + name + "_bucket", ",le=\"+Inf\""), count);
  };
  about("time_to_first_token_seconds", 0.030, 1);
  about("inter_token_latency_seconds", 0.012, 2);
  about("time_per_output_token_seconds", 0.006, 1);
  about("e2e_request_latency_seconds", 0.042, 1);
  about("request_queue_time_seconds", 0.004, 1);
  about("request_prefill_time_seconds", 0.023, 1);
  about("request_decode_time_seconds", 0.012, 1);
  BOOST_CHECK_EQUAL(page.of("vllm:time_to_first_token_seconds_bucket", ",le=\"0.02\""), 0);
  BOOST_CHECK_EQUAL(page.of("vllm:time_to_first_token_seconds_bucket", ",le=\"0.04\""), 1);
  BOOST_CHECK_EQUAL(page.of("vllm:time_to_first_token_seconds_bucket", ",le=\"1.0\""), 1);
  BOOST_CHECK_EQUAL(page.of("vllm:inter_token_latency_seconds_bucket", ",le=\"0.005\""), 1);
  BOOST_CHECK_EQUAL(page.of("vllm:inter_token_latency_seconds_bucket", ",le=\"0.01\""), 2);
  BOOST_CHECK_EQUAL(page.of("vllm:prompt_tokens_total"), 12);
  BOOST_CHECK_EQUAL(page.of("vllm:generation_tokens_total"), 3);
  BOOST_CHECK_EQUAL(page.of("vllm:request_success_total", ",finished_reason=\"length\""), 1);
  BOOST_CHECK_EQUAL(page.of("vllm:request_success_total", ",finished_reason=\"abort\""), 0);
}

BOOST_AUTO_TEST_CASE(every_choice_ends_once) {
  server::serving_metrics metrics{"tiny"};
  {
    auto watched = metrics.follow(std::chrono::steady_clock::now(), 12, 5);
    for (std::int32_t choice = 0; choice < 5; ++choice)
      watched.hear(token_at(tenon::steady_nanoseconds(), choice));
    watched.end(0, server::outcome::stop);  // a stop string; the engine is asked to cancel, and says so:
    watched.hear(token_at(tenon::steady_nanoseconds(), 0));
    watched.hear({.choice = 0, .finish = finish_reason::cancelled});
    watched.hear({.choice = 1, .finish = finish_reason::stop});
    watched.end(1, server::outcome::abort);
    watched.hear({.choice = 2, .finish = finish_reason::failed});
    watched.hear({.choice = 3, .finish = finish_reason::cancelled});
  }  // choice 4 is left alone
  auto const page = page_of(metrics);
  auto const ended = [&](std::string const& how) {
    return page.of("tenon:request_success_total", ",finished_reason=\"" + how + "\"");
  };
  BOOST_CHECK_EQUAL(ended("stop"), 2);
  BOOST_CHECK_EQUAL(ended("length"), 0);
  BOOST_CHECK_EQUAL(ended("error"), 1);
  BOOST_CHECK_EQUAL(ended("abort"), 2);
  BOOST_CHECK_EQUAL(page.of("vllm:generation_tokens_total"), 5);
  BOOST_CHECK_EQUAL(page.of("vllm:prompt_tokens_total"), 12);
  BOOST_CHECK_EQUAL(page.of("vllm:e2e_request_latency_seconds_count"), 5);
}

BOOST_AUTO_TEST_CASE(buckets_are_cumulative) {
  server::serving_metrics metrics{"tiny"};
  auto watched = metrics.follow(std::chrono::steady_clock::now(), 1);
  std::int64_t at = 0;
  for (int i = 0; i < 40; ++i) watched.hear(token_at(at += (std::int64_t{1} << i)));
  std::istringstream in{metrics.render({}, {})};
  double before = 0;
  int buckets = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("vllm:inter_token_latency_seconds_bucket")) continue;
    double const now = std::stod(line.substr(line.rfind(' ')));
    BOOST_CHECK_GE(now, before);
    before = now;
    ++buckets;
  }
  BOOST_CHECK_EQUAL(buckets, static_cast<int>(server::token_bounds.size()) + 1);
  BOOST_CHECK_EQUAL(before, 39);
}

BOOST_AUTO_TEST_CASE(threads_that_add_lose_nothing) {
  server::serving_metrics metrics{"tiny"};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        auto watched = metrics.follow(std::chrono::steady_clock::now(), 3);
        for (int k = 0; k < 10; ++k) watched.hear(token_at(tenon::steady_nanoseconds()));
        if (i % 100 == 0) metrics.render({}, {});
      }
    });
  for (auto& thread : threads) thread.join();
  auto const page = page_of(metrics);
  BOOST_CHECK_EQUAL(page.of("vllm:generation_tokens_total"), 20000);
  BOOST_CHECK_EQUAL(page.of("vllm:prompt_tokens_total"), 6000);
  BOOST_CHECK_EQUAL(page.of("vllm:inter_token_latency_seconds_count"), 18000);
}

BOOST_AUTO_TEST_CASE(the_busy_ratio_is_that_of_recent_time) {
  server::serving_metrics const metrics{"tiny"};
  tenon::engine_stats stats;
  BOOST_CHECK_EQUAL(page_of(metrics, stats).of("tenon:device_busy_ratio"), 0);
  std::this_thread::sleep_for(20ms);
  stats.busy_nanoseconds = std::int64_t{3600} * 1'000'000'000;  // more than has passed
  auto const page = page_of(metrics, stats);
  BOOST_CHECK_EQUAL(page.of("tenon:device_busy_ratio"), 1);
  BOOST_CHECK_EQUAL(page.of("tenon:device_busy_seconds_total"), 3600);
  std::this_thread::sleep_for(1100ms);
  page_of(metrics, stats);
  std::this_thread::sleep_for(1100ms);
  BOOST_CHECK_EQUAL(page_of(metrics, stats).of("tenon:device_busy_ratio"), 0);
}

BOOST_AUTO_TEST_CASE(a_models_name_cannot_break_the_page) {
  server::serving_metrics const metrics{"a\"b\\c\nd"};
  auto const page = page_of(metrics);
  BOOST_CHECK_EQUAL(page.at("vllm:num_requests_running{model_name=\"a\\\"b\\\\c\\nd\"}"), 0);
}

BOOST_AUTO_TEST_CASE(promtool_accepts_the_page) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) {
    BOOST_TEST_MESSAGE("skipped: no promtool");
    return;
  }
  server::serving_metrics metrics{"tiny \"model\""};
  metrics.follow(std::chrono::steady_clock::now(), 3).hear(token_at(tenon::steady_nanoseconds()));
  auto const file =
      (std::filesystem::temp_directory_path() / ("tenon-metrics-" + std::to_string(::getpid()))).string();
  std::ofstream{file} << metrics.render(busy_stats(), {});
  auto const command = "promtool check metrics <" + file + " 2>&1";
  std::unique_ptr<FILE, int (*)(FILE*)> const output{::popen(command.c_str(), "r"), &::pclose};
  // It parsed the page when it got to finding fault with the names, which are not ours to choose.
  int names = 0;
  for (char line[512]; std::fgets(line, sizeof line, output.get()) != nullptr;) {
    BOOST_CHECK_MESSAGE(std::string_view{line}.ends_with("metric names should not contain ':'\n"), line);
    ++names;
  }
  BOOST_CHECK_EQUAL(names, static_cast<int>(page_of(metrics).types.size()));
  std::filesystem::remove(file);
}

BOOST_AUTO_TEST_CASE(the_dashboard_asks_for_what_is_there) {
  char const* const root = std::getenv("TENON_SOURCE_DIR");
  if (root == nullptr) {
    BOOST_TEST_MESSAGE("skipped: TENON_SOURCE_DIR is not set");
    return;
  }
  std::ifstream file{std::string{root} + "/examples/server/grafana_dashboard.json"};
  std::string const text{std::istreambuf_iterator<char>{file}, {}};
  server::serving_metrics const metrics{"tiny"};
  auto const page = metrics.render(busy_stats(), {});
  std::set<std::string> asked;
  for (auto at = text.find("tenon:"); at != std::string::npos; at = text.find("tenon:", at + 1)) {
    auto const end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_:", at);
    asked.insert(text.substr(at, end - at));
  }
  BOOST_CHECK_GT(asked.size(), 20u);
  for (auto const& name : asked)
    BOOST_CHECK_MESSAGE(page.find("\n" + name + "{") != std::string::npos, name << " is not on the page");
}

BOOST_AUTO_TEST_SUITE_END()
