// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "conformance/sampler_policy.hpp"
#include "conformance/sampling_bench.hpp"
#include "tenon/sampling/philox.hpp"

// What `top_p` samples, said by sorting everything in double: the rule for samplers of every backend.
namespace tenon::conformance {

/// Logits after penalties, bias, ban and mask, as their definitions say them.
inline std::vector<double> modified_logits(sampling_wish const& wish) {
  auto const& p = wish.parameters;
  std::vector<double> logits(wish.logits.begin(), wish.logits.end());
  std::map<token_id, int> generated, seen;
  for (std::size_t i = 0; i < wish.history.size(); ++i) {
    ++seen[wish.history[i]];
    if (i >= static_cast<std::size_t>(wish.history_prompt)) ++generated[wish.history[i]];
  }
  for (std::size_t i = 0; i < logits.size(); ++i) {
    auto const id = static_cast<token_id>(i);
    if (seen.contains(id))
      logits[i] = logits[i] > 0 ? logits[i] / p.repetition_penalty : logits[i] * p.repetition_penalty;
    if (generated.contains(id))
      logits[i] -= p.frequency_penalty * static_cast<float>(generated[id]) + p.presence_penalty;
    for (auto const& [biased, value] : p.logit_bias) {
      if (biased == id) logits[i] += value;
    }
    if (!sampler_detail::allowed(wish, id)) logits[i] = -std::numeric_limits<double>::infinity();
  }
  return logits;
}

/// The distribution that a row is drawn from, by sorting everything, in double.
inline std::vector<double> distribution(sampling_wish const& wish) {
  auto const& p = wish.parameters;
  auto const logits = modified_logits(wish);
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](auto a, auto b) { return static_cast<float>(logits[a]) > static_cast<float>(logits[b]); });
  std::vector<double> result(logits.size());
  if (p.temperature == 0.0f) {
    result[order[0]] = 1.0;
    return result;
  }
  std::size_t const kept =
      p.top_k > 0 ? std::min(order.size(), static_cast<std::size_t>(p.top_k)) : order.size();
  double const largest = logits[order[0]];
  auto const weight = [&](std::size_t id) { return std::exp((logits[id] - largest) / p.temperature); };
  double total = 0.0, reached = 0.0, drawn_total = 0.0;
  for (std::size_t i = 0; i < kept; ++i) total += weight(order[i]);
  for (std::size_t i = 0; i < kept && (i == 0 || p.top_p >= 1.0f || reached < p.top_p * total); ++i) {
    reached += weight(order[i]);
    if (weight(order[i]) >= p.min_p) drawn_total += result[order[i]] = weight(order[i]);
  }
  for (auto& probability : result) probability /= drawn_total;
  return result;
}

/// Whether the inverse of the cumulative distribution at the row's draw is `id`, but for rounding.
inline bool drawn_from(std::vector<double> const& probabilities, sampling_wish const& wish, token_id id) {
  double const u = uniform_draw(wish.seed, wish.choice, wish.position);
  auto const at = static_cast<std::size_t>(id);
  double const before = std::accumulate(probabilities.begin(), probabilities.begin() + id, 0.0);
  return probabilities[at] > 0.0 && u >= before - 1e-5 && u <= before + probabilities[at] + 1e-5;
}

/// A cut-off that rounding moves across an id is as good as the exact one.
inline bool acceptable(sampling_wish wish, token_id id) {
  auto const p = wish.parameters;
  for (float const nudge : {0.0f, -2e-6f, 2e-6f}) {
    if (p.top_p < 1.0f) wish.parameters.top_p = std::min(p.top_p * (1.0f + nudge), 1.0f);
    wish.parameters.min_p = p.min_p * (1.0f + nudge);
    if (drawn_from(distribution(wish), wish, id)) return true;
  }
  return false;
}

}  // namespace tenon::conformance
