// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <limits>
#include <utility>

#include "tenon/core/error.hpp"

namespace tenon {

/// A byte or element count whose arithmetic throws `overflow_error` in place of wrapping round.
///
/// Sizes that come from files pass through this type before anything is read or allocated.
class checked_size {
 public:
  struct overflow_error : error {
    using error::error;
  };

  constexpr checked_size() = default;

  template <std::integral T> constexpr checked_size(T value) : value_{static_cast<std::size_t>(value)} {
    if (!std::in_range<std::size_t>(value))
      throw overflow_error{"a size is negative or does not fit 64 bits"};
  }

  constexpr std::size_t value() const noexcept { return value_; }

  constexpr checked_size& operator+=(checked_size other) {
    if (other.value_ > std::numeric_limits<std::size_t>::max() - value_)
      throw overflow_error{"a sum of sizes overflows 64 bits"};
    value_ += other.value_;
    return *this;
  }

  constexpr checked_size& operator*=(checked_size other) {
    if (value_ != 0 && other.value_ > std::numeric_limits<std::size_t>::max() / value_) {
      throw overflow_error{"a product of sizes overflows 64 bits"};
    }
    value_ *= other.value_;
    return *this;
  }

  friend constexpr checked_size operator+(checked_size a, checked_size b) { return a += b; }
  friend constexpr checked_size operator*(checked_size a, checked_size b) { return a *= b; }
  friend constexpr auto operator<=>(checked_size, checked_size) = default;

 private:
  std::size_t value_ = 0;
};

/// The least multiple of `step` that is not below `value`; step > 0.
template <std::integral T> constexpr T round_up(T value, T step) {
  return static_cast<T>((value + step - 1) / step * step);
}

/// value / step, rounded up; step > 0.
template <std::integral T> constexpr T ceil_div(T value, T step) {
  return static_cast<T>((value + step - 1) / step);
}

}  // namespace tenon
