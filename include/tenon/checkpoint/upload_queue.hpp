// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "tenon/backend/backend.hpp"

namespace tenon {

/// Called as (bytes_done, bytes_total), from one thread at a time, bytes_done never falling; the last call
/// has bytes_done == bytes_total.
using load_progress = std::function<void(std::uint64_t, std::uint64_t)>;

/// One thread's way to the device: two scratch areas that grow as asked and keep their memory, and `upload`.
template <backend B> class upload_lane {
 public:
  upload_lane(typename B::context& context, std::mutex& upload_order)
      : context_{&context}, upload_order_{&upload_order} {}

  /// Scratch for what was read; valid until the next call.
  std::span<std::byte> source_scratch(std::size_t bytes) { return grown(source_, bytes); }

  /// Scratch for what is to be uploaded; valid until the next call.
  template <class Element> std::span<Element> target_scratch(std::size_t count) {
    auto const bytes = grown(target_, count * sizeof(Element));
    return {reinterpret_cast<Element*>(bytes.data()), count};
  }

  /// Copies to device memory; `from` may be reused on return.
  void upload(void* to, std::span<std::byte const> from) {
    std::scoped_lock const one_at_a_time{*upload_order_};  // a context belongs to one thread at a time
    context_->copy_in(to, from.data(), from.size());
  }

 private:
  static std::span<std::byte> grown(std::vector<std::byte>& scratch, std::size_t bytes) {
    if (scratch.size() < bytes) scratch.resize(bytes);
    return {scratch.data(), bytes};
  }

  typename B::context* context_;
  std::mutex* upload_order_;
  std::vector<std::byte> source_;
  std::vector<std::byte> target_;
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

  /// Runs every job once, on `threads` threads. The first exception of a job stops the rest and is rethrown.
  void run(typename B::context& context, unsigned threads, load_progress const& progress) {
    std::mutex upload_order;
    std::mutex report_order;
    std::atomic<std::size_t> next{0};
    std::uint64_t done = 0;
    std::exception_ptr failure;
    auto const work = [&] {
      upload_lane<B> lane{context, upload_order};
      try {
        for (std::size_t i = next++; i < jobs_.size(); i = next++) {
          jobs_[i].work(lane);
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
      for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(work);
      work();
    }
    if (failure) std::rethrow_exception(failure);
    context.wait();
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
