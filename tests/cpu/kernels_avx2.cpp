// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/kernels_avx2.hpp"

#include <boost/test/unit_test.hpp>

#include "cpu/check_kernels.hpp"
#include "tenon/cpu/instruction_set.hpp"

BOOST_AUTO_TEST_SUITE(kernels_avx2)

BOOST_AUTO_TEST_CASE(keep_the_order_of_the_lanes_and_round_as_stored) {
#if defined(__x86_64__)
  if (tenon::cpu::best_instruction_set() >= tenon::cpu::instruction_set::avx2) {
    tenon::testing::check_kernels<tenon::cpu::avx2_kernels>();
    return;
  }
#endif
  BOOST_TEST_MESSAGE("skipped: this processor has no avx2");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()
