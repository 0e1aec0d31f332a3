// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "tenon/launch/launch_policy.hpp"

namespace tenon {

/// Enqueues every op of every step anew. With `Rows...` decode-only batches are padded to those sizes, as a
/// replayed graph would need; `eager<>` pads nothing.
template <std::int32_t... Rows> class eager {
 public:
  static constexpr std::string_view name = "eager";
  static constexpr bool captures = false;

  static constexpr batch_shape padded(batch_shape const& shape) noexcept { return padded_to<Rows...>(shape); }

  template <class Context, class Record>
  void run(Context& /*context*/, batch_shape const& shape, Record&& record) {
    record();
    tally_.count(shape, false);
  }

  launch_counts counts() const { return tally_.counts(); }

 private:
  launch_tally<Rows...> tally_;
};

}  // namespace tenon
