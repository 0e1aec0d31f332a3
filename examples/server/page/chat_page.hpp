// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace server {

/// The whole of index.html, which CMake put into the program: HTML in UTF-8 that loads nothing.
std::string_view chat_page() noexcept;

}  // namespace server
