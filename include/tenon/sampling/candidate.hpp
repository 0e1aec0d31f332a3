// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "tenon/core/ids.hpp"

namespace tenon {

/// An id that can be chosen, and its logit.
struct candidate {
  float logit;
  token_id id;

  friend constexpr bool operator==(candidate const&, candidate const&) = default;
};

/// The order of "most likely": the larger logit first, of equal ones the lower id. Total over ids of one row,
/// so that the k best are one set and not one of several.
constexpr bool precedes(candidate const& a, candidate const& b) noexcept {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/// A logit as samplers see it: NaN cannot be chosen, +infinity is the largest finite number, so that
/// differences of logits are never NaN.
constexpr float usable_logit(float logit) noexcept {
  if (logit != logit) return -std::numeric_limits<float>::infinity();
  return std::min(logit, std::numeric_limits<float>::max());
}

/// The first of `logits` [vocabulary] in the order above. Its logit is -infinity when none can be chosen.
inline candidate best_candidate(std::span<float const> logits) noexcept {
  candidate best{-std::numeric_limits<float>::infinity(), 0};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > best.logit) best = {logits[i], static_cast<token_id>(i)};
  }
  return best;
}

/// The k first of `logits` [vocabulary], unordered, fewer when fewer can be chosen (-infinity never can).
/// `room` [vocabulary] is overwritten and holds the result. One pass with a rising threshold: for k far below
/// the vocabulary nearly every logit costs one comparison.
inline std::span<candidate> k_best(std::span<float const> logits, std::size_t k,
                                   std::span<candidate> room) noexcept {
  k = std::min(k, logits.size());
  if (k == 0) return {};
  auto const capacity = std::min(logits.size(), std::max<std::size_t>(4 * k, 1024));
  std::size_t count = 0;
  auto const keep_k = [&] {
    auto const last = room.begin() + static_cast<std::ptrdiff_t>(k) - 1;
    std::nth_element(room.begin(), last, room.begin() + static_cast<std::ptrdiff_t>(count), precedes);
    count = k;
    return last->logit;
  };
  float threshold = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > threshold)) continue;  // an equal logit of a higher id comes after those kept
    if (count == capacity) {
      threshold = keep_k();
      if (!(logits[i] > threshold)) continue;
    }
    room[count++] = {logits[i], static_cast<token_id>(i)};
  }
  if (count > k) keep_k();
  return room.first(count);
}

/// The last of the least leading set of `candidates` whose weights reach `mass`; the last of all when they do
/// not. Selection by halves, about twice the work of one pass; reorders `candidates`, which must not be
/// empty.
///
/// weight(candidate) -> double, not negative
template <class Weight>
candidate last_within_mass(std::span<candidate> candidates, double mass, Weight const& weight) {
  while (candidates.size() > 1) {
    std::size_t const half = candidates.size() / 2;
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(half),
                     candidates.end(), precedes);
    double held = 0.0;
    for (auto const& c : candidates.first(half)) held += weight(c);
    if (held >= mass) {
      candidates = candidates.first(half);
    } else {
      mass -= held;
      candidates = candidates.subspan(half);
    }
  }
  return candidates.front();
}

}  // namespace tenon
