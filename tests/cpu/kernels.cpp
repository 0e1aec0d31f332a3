// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/kernels.hpp"

#include <boost/test/unit_test.hpp>
#include <type_traits>

#include "cpu/random_matrix.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(kernels)

BOOST_AUTO_TEST_CASE(of_the_set_that_was_asked_for) {
  for (auto const set : testing::instruction_sets()) {
    int calls = 0;
    cpu::with_kernels(set, [&](auto chosen) {
      ++calls;
      BOOST_TEST((set == cpu::instruction_set::scalar) ==
                 (std::is_same_v<decltype(chosen), cpu::scalar_kernels>));
#if defined(__x86_64__)
      BOOST_TEST((set == cpu::instruction_set::avx2) ==
                 (std::is_same_v<decltype(chosen), cpu::avx2_kernels>));
#endif
    });
    BOOST_TEST(calls == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
