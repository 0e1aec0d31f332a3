// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace tenon::benchmarks {

/// What stands beside every figure: device, its present clocks, the date and, from the environment, the
/// commit (TENON_COMMIT). JSON members without braces.
inline std::string device_report() {
  std::array<char, 256> line{};
  std::array<char, 128> name{};
  int sm = 0;
  int memory = 0;
  // clocks.sm and clocks.mem in MHz, as the driver's own tool reports them
  if (std::FILE* const pipe =
          popen("nvidia-smi --query-gpu=clocks.sm,clocks.mem,name --format=csv,noheader,nounits 2>/dev/null",
                "r")) {
    if (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
      std::sscanf(line.data(), "%d, %d, %127[^\n]", &sm, &memory, name.data());
    }
    pclose(pipe);
  }
  std::time_t const now = std::time(nullptr);
  std::array<char, 16> date{};
  std::strftime(date.data(), date.size(), "%F", std::gmtime(&now));
  char const* const commit = std::getenv("TENON_COMMIT");
  return "\"device\": \"" + std::string{name.data()} + "\", \"sm_mhz\": " + std::to_string(sm) +
         ", \"memory_mhz\": " + std::to_string(memory) + ", \"date\": \"" + date.data() +
         "\", \"commit\": \"" + (commit != nullptr ? commit : "unknown") + "\"";
}

/// The same for programs that print many lines in a short time: asked once, at the first of them.
inline std::string const& device_report_once() {
  static std::string const report = device_report();
  return report;
}

}  // namespace tenon::benchmarks
