// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Dense>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/random_matrix.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"

namespace tenon::testing {

using matrix_of_doubles = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Element> matrix_of_doubles as_doubles(matrix_view<Element> values) {
  matrix_of_doubles result(values.extent(0), values.extent(1));
  for (std::int64_t i = 0; i < values.size(); ++i) {
    result.data()[i] = static_cast<double>(static_cast<float>(values.data[i]));
  }
  return result;
}

template <class Element> matrix_of_doubles as_doubles(random_matrix<Element> const& values) {
  return as_doubles(values.view());
}

/// Rounds every element to Element.
template <class Element> matrix_of_doubles rounded(matrix_of_doubles values) {
  for (auto& value : values.reshaped()) {
    value = static_cast<double>(static_cast<float>(round_to<Element>(static_cast<float>(value))));
  }
  return values;
}

/// RMSNorm of every row, in double precision but for the two roundings to Element.
template <class Element>
matrix_of_doubles rms_norm(matrix_of_doubles const& x, random_matrix<float> const& weight, double epsilon) {
  matrix_of_doubles normalised = x;
  for (auto row : normalised.rowwise()) {
    row /= std::sqrt(row.squaredNorm() / static_cast<double>(row.size()) + epsilon);
  }
  normalised = rounded<Element>(normalised);
  for (auto row : normalised.rowwise()) row.array() *= as_doubles(weight).row(0).array();
  return rounded<Element>(normalised);
}

/// The largest difference over the largest size.
inline double error(matrix_of_doubles const& found, matrix_of_doubles const& expected) {
  double const difference = (found - expected).cwiseAbs().maxCoeff();
  return difference / expected.cwiseAbs().maxCoeff();
}

/// What rounding to the activation type of P costs at most, in `error`, after sums over a few hundred terms.
template <class P> constexpr double tolerance() {
  if constexpr (sizeof(typename P::activation) == 4) return 2e-6;
  return dtype_of<typename P::activation> == dtype::bf16 ? 8e-3 : 1e-3;
}

template <class T> bool same_bits(std::vector<T> const& a, std::vector<T> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// Calls f(P{}, set) for every precision and every instruction set of this machine.
template <class F> void for_each_precision_and_set(F const& f) {
  for (auto const set : instruction_sets()) {
    f(fp32{}, set);
    f(bf16{}, set);
    f(fp16{}, set);
  }
}

}  // namespace tenon::testing
