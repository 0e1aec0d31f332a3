// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tenon/core/ids.hpp"
#include "tenon/sampling/candidate.hpp"

namespace tenon {

/// Unnormalised probabilities: exp((logit - largest) / temperature), 1 for the most likely id. A quotient and
/// not a product: the inverse of a tiny temperature would be infinite.
struct softmax_weight {
  float largest;
  float temperature;

  float operator()(float logit) const noexcept { return std::exp((logit - largest) / temperature); }
  double operator()(candidate const& c) const noexcept { return static_cast<double>((*this)(c.logit)); }
};

/// The last id of the nucleus (Holtzman et al., "The curious case of neural text degeneration", 2020): of the
/// least set of most likely ids whose probability reaches top_p, 0 < top_p < 1.
///
/// A histogram of weights over logits finds the bin in which the mass is reached, so that selection touches
/// that bin's ids alone: three passes over `logits`, whatever their distribution. `room` [vocabulary] is
/// overwritten.
inline candidate nucleus_end(std::span<float const> logits, softmax_weight const& weight, double top_p,
                             std::span<candidate> room) {
  double total = 0.0;
  for (float const logit : logits) total += static_cast<double>(weight(logit));

  // Ids lighter than this cannot together hold even half of what the nucleus leaves out.
  double const lightest = 0.5 * (1.0 - top_p) * total / static_cast<double>(logits.size());
  auto const bound = static_cast<float>(weight.largest + weight.temperature * std::log(lightest));

  constexpr std::size_t bins = 1024;
  std::array<double, bins> held{};
  float const scale = weight.largest > bound ? static_cast<float>(bins) / (weight.largest - bound) : 0.0f;
  auto const bin_of = [&](float logit) {
    return std::min(static_cast<std::size_t>((weight.largest - logit) * scale), bins - 1);
  };
  for (float const logit : logits) {
    if (logit >= bound) held[bin_of(logit)] += static_cast<double>(weight(logit));
  }
  double mass = top_p * total;
  std::size_t bin = 0;
  while (bin + 1 < bins && held[bin] < mass) mass -= held[bin++];

  std::size_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= bound && bin_of(logits[i]) == bin) room[count++] = {logits[i], static_cast<token_id>(i)};
  }
  return last_within_mass(room.first(count), mass, weight);
}

}  // namespace tenon
