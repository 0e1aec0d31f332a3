// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "tenon/backend/backend.hpp"
#include "tenon/backend/buffer.hpp"

namespace tenon {

/// Called as (bytes_done, bytes_total), from one thread at a time, bytes_done never falling; the last call
/// has bytes_done == bytes_total.
using load_progress = std::function<void(std::uint64_t, std::uint64_t)>;

/// One thread's way to the device: scratch areas in memory that asynchronous copies may read, and `upload`. A
/// job takes at most one area of each kind; while its copy goes on, the next jobs fill others.
template <backend B> class upload_lane {
 public:
  upload_lane(typename B::context& context, std::mutex& upload_order)
      : context_{&context}, upload_order_{&upload_order} {}

  /// Scratch for what was read; valid until the job ends.
  std::span<std::byte> source_scratch(std::size_t bytes) { return grown(areas_[turn_].source, bytes); }

  /// Scratch for what is to be uploaded; valid until the job ends.
  template <class Element> std::span<Element> target_scratch(std::size_t count) {
    auto const bytes = grown(areas_[turn_].target, count * sizeof(Element));
    return {reinterpret_cast<Element*>(bytes.data()), count};
  }

  /// Enqueues a copy to device memory. `from` must not change before the lane's turn is over: it lies in one
  /// of the scratch areas, or lives as long as the queue's run.
  void upload(void* to, std::span<std::byte const> from) {
    std::scoped_lock const one_at_a_time{*upload_order_};  // a context belongs to one thread at a time
    context_->copy_in_async(to, from.data(), from.size());
    areas_[turn_].last_copy = context_->record();
    areas_[turn_].in_use = true;
  }

  /// The job is done: the next one gets areas whose copies have ended.
  void next_job() {
    turn_ = (turn_ + 1) % areas_.size();
    auto& area = areas_[turn_];
    if (std::exchange(area.in_use, false)) context_->wait(area.last_copy);
  }

 private:
  struct area {
    staging_buffer<B> source;
    staging_buffer<B> target;
    decltype(std::declval<typename B::context&>().record()) last_copy{};
    bool in_use = false;
  };

  std::span<std::byte> grown(staging_buffer<B>& scratch, std::size_t bytes) {
    if (scratch.size() < bytes) {
      std::scoped_lock const one_at_a_time{*upload_order_};
      scratch = staging_buffer<B>{*context_, bytes};
    }
    return {scratch.data(), bytes};
  }

  typename B::context* context_;
  std::mutex* upload_order_;
  std::array<area, 3> areas_;
  std::size_t turn_ = 0;
};

/// Work that fills device memory: pieces of about a chunk, done by several threads in any order.
template <backend B> class upload_queue {
 public:
  using job = std::function<void(upload_lane<B>&)>;

  /// A chunk: large enough for a disk and a bus, small enough that every lane's scratch stays in a cache.
  static constexpr std::size_t chunk_bytes = std::size_t{2} << 20;

  /// bytes: what the job counts for in the progress. Jobs fill disjoint memory.
  void add(std::uint64_t bytes, job work) {
    total_ += bytes;
    jobs_.push_back({bytes, std::move(work)});
  }

  std::uint64_t total_bytes() const noexcept { return total_; }

  /// Runs every job once, on `threads` threads. The first exception of a job stops the rest and is rethrown;
  /// so does a requested stop, with nothing thrown.
  void run(typename B::context& context, unsigned threads, load_progress const& progress,
           std::stop_token const& stop = {}) {
    std::mutex upload_order;
    std::mutex report_order;
    std::atomic<std::size_t> next{0};
    std::uint64_t done = 0;
    std::exception_ptr failure;
    std::deque<upload_lane<B>> lanes;  // made and ended here: a context belongs to one thread at a time
    for (unsigned i = 0; i < std::max(threads, 1u); ++i) lanes.emplace_back(context, upload_order);
    auto const work = [&](upload_lane<B>& lane) {
      try {
        for (std::size_t i = next++; i < jobs_.size() && !stop.stop_requested(); i = next++) {
          jobs_[i].work(lane);
          lane.next_job();
          std::scoped_lock const lock{report_order};
          done += jobs_[i].bytes;
          if (progress) progress(done, total_);
        }
      } catch (...) {
        next = jobs_.size();
        std::scoped_lock const lock{report_order};
        if (!failure) failure = std::current_exception();
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (unsigned i = 1; i < threads; ++i) helpers.emplace_back([&, i] { work(lanes[i]); });
      work(lanes.front());
    }
    context.wait();  // before the lanes' memory goes
    if (failure) std::rethrow_exception(failure);
  }

 private:
  struct entry {
    std::uint64_t bytes;
    job work;
  };

  std::vector<entry> jobs_;
  std::uint64_t total_ = 0;
};

}  // namespace tenon
