// SPDX-License-Identifier: Apache-2.0
#include "tenon/launch/launch_policy.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cpu/backend.hpp"
#include "tenon/launch/eager.hpp"

namespace {

using namespace tenon;

struct uncounted : eager<> {
  launch_counts counts() const = delete;
};

constexpr batch_shape decode(std::int32_t rows) {
  return {.rows = rows, .decode_rows = rows, .tokens = rows, .logit_rows = rows, .sample_rows = rows};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(launch_policy)

BOOST_AUTO_TEST_CASE(a_policy_pads_runs_and_counts) {
  static_assert(is_launch_policy<eager<>, cpu::backend> && is_launch_policy<eager<1, 8>, cpu::backend>);
  static_assert(!tenon::launch_policy<uncounted, cpu::backend>);
  BOOST_CHECK((padded_to<>(decode(3)) == decode(3)));
}

BOOST_AUTO_TEST_CASE(padding_goes_to_the_least_bucket_that_holds_the_rows) {
  for (std::int32_t rows = 1; rows <= 20; ++rows) {
    std::int32_t const expected = rows <= 2 ? 2 : rows <= 5 ? 5 : rows <= 16 ? 16 : rows;
    BOOST_CHECK((padded_to<16, 2, 5>(decode(rows)) == decode(expected)));
  }
  BOOST_CHECK((padded_to<4>(batch_shape{}) == batch_shape{}));
}

BOOST_AUTO_TEST_SUITE_END()
