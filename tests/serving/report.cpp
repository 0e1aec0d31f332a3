// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/serving/report.hpp"

#include <boost/test/unit_test.hpp>

namespace {

constexpr std::int64_t ms = 1'000'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(report)

BOOST_AUTO_TEST_CASE(a_summary_is_of_what_was_answered) {
  serving::measurement seen;
  // A hundred requests, one every 10 ms, the first token after 1 to 100 ms, three more every 2 ms.
  for (std::int64_t i = 1; i <= 100; ++i) {
    auto const sent = (1000 + 10 * i) * ms;
    auto const first = sent + i * ms;
    seen.add({.sent = sent,
              .ended = first + 6 * ms,
              .arrivals = {first, first + 2 * ms, first + 4 * ms, first + 6 * ms},
              .prompt_tokens = 5,
              .cached_tokens = 2,
              .generated_tokens = 4});
  }
  seen.add({.sent = 1500 * ms, .ended = 1501 * ms, .failure = "503"});
  seen.add({.sent = 1500 * ms, .ended = 1501 * ms, .failure = "503"});
  seen.add({.sent = 1500 * ms, .ended = 1501 * ms});
  auto const line = seen.summary({{"benchmark", "test"}});
  auto const number = [&](char const* key) { return line.at(key).to_number<double>(); };
  auto const part = [&](char const* key, char const* which) {
    return line.at(key).at(which).to_number<double>();
  };
  BOOST_CHECK_EQUAL(number("requests"), 103);
  BOOST_CHECK_EQUAL(line.at("failures").at("503").to_number<int>(), 2);
  BOOST_CHECK_EQUAL(line.at("failures").at("no token").to_number<int>(), 1);
  BOOST_CHECK_CLOSE(number("seconds"), 1.096, 0.01);  // from 1,010 ms to 2,106 ms
  BOOST_CHECK_CLOSE(number("tokens_s"), 400 / 1.096, 0.01);
  BOOST_CHECK_CLOSE(number("requests_s"), 100 / 1.096, 0.01);
  BOOST_CHECK_EQUAL(number("cached_tokens"), 200);
  BOOST_CHECK_CLOSE(part("ttft_ms", "mean"), 50.5, 1e-6);
  BOOST_CHECK_CLOSE(part("ttft_ms", "p50"), 51, 1e-6);
  BOOST_CHECK_CLOSE(part("ttft_ms", "p90"), 90, 1e-6);
  BOOST_CHECK_CLOSE(part("ttft_ms", "p99"), 99, 1e-6);
  BOOST_CHECK_CLOSE(part("itl_ms", "p99"), 2, 1e-6);
  BOOST_CHECK_CLOSE(part("e2e_ms", "p90"), 96, 1e-6);
}

BOOST_AUTO_TEST_CASE(nothing_answered_is_no_figure) {
  serving::measurement seen;
  seen.add({.sent = 1, .ended = 2, .failure = "404"});
  auto const line = seen.summary({});
  BOOST_CHECK(line.at("ttft_ms").is_null());
  BOOST_CHECK_EQUAL(line.at("tokens_s").to_number<double>(), 0);
}

BOOST_AUTO_TEST_CASE(lines_are_json_with_plain_numbers) {
  boost::json::object const line{
      {"a", 2.5}, {"b", {{"c", 1e-4}, {"d", nullptr}}}, {"e", "x\"y"}, {"f", boost::json::object{}}};
  std::string text;
  serving::write(line, text);
  BOOST_CHECK_EQUAL(text, R"({"a": 2.5, "b": {"c": 0.0001, "d": null}, "e": "x\"y", "f": {}})");
  BOOST_CHECK_EQUAL(boost::json::parse(text), boost::json::value(line));
}

BOOST_AUTO_TEST_CASE(loads_stand_between_commas) {
  BOOST_TEST(serving::numbers("1,8,2.5") == (std::vector<double>{1, 8, 2.5}),
             boost::test_tools::per_element());
  BOOST_CHECK_THROW(serving::numbers("1,x"), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
