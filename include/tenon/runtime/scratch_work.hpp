// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tenon/core/checked_size.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/work/batch.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// Work whose results nobody needs, for warming a device up: a sequence of zeros whose every page is the
/// scratch page. It stands in for a ledger in `batch_builder::build`.
class scratch_work {
 public:
  scratch_work(page_id page, slot_id slot, batch_limits const& limits)
      : limits_{limits},
        slot_{slot},
        table_(static_cast<std::size_t>(ceil_div(limits.max_context, limits.page_tokens)), page) {
    auto wish = std::make_shared<request>();
    wish->sampling.temperature = 0.0f;
    sequence_.wish = std::move(wish);
    sequence_.tokens.resize(static_cast<std::size_t>(limits.max_context));
    sequence_.prompt_tokens = limits.max_context;
  }

  /// Prompt chunks of `tokens` tokens in all, or as many as rows and contexts allow; the last row samples.
  step prompt(std::int32_t tokens) {
    step planned;
    auto left = std::min(tokens, limits_.max_tokens);
    while (left > 0 && static_cast<std::int32_t>(planned.rows.size()) < limits_.max_rows) {
      auto const count = std::min(left, limits_.max_context);
      planned.rows.push_back({.seq = &sequence_, .slot = slot_, .begin = 0, .count = count});
      planned.tokens += count;
      left -= count;
    }
    if (planned.tokens == static_cast<std::int32_t>(planned.rows.size())) {
      planned.decode_rows = planned.tokens;
    } else if (planned.rows.back().count == 1) {  // rows of one token come first
      std::rotate(planned.rows.begin(), planned.rows.end() - 1, planned.rows.end());
      planned.decode_rows = 1;
    }
    planned.rows.back().samples = true;
    return planned;
  }

  /// A row of one token, and a page copied: the scratch page onto itself.
  step page_copy() {
    auto planned = prompt(1);
    planned.page_copies.push_back({.from = table_.front(), .to = table_.front()});
    return planned;
  }

  std::span<page_id const> pages(slot_id) const noexcept { return table_; }

 private:
  batch_limits limits_;
  slot_id slot_;
  std::vector<page_id> table_;
  sequence sequence_;
};

}  // namespace tenon
