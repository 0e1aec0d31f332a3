// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// A step while it is planned: keeps the order of rows and the budget, and moves the sequences' counters on.
class step_builder {
 public:
  explicit step_builder(scheduler_limits const& limits) : limits_{limits} {
    step_.rows.reserve(static_cast<std::size_t>(limits.max_rows));
  }

  std::int32_t tokens_left() const noexcept { return limits_.max_tokens - step_.tokens; }
  bool empty() const noexcept { return step_.rows.empty(); }
  bool has_room() const noexcept {
    return tokens_left() > 0 && static_cast<std::int32_t>(step_.rows.size()) < limits_.max_rows;
  }

  /// Plans the sequence's next `count` positions: at least 1, at most remaining() and tokens_left(). The room
  /// for them is reserved already.
  void add(sequence& seq, std::int32_t count) {
    std::int32_t const end = seq.computed + count;
    step_row const row{.seq = &seq,
                       .slot = seq.slot,
                       .begin = seq.computed,
                       .count = count,
                       .samples = end == seq.length(),
                       .input_on_device = end > seq.known()};
    step_.tokens += count;
    if (count == 1)
      step_.rows.insert(step_.rows.begin() + step_.decode_rows++, row);
    else
      step_.rows.push_back(row);
    seq.computed = end;
    if (row.samples) ++seq.pending;
  }

  void copy_pages(std::vector<page_copy> const& copies) {
    step_.page_copies.insert(step_.page_copies.end(), copies.begin(), copies.end());
  }

  /// The sequence's positions that earlier steps compute: what this step's page copies can read.
  std::int32_t computed_before(sequence const& seq) const noexcept {
    for (step_row const& row : step_.rows)
      if (row.seq == &seq) return row.begin;
    return seq.computed;
  }

  step finish(std::uint64_t number) && {
    step_.number = number;
    return std::move(step_);
  }

 private:
  scheduler_limits limits_;
  step step_;
};

}  // namespace tenon
