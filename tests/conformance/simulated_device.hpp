// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tenon/core/ids.hpp"
#include "tenon/work/step.hpp"

namespace tenon::conformance {

/// What a test throws when the code under it broke a promise.
struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool kept, char const* promise) {
  if (!kept) throw broken_promise{promise};
}

/// The ids that a fake model samples: each is a function of everything before it and of the choice's seed, so
/// it does not depend on how the work was scheduled.
class token_source {
 public:
  token_source(std::vector<token_id> prompt, std::uint64_t seed, std::uint32_t vocabulary)
      : ids_{std::move(prompt)}, state_{seed}, vocabulary_{vocabulary} {
    for (token_id const id : ids_) absorb(id);
  }

  /// The id at a position: the prompt's, then the sampled ones, without end.
  token_id at(std::int32_t position) {
    while (ids_.size() <= static_cast<std::size_t>(position)) {
      ids_.push_back(static_cast<token_id>((state_ >> 33) % vocabulary_));
      absorb(ids_.back());
    }
    return ids_[static_cast<std::size_t>(position)];
  }

 private:
  void absorb(token_id id) {
    state_ = (state_ ^ static_cast<std::uint32_t>(id)) * 6364136223846793005u + 1442695040888963407u;
    state_ ^= state_ >> 29;
  }

  std::vector<token_id> ids_;
  std::uint64_t state_;
  std::uint32_t vocabulary_;
};

/// One row as the device gets it: everything is copied when the step is planned.
struct device_row {
  slot_id slot = no_slot;
  std::int32_t begin = 0;
  bool samples = false;
  bool input_on_device = false;
  std::vector<token_id> inputs;  ///< count ids; the last is ignored if input_on_device
  std::vector<page_id> table;
  token_source* truth = nullptr;
};

/// A device whose keys and values are the ids themselves: whoever reads a position that was never written, or
/// written for another sequence, is caught.
class simulated_device {
 public:
  simulated_device(std::int64_t pages, std::int32_t page_tokens, std::int32_t slots)
      : page_tokens_{page_tokens},
        cells_(static_cast<std::size_t>(pages) * static_cast<std::size_t>(page_tokens), nothing),
        last_sampled_(static_cast<std::size_t>(slots), nothing) {}

  /// Runs a step and returns the ids of its sampling rows.
  std::vector<token_id> run(std::span<page_copy const> copies, std::span<device_row> rows) {
    for (page_copy const& copy : copies) copy_page(copy);
    for (device_row& row : rows) take_input(row);
    for (device_row const& row : rows) read_past(row);
    for (device_row const& row : rows)
      for (std::size_t i = 0; i < row.inputs.size(); ++i)
        cell(row, row.begin + static_cast<std::int32_t>(i)) = row.inputs[i];
    std::vector<token_id> ids;
    for (device_row const& row : rows) {
      read_past(row);  // nobody wrote over it in this very step
      if (!row.samples) continue;
      ids.push_back(row.truth->at(row.begin + static_cast<std::int32_t>(row.inputs.size())));
      last_sampled_[static_cast<std::size_t>(row.slot)] = ids.back();
    }
    return ids;
  }

 private:
  static constexpr token_id nothing = -1;

  token_id& cell(page_id page, std::int32_t offset) {
    return cells_[static_cast<std::size_t>(page) * static_cast<std::size_t>(page_tokens_) +
                  static_cast<std::size_t>(offset)];
  }
  token_id& cell(device_row const& row, std::int32_t position) {
    return cell(row.table[static_cast<std::size_t>(position / page_tokens_)], position % page_tokens_);
  }

  void copy_page(page_copy const& copy) {
    for (std::int32_t i = 0; i < page_tokens_; ++i) cell(copy.to, i) = cell(copy.from, i);
  }

  void take_input(device_row& row) {
    if (row.input_on_device) row.inputs.back() = last_sampled_[static_cast<std::size_t>(row.slot)];
    for (std::size_t i = 0; i < row.inputs.size(); ++i)
      require(row.inputs[i] == row.truth->at(row.begin + static_cast<std::int32_t>(i)),
              "a row's inputs are its sequence's ids");
  }

  void read_past(device_row const& row) {
    for (std::int32_t position = 0; position < row.begin; ++position)
      require(cell(row, position) == row.truth->at(position),
              "every position read holds the keys and values of its sequence");
  }

  std::int32_t page_tokens_;
  std::vector<token_id> cells_;         // [pages, page_tokens]
  std::vector<token_id> last_sampled_;  // [slots]
};

}  // namespace tenon::conformance
