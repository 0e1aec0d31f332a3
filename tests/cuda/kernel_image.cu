// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/kernel_image.cuh"

#include <boost/test/unit_test.hpp>

#include "cuda/device.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

__global__ void compiled_for_all() {}
__global__ void compiled_for_none() {
  cuda::mark_as_absent();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernel_image)

BOOST_AUTO_TEST_CASE(the_lowest_architecture_is_of_those_compiled_for) {
  bool found = false;
  for (int const architecture : {__CUDA_ARCH_LIST__}) {
    BOOST_TEST(architecture / 10 >= cuda::lowest_compute_capability);
    found = found || architecture / 10 == cuda::lowest_compute_capability;
  }
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(kernels_without_clusters_are_not_for_devices_with_them) {
  using cuda::detail::serves;
  static_assert(serves(80, 80) && serves(80, 89) && serves(89, 89) && serves(90, 90) && serves(90, 100));
  static_assert(!serves(80, 90) && !serves(89, 90) && !serves(89, 120));
  BOOST_TEST(cuda::detail::capability_text(89) == "8.9");
  BOOST_TEST(cuda::detail::capability_text(120) == "12.0");
}

BOOST_AUTO_TEST_CASE(a_program_compiled_for_this_device_is_accepted) {
  if (!testing::has_device()) return;
  cuda::context const ctx;
  BOOST_CHECK_NO_THROW(cuda::check_kernels(ctx));
}

BOOST_AUTO_TEST_CASE(a_kernel_without_a_body_for_this_device_is_known) {
  if (!testing::has_device()) return;
  cuda::context const ctx;
  bool const is_90 = ctx.properties().compute_capability == 90;
  BOOST_TEST(cuda::is_compiled<compiled_for_all>(ctx) == is_90);
  BOOST_TEST(!cuda::is_compiled<compiled_for_none>(ctx));
}

BOOST_AUTO_TEST_SUITE_END()
