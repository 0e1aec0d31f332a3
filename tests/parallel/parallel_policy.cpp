// SPDX-License-Identifier: Apache-2.0
#include "tenon/parallel/parallel_policy.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cpu/backend.hpp"
#include "tenon/parallel/single_device.hpp"

namespace {

struct cannot_gather : tenon::single_device {
  void all_gather(tenon::cpu::context&, tenon::matrix_view<float>) const = delete;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel_policy)

BOOST_AUTO_TEST_CASE(a_policy_knows_its_rank_and_combines) {
  static_assert(tenon::is_parallel_policy<tenon::single_device, tenon::cpu::backend>);
  static_assert(!tenon::parallel_policy<cannot_gather, tenon::cpu::backend> &&
                !tenon::parallel_policy<int, tenon::cpu::backend>);
  BOOST_CHECK_EQUAL(tenon::single_device{}.rank(), 0);
}

BOOST_AUTO_TEST_SUITE_END()
