// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace server {

/// The client's own x-request-id, without what is not printable ASCII and cut to 128 characters; or a new
/// one, if nothing is left.
std::string request_id_for(std::string_view given);

}  // namespace server
