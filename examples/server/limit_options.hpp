// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/option_group.hpp"
#include "server/settings.hpp"

namespace server {

/// What one client, and all of them together, may cost: the options that set `limits`, `queue` and `bodies`.
option_group limit_options(settings& chosen);

}  // namespace server
