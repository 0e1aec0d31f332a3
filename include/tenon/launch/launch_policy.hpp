// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tenon/work/batch.hpp"

namespace tenon {

/// Steps of one bucket.
struct bucket_counts {
  std::int32_t rows = 0;
  std::int64_t replayed = 0;
  std::int64_t eager = 0;

  bucket_counts& operator+=(bucket_counts const& other) noexcept {
    replayed += other.replayed;
    eager += other.eager;
    return *this;
  }
  friend bool operator==(bucket_counts const&, bucket_counts const&) = default;
};

/// How steps were run so far: in all, and the decode-only ones by bucket.
struct launch_counts {
  std::int64_t replayed = 0;
  std::int64_t eager = 0;
  std::int64_t decode_only = 0;  ///< of both together
  std::vector<bucket_counts> buckets{};

  /// Of policies of one type: their buckets are the same.
  launch_counts& operator+=(launch_counts const& other) noexcept {
    replayed += other.replayed;
    eager += other.eager;
    decode_only += other.decode_only;
    for (std::size_t i = 0; i < std::min(buckets.size(), other.buckets.size()); ++i)
      buckets[i] += other.buckets[i];
    return *this;
  }
  friend bool operator==(launch_counts const&, launch_counts const&) = default;
};

/// Counts steps for a policy with buckets of `Rows...` rows.
template <std::int32_t... Rows> class launch_tally {
 public:
  void count(batch_shape const& shape, bool replayed) noexcept {
    ++(replayed ? replayed_ : eager_);
    if (!shape.decode_only()) return;
    ++decode_only_;
    for (auto& bucket : buckets_) {
      if (bucket.rows == shape.rows) ++(replayed ? bucket.replayed : bucket.eager);
    }
  }

  launch_counts counts() const {
    return {replayed_, eager_, decode_only_, {buckets_.begin(), buckets_.end()}};
  }

 private:
  std::int64_t replayed_ = 0;
  std::int64_t eager_ = 0;
  std::int64_t decode_only_ = 0;
  std::array<bucket_counts, sizeof...(Rows)> buckets_{bucket_counts{.rows = Rows}...};
};

namespace requirement {

/// `padded` maps a batch's shape to the one it is run with: the same, or the next larger bucket.
template <class L>
concept pads_to_buckets = requires(batch_shape const& shape) {
  { L::padded(shape) } -> std::same_as<batch_shape>;
};

/// `run` calls `record` to enqueue a step's work on the context, or replays what an earlier call recorded.
template <class L, class B>
concept runs_recorded_work =
    requires(L& launch, typename B::context& context, batch_shape const& shape, void (*record)()) {
      { launch.run(context, shape, record) };
      { launch.counts() } -> std::same_as<launch_counts>;
    };

/// A policy that captures also has `buckets`, row counts, and `prepare(context, shape, record)`, which the
/// runner calls once a bucket before the first step, largest first, with nothing enqueued. What `record`
/// enqueues has been loaded by then.
template <class L>
concept says_if_it_captures = requires {
  { L::captures } -> std::convertible_to<bool>;
  { L::name } -> std::convertible_to<std::string_view>;
};

}  // namespace requirement

/// How a step's kernels get to the device. The model does not know which one runs.
template <class L, class B>
concept launch_policy = requirement::says_if_it_captures<L> && requirement::pads_to_buckets<L> &&
                        requirement::runs_recorded_work<L, B>;

template <class L, class B>
  requires launch_policy<L, B>
inline constexpr bool is_launch_policy = true;

/// The least of `Rows...` that holds the batch, when it is decode-only; otherwise, and with no bucket large
/// enough, the shape as it is. A padded batch computes logits and draws an id for every row; what padding
/// drew is dropped.
template <std::int32_t... Rows> constexpr batch_shape padded_to(batch_shape shape) noexcept {
  if (!shape.decode_only() || shape.rows == 0) return shape;
  std::int32_t bucket = 0;
  ((bucket = (Rows >= shape.rows && (bucket == 0 || Rows < bucket)) ? Rows : bucket), ...);
  if (bucket == 0) return shape;
  auto padded = decode_shape(bucket);
  padded.page_copies = shape.page_copies;
  return padded;
}

}  // namespace tenon
