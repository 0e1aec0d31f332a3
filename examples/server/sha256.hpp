// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace server {

/// FIPS 180-4, section 6.2.
std::array<std::uint8_t, 32> sha256(std::string_view message);

}  // namespace server
