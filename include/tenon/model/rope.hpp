// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "tenon/model/model_spec.hpp"

namespace tenon {

/// Angular step a position of each of the head_dim / 2 rotated pairs, scaled by YaRN where the checkpoint
/// asks for it.
///
/// Source: Su et al. 2021 (RoPE) eq. 15; Peng et al. 2023 (YaRN) §3.2, in the form of transformers'
/// `_compute_yarn_parameters`. Kept in float, as the reference keeps them.
inline std::vector<float> rope_frequencies(decoder_parameters const& parameters, std::int32_t head_dim) {
  std::int32_t const pairs = head_dim / 2;
  std::vector<float> frequencies(static_cast<std::size_t>(pairs));
  double const theta = parameters.rope_theta;
  for (std::int32_t i = 0; i < pairs; ++i) {
    auto const power =
        std::pow(static_cast<float>(theta), static_cast<float>(2 * i) / static_cast<float>(head_dim));
    frequencies[static_cast<std::size_t>(i)] = 1.0f / power;
  }
  if (!parameters.rope_scaling) return frequencies;

  auto const& yarn = *parameters.rope_scaling;
  auto const pair_that_turns = [&](double rotations) {
    return head_dim * std::log(yarn.original_max_positions / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(theta));
  };
  double const low = std::max(std::floor(pair_that_turns(yarn.beta_fast)), 0.0);
  double high = std::min(std::ceil(pair_that_turns(yarn.beta_slow)), static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;  // the reference's guard against a division by zero
  for (std::int32_t i = 0; i < pairs; ++i) {
    auto const ramp = std::clamp(
        (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    float& f = frequencies[static_cast<std::size_t>(i)];
    f = f / static_cast<float>(yarn.factor) * ramp + f * (1.0f - ramp);
  }
  return frequencies;
}

/// What cosines and sines are multiplied by: 1 without YaRN (Peng et al. 2023, eq. 22).
inline float rope_attention_scaling(decoder_parameters const& parameters) {
  if (!parameters.rope_scaling) return 1.0f;
  auto const& yarn = *parameters.rope_scaling;
  if (yarn.attention_factor) return static_cast<float>(*yarn.attention_factor);
  return yarn.factor <= 1.0 ? 1.0f : static_cast<float>(0.1 * std::log(yarn.factor) + 1.0);
}

/// Fills `table` [positions, head_dim] as `rope_view` documents it.
inline void fill_rope_table(decoder_parameters const& parameters, std::int32_t head_dim,
                            std::span<float> table) {
  auto const frequencies = rope_frequencies(parameters, head_dim);
  float const scaling = rope_attention_scaling(parameters);
  std::size_t const pairs = frequencies.size();
  std::size_t const positions = table.size() / (2 * pairs);
  for (std::size_t p = 0; p < positions; ++p) {
    float* const row = table.data() + p * 2 * pairs;
    for (std::size_t i = 0; i < pairs; ++i) {
      float const angle = static_cast<float>(p) * frequencies[i];
      row[i] = std::cos(angle) * scaling;
      row[pairs + i] = std::sin(angle) * scaling;
    }
  }
}

}  // namespace tenon
