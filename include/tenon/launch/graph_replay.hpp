// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/cuda/context.hpp"
#include "tenon/cuda/status.hpp"
#include "tenon/launch/launch_policy.hpp"

namespace tenon {

/// Decode-only steps are padded to the next of `Rows...` and replayed as one CUDA graph each, captured before
/// the first step; all others are enqueued op by op.
template <std::int32_t... Rows> class graph_replay {
  static_assert(sizeof...(Rows) > 0, "graph_replay needs at least one bucket of rows");

 public:
  static constexpr std::string_view name = "graph_replay";
  static constexpr bool captures = true;

  /// Largest first, the order in which they are captured.
  static constexpr auto buckets = [] {
    std::array<std::int32_t, sizeof...(Rows)> rows{Rows...};
    std::ranges::sort(rows, std::greater{});
    return rows;
  }();

  static constexpr batch_shape padded(batch_shape const& shape) noexcept { return padded_to<Rows...>(shape); }

  /// Captures what `record` enqueues for `shape`; nothing of it runs. Its kernels must have been loaded: a
  /// capture does not allow that everywhere.
  template <class Record> void prepare(cuda::context& context, batch_shape const& shape, Record&& record) {
    cuda::check(cudaStreamBeginCapture(context.stream(), cudaStreamCaptureModeThreadLocal));
    try {
      record();
    } catch (...) {
      cudaGraph_t unfinished = nullptr;
      cudaStreamEndCapture(context.stream(), &unfinished);
      if (unfinished != nullptr) cudaGraphDestroy(unfinished);
      throw;
    }
    cudaGraph_t recorded = nullptr;
    cuda::check(cudaStreamEndCapture(context.stream(), &recorded));
    cudaGraphExec_t executable = nullptr;
    auto const status = cudaGraphInstantiate(&executable, recorded, 0);
    cudaGraphDestroy(recorded);
    cuda::check(status);
    recordings_.push_back({without_copies(shape), recording{executable}});
    cuda::check(cudaGraphUpload(executable, context.stream()));
  }

  template <class Record> void run(cuda::context& context, batch_shape const& shape, Record&& record) {
    auto const found = std::ranges::find(recordings_, without_copies(shape), &entry::shape);
    bool const replays = found != recordings_.end();
    if (replays) {
      cuda::check(cudaGraphLaunch(found->graph.get(), context.stream()));
    } else {
      record();
    }
    tally_.count(shape, replays);
  }

  launch_counts counts() const { return tally_.counts(); }

 private:
  class recording {
   public:
    explicit recording(cudaGraphExec_t graph) : graph_{graph} {}
    recording(recording&& other) noexcept : graph_{std::exchange(other.graph_, nullptr)} {}
    recording& operator=(recording&& other) noexcept {
      std::swap(graph_, other.graph_);
      return *this;
    }
    ~recording() {
      if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
    }
    cudaGraphExec_t get() const noexcept { return graph_; }

   private:
    cudaGraphExec_t graph_ = nullptr;
  };

  struct entry {
    batch_shape shape;
    recording graph;
  };

  /// Copies of pages run before the graph, so that their number does not matter to it.
  static constexpr batch_shape without_copies(batch_shape shape) noexcept {
    shape.page_copies = 0;
    return shape;
  }

  std::vector<entry> recordings_;
  launch_tally<Rows...> tally_;
};

}  // namespace tenon
