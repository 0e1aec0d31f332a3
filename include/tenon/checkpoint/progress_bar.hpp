// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace tenon {

/// Draws the progress of a long load on one line of a terminal; silent where standard error is not one.
///
/// Pass it as `std::ref(bar)` to `load_options::progress`. The line ends with a newline when the load is
/// done, or when the bar is destroyed before.
class progress_bar {
 public:
  explicit progress_bar(std::string label, int descriptor = STDERR_FILENO)
      : label_{std::move(label)}, descriptor_{descriptor}, visible_{::isatty(descriptor) == 1} {}
  progress_bar(progress_bar const&) = delete;
  progress_bar& operator=(progress_bar const&) = delete;
  ~progress_bar() {
    if (drawn_) write("\n");
  }

  void operator()(std::uint64_t bytes_done, std::uint64_t bytes_total) {
    if (!visible_) return;
    auto const now = clock::now();
    bool const finished = bytes_done >= bytes_total;
    if (drawn_ && !finished && now - last_ < std::chrono::milliseconds{50}) return;
    last_ = now;
    drawn_ = true;
    write("\r" + line(label_, bytes_done, bytes_total, std::chrono::duration<double>(now - begin_).count()));
    if (finished) {
      write("\n");
      drawn_ = false;
    }
  }

  /// The text of one state: `loading [#####.....]  50 %  1.72 of 3.44 GB in 0.8 s  2.15 GB/s`.
  static std::string line(std::string const& label, std::uint64_t bytes_done, std::uint64_t bytes_total,
                          double seconds) {
    constexpr int cells = 30;
    double const share =
        bytes_total == 0 ? 1.0 : static_cast<double>(bytes_done) / static_cast<double>(bytes_total);
    auto const full = static_cast<int>(share * cells);
    std::string bar(static_cast<std::size_t>(full), '#');
    bar.resize(cells, '.');
    double const done = static_cast<double>(bytes_done) * 1e-9;
    char numbers[128];
    std::snprintf(numbers, sizeof numbers, "%3d %%  %.2f of %.2f GB in %.1f s  %.2f GB/s",
                  static_cast<int>(share * 100), done, static_cast<double>(bytes_total) * 1e-9, seconds,
                  seconds > 0 ? done / seconds : 0.0);
    return label + " [" + bar + "] " + numbers;
  }

 private:
  using clock = std::chrono::steady_clock;

  void write(std::string const& text) const noexcept {
    // A terminal that went away is no reason to stop loading.
    [[maybe_unused]] auto const written = ::write(descriptor_, text.data(), text.size());
  }

  std::string label_;
  int descriptor_;
  bool visible_;
  bool drawn_ = false;
  clock::time_point begin_ = clock::now();
  clock::time_point last_{};
};

}  // namespace tenon
