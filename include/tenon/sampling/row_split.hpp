// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace tenon {

/// A context whose memory the host addresses and whose work a team of threads shares: `run(parts, f)` calls
/// f(part, worker) for 0 <= part < parts, from any thread of the team, and returns when all are done.
template <class Context>
concept host_context = requires(Context& context, void (*work)(std::int32_t, int)) {
  { context.team().size() } -> std::convertible_to<std::int32_t>;
  context.team().run(std::int32_t{1}, work);
};

/// Calls work(part, row) once for every row, 0 <= part < most_parts; rows of one part run one after the
/// other, so that a part may own scratch memory.
template <host_context Context, class Work>
void for_each_row(Context& context, std::int32_t rows, std::int32_t most_parts, Work const& work) {
  auto const threads = static_cast<std::int32_t>(context.team().size());
  std::int32_t const parts = std::clamp(std::min(threads, rows), 1, std::max(most_parts, 1));
  context.team().run(parts, [&](std::int32_t part, int) {
    for (std::int32_t row = part; row < rows; row += parts) work(part, row);
  });
}

}  // namespace tenon
