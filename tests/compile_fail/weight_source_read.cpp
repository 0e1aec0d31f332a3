// SPDX-License-Identifier: Apache-2.0
// expect: reads_parts_of_tensors

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/checkpoint/weight_source.hpp"

/// A source that can only give whole tensors: loading by chunks, from several threads, needs parts.
struct whole_tensors_only {
  tenon::tensor_info const* find(std::string_view) const { return nullptr; }
  std::vector<std::string> names() const { return {}; }
  std::string where() const { return "nowhere"; }
#ifdef TENON_COMPILE_FAIL
  std::vector<std::byte> read(tenon::tensor_info const&) const { return {}; }
#else
  void read(tenon::tensor_info const&, std::uint64_t, std::span<std::byte>) const {}
#endif
};

static_assert(tenon::is_weight_source<whole_tensors_only>);
