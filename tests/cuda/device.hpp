// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>

#include "tenon/cuda/device.hpp"

namespace tenon::testing {

/// Whether this machine has a GPU that the test can use. Without one the test says that it was skipped, which
/// ctest counts.
inline bool has_device() {
  if (cuda::device_count() > 0) return true;
  BOOST_TEST_MESSAGE("skipped: no CUDA device");
  return false;
}

}  // namespace tenon::testing
