// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon::testing {

inline std::string model_directory() {
  char const* const source = std::getenv("TENON_SOURCE_DIR");
  BOOST_REQUIRE_MESSAGE(source != nullptr, "TENON_SOURCE_DIR must name the repository");
  return std::string{source} + "/examples/tiny_model";
}

struct answered {
  std::vector<token_id> prompt;
  std::vector<token_id> greedy;
};

/// Of the shipped model: what transformers answers in fp32.
inline std::vector<answered> stored_answers() {
  std::ifstream lines{model_directory() + "/expected_ids.jsonl"};
  BOOST_REQUIRE_MESSAGE(lines, "expected_ids.jsonl is missing");
  std::vector<answered> all;
  for (std::string line; std::getline(lines, line);) {
    auto const parsed = boost::json::parse(line);
    all.push_back({boost::json::value_to<std::vector<token_id>>(parsed.at("prompt")),
                   boost::json::value_to<std::vector<token_id>>(parsed.at("greedy"))});
  }
  return all;
}

}  // namespace tenon::testing
