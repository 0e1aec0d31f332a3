// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include "tenon/core/steady_clock.hpp"

namespace serving {

/// What /metrics says that a load curve is interested in.
struct server_state {
  std::int64_t at = 0;
  double busy_seconds = -1;
  double memory_bytes = 0;
  double replayed = 0;
  double eager = 0;

  void read_line(std::string_view line) {
    double const value = std::strtod(std::string{line.substr(line.rfind(' ') + 1)}.c_str(), nullptr);
    auto const has = [line](std::string_view part) { return line.find(part) != line.npos; };
    if (line.starts_with("tenon:device_busy_seconds_total{")) busy_seconds = value;
    if (line.starts_with("tenon:device_memory_bytes{") && !has("\"free\"")) memory_bytes += value;
    if (line.starts_with("tenon:step_total{") && !has("\"prompt\""))
      (has("\"replay\"") ? replayed : eager) += value;
  }

  /// page: /metrics, as it is now; empty where a server has none.
  static server_state read(std::string const& page) {
    server_state found{.at = tenon::steady_nanoseconds()};
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);) found.read_line(line);
    return found;
  }

  /// What changed since `before`, for the line of a point.
  void add_to(boost::json::object& line, server_state const& before) const {
    if (before.busy_seconds < 0 || busy_seconds < 0) return;
    line["busy"] = (busy_seconds - before.busy_seconds) / (static_cast<double>(at - before.at) * 1e-9);
    line["memory_gb"] = memory_bytes * 1e-9;
    double const decode_only = replayed - before.replayed + eager - before.eager;
    if (decode_only > 0) line["replayed"] = (replayed - before.replayed) / decode_only;
  }
};

}  // namespace serving
