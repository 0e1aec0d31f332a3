// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/text/strict_json.hpp"

/// What users ask, the same for a server and for an engine alone: request number i is a function of i and the
/// seed.
namespace serving {

/// Lengths: "128", "uniform:64:256", or "lognormal:MEDIAN:SIGMA" cut off at eight times the median.
class lengths {
 public:
  explicit lengths(std::string const& text) {
    std::istringstream in{text};
    std::string kind;
    std::getline(in, kind, ':');
    char colon = ':';
    if (kind == "uniform" && in >> low_ >> colon >> high_ && colon == ':' && low_ >= 1 && high_ >= low_)
      return;
    if (kind == "lognormal" && in >> median_ >> colon >> sigma_ && colon == ':' && median_ >= 1 &&
        sigma_ >= 0)
      return;
    std::istringstream number{text};
    if (number >> low_ && number.eof() && low_ >= 1) {
      high_ = low_;
      return;
    }
    throw std::runtime_error{"lengths: expected N, uniform:LOW:HIGH or lognormal:MEDIAN:SIGMA, found '" +
                             text + "'"};
  }

  std::int32_t draw(std::mt19937_64& random) const {
    if (median_ == 0) return std::uniform_int_distribution<std::int32_t>{low_, high_}(random);
    double const drawn = std::lognormal_distribution<>{std::log(median_), sigma_}(random);
    return static_cast<std::int32_t>(std::clamp(drawn, 1.0, 8 * median_));
  }

 private:
  std::int32_t low_ = 0;
  std::int32_t high_ = 0;
  double median_ = 0;
  double sigma_ = 0;
};

/// One user: a system prompt, and what is said in turn; each turn sees the answers before it.
struct conversation {
  struct turn {
    std::string text;
    std::int32_t max_tokens = 0;
  };
  std::string system;
  std::vector<turn> turns;
};

struct workload_settings {
  std::string prompt_tokens = "128";
  std::string output_tokens = "128";
  std::int32_t shared_prefix = 0;  ///< words of system prompt that all conversations have in common
  std::int32_t turns = 1;
  std::uint64_t seed = 1;
  std::string file{};  ///< in place of all of these but the seed
};

class workload {
 public:
  /// A line of the file is {"turns": [{"text", "max_tokens"}, ...], "system"?} or {"prompt", "max_tokens"}.
  /// Throws std::runtime_error and request_error.
  explicit workload(workload_settings const& wanted)
      : wanted_{wanted}, prompt_{wanted.prompt_tokens}, output_{wanted.output_tokens} {
    std::mt19937_64 random{wanted.seed};
    shared_ = words(random, wanted.shared_prefix);
    if (!wanted.file.empty()) read(wanted.file);
  }

  conversation make(std::uint64_t number) const {
    if (!read_.empty()) return read_[number % read_.size()];
    std::seed_seq mixed{wanted_.seed, number, std::uint64_t{0x7e11}};
    std::mt19937_64 random{mixed};
    conversation made{.system = shared_, .turns = {}};
    for (std::int32_t i = 0; i < wanted_.turns; ++i) {
      auto const length = prompt_.draw(random);
      made.turns.push_back({words(random, length), output_.draw(random)});
    }
    return made;
  }

 private:
  /// About one token each in tokenizers of English.
  static std::string words(std::mt19937_64& random, std::int32_t count) {
    static constexpr std::string_view list[] = {
        "time",   "year",   "people",   "way",   "day",   "man",  "thing",  "world", "life",    "hand",
        "part",   "child",  "eye",      "place", "work",  "week", "case",   "point", "state",   "water",
        "room",   "mother", "area",     "money", "story", "fact", "month",  "lot",   "right",   "study",
        "book",   "word",   "business", "issue", "side",  "kind", "head",   "house", "service", "friend",
        "father", "power",  "hour",     "game",  "line",  "end",  "member", "law",   "car",     "city",
        "name",   "team",   "minute",   "idea",  "body",  "back", "parent", "face",  "level",   "office",
        "door",   "health", "person",   "art"};
    std::uniform_int_distribution<std::size_t> pick{0, std::size(list) - 1};
    std::string text;
    for (std::int32_t i = 0; i < count; ++i) text.append(i == 0 ? "" : " ").append(list[pick(random)]);
    return text;
  }

  void read(std::string const& path) {
    std::ifstream in{path};
    if (!in) throw std::runtime_error{path + ": cannot be opened"};
    for (std::string line; std::getline(in, line);) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto const value = tenon::parse_strict_json(line);
      auto const& fields = value.as_object();
      conversation made;
      if (auto const* system = fields.if_contains("system")) made.system = system->as_string();
      auto const add = [&](boost::json::object const& turn, char const* text) {
        made.turns.push_back(
            {std::string{turn.at(text).as_string()}, turn.at("max_tokens").to_number<std::int32_t>()});
      };
      if (fields.contains("prompt"))
        add(fields, "prompt");
      else
        for (auto const& turn : fields.at("turns").as_array()) add(turn.as_object(), "text");
      read_.push_back(std::move(made));
    }
    if (read_.empty()) throw std::runtime_error{path + ": expected at least one line"};
  }

  workload_settings wanted_;
  lengths prompt_;
  lengths output_;
  std::string shared_;
  std::vector<conversation> read_;
};

}  // namespace serving
