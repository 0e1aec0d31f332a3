// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tenon/core/steady_clock.hpp"

namespace serving {

/// One request as its client saw it, in nanoseconds of steady_nanoseconds().
struct request_record {
  std::int64_t sent = 0;
  std::int64_t ended = 0;
  std::vector<std::int64_t> arrivals{};  ///< of each piece of the answer
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t generated_tokens = 0;
  std::string failure{};  ///< empty if it was answered: else the status, or what went wrong
};

/// Everything that happened at one point of the load curve. Any thread adds.
class measurement {
 public:
  void add(request_record record) {
    std::scoped_lock lock{mutex_};
    records_.push_back(std::move(record));
  }

  /// One JSON line's worth. about: what was measured, which comes first.
  boost::json::object summary(boost::json::object about) const {
    std::scoped_lock lock{mutex_};
    std::vector<double> first, between, whole;
    std::map<std::string, std::int64_t> failures;
    std::int64_t prompt = 0, cached = 0, generated = 0, begin = 0, end = 0, answered = 0;
    for (auto const& one : records_) {
      begin = begin == 0 ? one.sent : std::min(begin, one.sent);
      end = std::max(end, one.ended);
      if (!one.failure.empty() || one.arrivals.empty()) {
        ++failures[one.failure.empty() ? "no token" : one.failure];
        continue;
      }
      ++answered;
      prompt += one.prompt_tokens;
      cached += one.cached_tokens;
      generated += one.generated_tokens;
      first.push_back(milliseconds(one.arrivals.front() - one.sent));
      whole.push_back(milliseconds(one.ended - one.sent));
      for (std::size_t i = 1; i < one.arrivals.size(); ++i)
        between.push_back(milliseconds(one.arrivals[i] - one.arrivals[i - 1]));
    }
    double const seconds = static_cast<double>(end - begin) * 1e-9 + 1e-9;
    auto const a_second = [seconds](std::int64_t count) { return static_cast<double>(count) / seconds; };
    about["requests"] = records_.size();
    about["failures"] = boost::json::value_from(failures);
    about["seconds"] = seconds;
    about["requests_s"] = a_second(answered);
    about["tokens_s"] = a_second(generated);
    about["prompt_tokens_s"] = a_second(prompt);
    about["prompt_tokens"] = prompt;
    about["cached_tokens"] = cached;
    about["generated_tokens"] = generated;
    about["ttft_ms"] = percentiles(first);
    about["itl_ms"] = percentiles(between);
    about["e2e_ms"] = percentiles(whole);
    return about;
  }

 private:
  static double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-6; }

  static boost::json::value percentiles(std::vector<double>& values) {
    if (values.empty()) return nullptr;
    std::ranges::sort(values);
    double sum = 0;
    for (double const value : values) sum += value;
    auto const at = [&](double part) {
      return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
    };
    return {{"mean", sum / static_cast<double>(values.size())},
            {"p50", at(0.5)},
            {"p90", at(0.9)},
            {"p99", at(0.99)}};
  }

  mutable std::mutex mutex_;
  std::vector<request_record> records_;
};

/// Which commit and day a line is of; TENON_COMMIT where it is set.
inline void stamp(boost::json::object& line) {
  if (char const* const commit = std::getenv("TENON_COMMIT")) line["commit"] = commit;
  std::time_t const now = std::time(nullptr);
  char day[16];
  std::strftime(day, sizeof day, "%Y-%m-%d", std::gmtime(&now));
  line["date"] = day;
}

/// JSON with numbers as people write them: Boost.JSON writes 2.5 as 2.5E0.
inline void write(boost::json::value const& value, std::string& to) {
  if (auto const* fields = value.if_object()) {
    char const* before = "{";
    for (auto const& [name, held] : *fields) {
      to.append(std::exchange(before, ", ")).append(boost::json::serialize(name)).append(": ");
      write(held, to);
    }
    to.append(fields->empty() ? "{}" : "}");
  } else if (auto const* number = value.if_double()) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", *number);
    to += digits;
  } else {
    to += boost::json::serialize(value);
  }
}

inline void print(boost::json::object const& line) {
  std::string text;
  write(line, text);
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// A Markdown table of lines, one a row.
class table {
 public:
  void add(boost::json::object const& line) {
    if (rows_++ == 0) {
      std::fprintf(stderr,
                   "| load | requests/s | tokens/s | TTFT p50 | p90 | p99 | between tokens p50 | p90 | p99 | "
                   "end to end p50 "
                   "| p90 | p99 | failed | busy | memory GB |\n");
      for (int i = 0; i < 15; ++i) std::fprintf(stderr, "|---%s", i == 14 ? "|\n" : "");
    }
    auto const* load = line.if_contains("concurrency");
    std::fprintf(stderr, "| %s%g | %.2f | %.0f |", load != nullptr ? "" : "rate ",
                 number(line, load != nullptr ? "concurrency" : "rate"), number(line, "requests_s"),
                 number(line, "tokens_s"));
    for (char const* kind : {"ttft_ms", "itl_ms", "e2e_ms"})
      for (char const* part : {"p50", "p90", "p99"}) {
        auto const* all = line.at(kind).if_object();
        std::fprintf(stderr, all == nullptr ? " - |" : " %.2f |", all == nullptr ? 0.0 : number(*all, part));
      }
    std::int64_t failed = 0;
    for (auto const& [what, count] : line.at("failures").as_object())
      failed += count.to_number<std::int64_t>();
    std::fprintf(stderr, " %lld |", static_cast<long long>(failed));
    std::fprintf(stderr, line.contains("busy") ? " %.0f %% |" : " - |",
                 line.contains("busy") ? 100 * number(line, "busy") : 0.0);
    std::fprintf(stderr, line.contains("memory_gb") ? " %.1f |\n" : " - |\n",
                 line.contains("memory_gb") ? number(line, "memory_gb") : 0.0);
  }

 private:
  static double number(boost::json::object const& line, std::string_view key) {
    return line.at(key).to_number<double>();
  }

  int rows_ = 0;
};

/// Loads to go through: numbers with commas between them.
inline std::vector<double> numbers(std::string const& text) {
  std::vector<double> found;
  for (std::size_t at = 0; at < text.size();) {
    auto const comma = std::min(text.find(',', at), text.size());
    found.push_back(std::stod(text.substr(at, comma - at)));
    at = comma + 1;
  }
  return found;
}

}  // namespace serving
