// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace server {

/// Why a request is not served, found before any route. The texts are constants: nothing of the request, no
/// address and no path is told.
struct refusal {
  int status = 400;
  std::string_view message{};
  std::string_view code{};
  bool close = true;  ///< the place where the next request begins is not known, or not trusted
};

}  // namespace server
