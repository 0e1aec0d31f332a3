// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/check_parameters.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>
#include <string>

using namespace tenon;

namespace {

constexpr std::int32_t vocabulary = 100;
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

using change = std::function<void(sampling_parameters&)>;

void refuses(std::string const& parameter, std::string const& found, change const& spoil) {
  sampling_parameters parameters;
  spoil(parameters);
  BOOST_CHECK_EXCEPTION(check(parameters, vocabulary), request_error, [&](request_error const& e) {
    BOOST_TEST_INFO(e.what());
    std::string const message = e.what();
    return e.parameter() == parameter && e.code() == "invalid_value" && message.starts_with(parameter) &&
           message.find("expected") != std::string::npos &&
           message.find("found " + found) != std::string::npos;
  });
}

void accepts(change const& choose) {
  sampling_parameters parameters;
  choose(parameters);
  BOOST_CHECK_NO_THROW(check(parameters, vocabulary));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_parameters)

BOOST_AUTO_TEST_CASE(ends_of_ranges_are_within) {
  accepts([](auto&) {});
  for (float const v : {0.0f, 2.0f, 100.0f}) accepts([&](auto& p) { p.temperature = v; });
  for (float const v : {1e-6f, 1.0f}) accepts([&](auto& p) { p.top_p = v; });
  for (float const v : {0.0f, 1.0f}) accepts([&](auto& p) { p.min_p = v; });
  for (float const v : {0.01f, 100.0f}) accepts([&](auto& p) { p.repetition_penalty = v; });
  for (float const v : {-2.0f, 2.0f}) accepts([&](auto& p) { p.presence_penalty = p.frequency_penalty = v; });
  for (int const v : {0, 1, 1 << 30}) accepts([&](auto& p) { p.top_k = v; });
  for (int const v : {-1, 0, 20}) accepts([&](auto& p) { p.logprobs = v; });
  accepts([](auto& p) { p.logit_bias = {{0, -100.0f}, {vocabulary - 1, 100.0f}}; });
  accepts([](auto& p) { p.logit_bias.assign(1024, {3, 0.01f}); });
}

BOOST_AUTO_TEST_CASE(values_outside_are_named) {
  refuses("temperature", "-0.1", [](auto& p) { p.temperature = -0.1f; });
  refuses("temperature", "100.5", [](auto& p) { p.temperature = 100.5f; });
  refuses("temperature", "inf", [](auto& p) { p.temperature = infinity; });
  refuses("top_p", "0", [](auto& p) { p.top_p = 0.0f; });
  refuses("top_p", "1.5", [](auto& p) { p.top_p = 1.5f; });
  refuses("min_p", "-0.5", [](auto& p) { p.min_p = -0.5f; });
  refuses("min_p", "1.25", [](auto& p) { p.min_p = 1.25f; });
  refuses("top_k", "-1", [](auto& p) { p.top_k = -1; });
  refuses("repetition_penalty", "0", [](auto& p) { p.repetition_penalty = 0.0f; });
  refuses("repetition_penalty", "inf", [](auto& p) { p.repetition_penalty = infinity; });
  refuses("presence_penalty", "2.5", [](auto& p) { p.presence_penalty = 2.5f; });
  refuses("frequency_penalty", "-3", [](auto& p) { p.frequency_penalty = -3.0f; });
  refuses("logprobs", "21", [](auto& p) { p.logprobs = 21; });
  refuses("logprobs", "-2", [](auto& p) { p.logprobs = -2; });
}

BOOST_AUTO_TEST_CASE(nan_is_refused_everywhere) {
  refuses("temperature", "nan", [](auto& p) { p.temperature = not_a_number; });
  refuses("top_p", "nan", [](auto& p) { p.top_p = not_a_number; });
  refuses("min_p", "nan", [](auto& p) { p.min_p = not_a_number; });
  refuses("repetition_penalty", "nan", [](auto& p) { p.repetition_penalty = not_a_number; });
  refuses("presence_penalty", "nan", [](auto& p) { p.presence_penalty = not_a_number; });
  refuses("frequency_penalty", "nan", [](auto& p) { p.frequency_penalty = not_a_number; });
  refuses("logit_bias", "nan", [](auto& p) { p.logit_bias = {{3, not_a_number}}; });
}

BOOST_AUTO_TEST_CASE(bias_names_its_token) {
  refuses("logit_bias", "100", [](auto& p) { p.logit_bias = {{vocabulary, 1.0f}}; });
  refuses("logit_bias", "-1", [](auto& p) { p.logit_bias = {{-1, 1.0f}}; });
  refuses("logit_bias", "101 for token 7", [](auto& p) { p.logit_bias = {{7, 101.0f}}; });
  refuses("logit_bias", "1025", [](auto& p) { p.logit_bias.assign(1025, {3, 1.0f}); });
}

BOOST_AUTO_TEST_SUITE_END()
