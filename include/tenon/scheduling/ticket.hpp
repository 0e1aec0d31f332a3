// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/work/sequence.hpp"

namespace tenon {

/// A sequence's place in the order of service, for as long as it lives: smaller tickets go first.
///
/// turn = priority * ageing_steps + the number of steps planned before its submission. Everybody who waits
/// ages at the same speed, so comparing turns *is* comparing aged priorities, and nothing is ever sorted
/// again: waiting for `ageing_steps` steps outweighs one level of priority. A sequence of priority p can be
/// overtaken by one of priority q < p only if that was submitted at most (p - q) * ageing_steps steps later.
struct ticket {
  std::int64_t turn = 0;
  sequence* seq = nullptr;
};

/// Ties of turn are served in order of arrival, the choices of one request in their own order.
struct served_before {
  bool operator()(ticket const& a, ticket const& b) const noexcept {
    if (a.turn != b.turn) return a.turn < b.turn;
    if (a.seq->arrival != b.seq->arrival) return a.seq->arrival < b.seq->arrival;
    if (a.seq->id != b.seq->id) return a.seq->id < b.seq->id;
    return a.seq->choice < b.seq->choice;
  }
};

}  // namespace tenon
