// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "server/histogram.hpp"
#include "server/metric_names.hpp"
#include "tenon/engine/any_engine.hpp"
#include "tenon/work/event.hpp"

namespace server {

/// What operators see. Everything that happens to a request is added without a lock; gauges come from the
/// engine's statistics when the page is made.
class serving_metrics {
 public:
  /// Follows one request, in whichever thread handles its events: one at a time. What has not ended when this
  /// object goes is counted as aborted. Must not outlive the metrics.
  class request {
   public:
    request(request&& other) noexcept;
    request& operator=(request&& other) = delete;
    ~request();

    /// An event of the engine. The choice's last one ends it, unless `end` did so before.
    void hear(tenon::event const& happened);

    /// The choice ended before the engine knew: a stop string. Its later events are not counted.
    void end(std::int32_t choice, outcome how);

   private:
    friend class serving_metrics;
    struct choice_record {
      std::int64_t first_at = 0;
      std::int64_t last_at = 0;
      std::int64_t tokens = 0;
      bool ended = false;
    };

    request(serving_metrics& all, std::int64_t arrived, std::int32_t prompt_tokens, std::int32_t choices);
    void count_first_token(tenon::event const& happened);
    void count_end(choice_record& choice, outcome how, std::int64_t at);

    serving_metrics* all_;
    std::int64_t arrived_;
    std::int32_t prompt_tokens_;
    bool prompt_counted_ = false;
    std::vector<choice_record> choices_;
  };

  /// model_name: the label of every sample.
  explicit serving_metrics(std::string const& model_name);

  /// A request that was submitted. arrived: when its first byte was there.
  request follow(std::chrono::steady_clock::time_point arrived, std::int32_t prompt_tokens,
                 std::int32_t choices = 1);

  /// The page of /metrics, in Prometheus' text format. From any thread.
  std::string render(tenon::engine_stats const& stats, tenon::engine_description const& engine) const;

  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  /// The busy ratio is over the last second or two, or since the page was asked for before: however many ask.
  struct busy_sample {
    std::int64_t at = 0;
    double busy_seconds = 0.0;
  };
  double busy_ratio(std::int64_t now, double busy_seconds) const;

  void count_up(counter which, std::uint64_t by = 1) noexcept {
    counters_[static_cast<std::size_t>(which)].fetch_add(by, std::memory_order_relaxed);
  }
  histogram& of(duration which) noexcept { return durations_[static_cast<std::size_t>(which)]; }

  std::string model_label_;  // `model_name="..."`
  std::array<std::atomic<std::uint64_t>, counters> counters_{};
  std::array<std::atomic<std::uint64_t>, outcome_labels.size()> outcomes_{};
  std::array<histogram, durations> durations_;
  mutable std::mutex page_mutex_;
  mutable std::array<busy_sample, 2> busy_{};
};

}  // namespace server
