// SPDX-License-Identifier: Apache-2.0
// expect: checked_size

#include <cstddef>

#include "tenon/core/checked_size.hpp"

std::size_t twice(tenon::checked_size size);

/// A checked size leaves its checks only when it is told to.
std::size_t twice(tenon::checked_size size) {
#ifdef TENON_COMPILE_FAIL
  return size + size;
#else
  return (size + size).value();
#endif
}
