// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tenon/backend/weights.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/instruction_set.hpp"

namespace tenon::testing {

/// The seed of random tests: TENON_TEST_SEED, or a fixed one.
inline std::uint64_t seed() {
  char const* const given = std::getenv("TENON_TEST_SEED");
  return given == nullptr ? 20261121u : std::strtoull(given, nullptr, 10);
}

/// `count`, less under TENON_TEST_SCALE, but at least `least`.
inline std::int64_t scaled(std::int64_t count, std::int64_t least = 1) {
  char const* const given = std::getenv("TENON_TEST_SCALE");
  double const scale = given == nullptr ? 1.0 : std::strtod(given, nullptr);
  return std::max(least, static_cast<std::int64_t>(static_cast<double>(count) * std::min(scale, 1.0)));
}

/// Every instruction set that this machine runs.
inline std::vector<cpu::instruction_set> instruction_sets() {
  std::vector<cpu::instruction_set> sets{cpu::instruction_set::scalar};
  if (cpu::best_instruction_set() >= cpu::instruction_set::avx2) sets.push_back(cpu::instruction_set::avx2);
  if (cpu::best_instruction_set() >= cpu::instruction_set::avx512)
    sets.push_back(cpu::instruction_set::avx512);
  return sets;
}

/// Owns a row-major matrix.
template <class Element> struct random_matrix {
  std::vector<Element> values;
  std::int32_t rows = 0;
  std::int32_t columns = 0;

  /// Normal values of this mean and deviation, rounded to Element.
  template <class Generator>
  random_matrix(Generator& random, std::int64_t all_rows, std::int64_t all_columns, float mean = 0.0f,
                float deviation = 1.0f)
      : values(static_cast<std::size_t>(all_rows * all_columns)),
        rows{static_cast<std::int32_t>(all_rows)},
        columns{static_cast<std::int32_t>(all_columns)} {
    std::normal_distribution<float> normal{mean, deviation};
    for (auto& value : values) value = round_to<Element>(normal(random));
  }

  dense_matrix<Element> weights() const { return {values.data(), rows, columns}; }
  matrix_view<Element> view() { return {values.data(), {rows, columns}}; }
  matrix_view<Element const> view() const { return {values.data(), {rows, columns}}; }
  vector_view<Element const> vector() const { return {values.data(), {rows * columns}}; }
  double at(std::int64_t row, std::int64_t column) const {
    return static_cast<double>(static_cast<float>(values[static_cast<std::size_t>(row * columns + column)]));
  }
};

}  // namespace tenon::testing
