// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <random>

#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/backend/weights.hpp"

namespace tenon::testing {

/// Compares op(ctx, x, layer, epsilon, hidden), which is or is part of `norm_gate_up`, with the CPU's for
/// random numbers.
template <class P, class Op>
void check_norm_gate_up(std::mt19937_64& random, std::int32_t rows, std::int32_t hidden, std::int32_t ffn,
                        Op const& op) {
  using element = typename P::activation;
  device_context device{{.hidden = hidden, .ffn = ffn, .max_tokens = rows}};
  random_matrix<float> const x{random, rows, hidden, 0.2f, 2.0f};
  random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  random_matrix<typename P::weight> const weights{random, 2 * ffn, hidden, 0.0f, 0.05f};
  random_matrix<element> expected{random, rows, ffn};
  device_matrix const device_x{device.ctx, x};
  device_matrix const device_norm{device.ctx, norm};
  device_matrix const device_weights{device.ctx, weights};
  device_array<element> const found{device.ctx, expected.values.size()};

  layer_weights<P> layer;
  layer.ffn_norm = norm.vector();
  layer.gate_up = weights.weights();
  reference::norm_gate_up<P>(x.view(), layer, 0.02f, expected.view());
  layer.ffn_norm = device_norm.vector();
  layer.gate_up = device_weights.weights();
  op(device.ctx, device_x.view(), layer, 0.02f, matrix_view<element>{found.data(), {rows, ffn}});
  BOOST_TEST(relative_error(found.values(), expected.values) < rounding_tolerance<P>,
             P::name << ", rows " << rows << ", hidden " << hidden << ", ffn " << ffn);
}

}  // namespace tenon::testing
