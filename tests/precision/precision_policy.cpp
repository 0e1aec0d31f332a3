// SPDX-License-Identifier: Apache-2.0
#include "tenon/precision/precision_policy.hpp"

#include <boost/test/unit_test.hpp>
#include <string_view>

#include "tenon/cpu/linear_residual.hpp"

namespace {

/// A user's own storage: one byte a weight with one scale for the whole matrix.
struct scaled_bytes {
  std::int8_t const* data = nullptr;
  float scale = 1.0f;
  std::int32_t out_features = 0;
  std::int32_t in_features = 0;
};

struct int8_policy {
  using activation = float;
  using cache = float;
  using accumulator = float;
  using matrix = scaled_bytes;
  static constexpr std::string_view name = "int8 with one scale";
};

/// All that the cpu backend's ops need to take it.
template <class Kernels>
void tile_product(Kernels, scaled_bytes const& matrix, float const* x, tenon::cpu::product_tile const& tile) {
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    for (std::int64_t j = 0; j < tile.features; ++j) {
      float sum = 0.0f;
      for (std::int32_t e = 0; e < matrix.in_features; ++e) {
        sum += x[i * matrix.in_features + e] *
               static_cast<float>(matrix.data[(tile.feature + j) * matrix.in_features + e]);
      }
      tile.values[i * tile.stride + j] = sum * matrix.scale;
    }
  }
}

struct without_cache {
  using activation = float;
  using accumulator = float;
  using matrix = scaled_bytes;
  [[maybe_unused]] static constexpr std::string_view name = "";
};

struct with_state : int8_policy {
  int state = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(precision_policy)

BOOST_AUTO_TEST_CASE(asks_for_storage_types_a_matrix_and_no_state) {
  static_assert(tenon::is_precision_policy<int8_policy>);
  static_assert(!tenon::precision_policy<without_cache>);
  static_assert(!tenon::precision_policy<with_state>);
  static_assert(tenon::requirement::names_storage_types<with_state>);
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(a_users_own_matrix_runs_through_the_ops) {
  std::int8_t const weights[6] = {1, 2, 3, -4, 5, -6};
  scaled_bytes const matrix{weights, 0.5f, 2, 3};
  float const in[6] = {1, 1, 1, 2, 0, -1};
  float x[4] = {100, 200, 300, 400};
  tenon::cpu::context ctx{{.threads = 1}};
  tenon::cpu::linear_residual<int8_policy>(ctx, {in, {2, 3}}, matrix, {x, {2, 2}}, true);
  BOOST_TEST(x[0] == 103.0f);
  BOOST_TEST(x[1] == 197.5f);
  BOOST_TEST(x[2] == 299.5f);
  BOOST_TEST(x[3] == 399.0f);
}

BOOST_AUTO_TEST_SUITE_END()
