// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "tenon/core/dtype.hpp"

namespace tenon::testing {

/// The largest difference over the largest size; infinite where a value that was found is no number.
template <class Element>
double relative_error(std::vector<Element> const& found, std::vector<Element> const& expected) {
  double difference = 0.0;
  double largest = std::numeric_limits<double>::min();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double const a = static_cast<double>(static_cast<float>(found[i]));
    double const b = static_cast<double>(static_cast<float>(expected[i]));
    if (!std::isfinite(a)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(a - b));
    largest = std::max(largest, std::abs(b));
  }
  return difference / largest;
}

/// What rounding to the activation type of P costs at most, in `relative_error`.
template <class P>
inline constexpr double rounding_tolerance = dtype_of<typename P::activation> == dtype::bf16 ? 8e-3 : 1e-3;

/// What another order of summation in float costs at most, in `relative_error`.
inline constexpr double summation_tolerance = 1e-5;

}  // namespace tenon::testing
