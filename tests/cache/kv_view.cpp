// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/kv_view.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/cache/paged_view.hpp"

namespace {

using namespace tenon;

/// Reads, but has nowhere to write.
struct read_only_view {
  using element_type = float;
  static constexpr std::int32_t head_dim = 8;
  kv_run<float> run(batch_view const&, std::int32_t, std::int32_t, std::int32_t, std::int32_t) const {
    return {};
  }
  void copy(page_copy) const {}
};

/// Cannot be handed to a kernel by value.
struct owning_view : paged_view<float, 8> {
  ~owning_view() { data = nullptr; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kv_view)

BOOST_AUTO_TEST_CASE(a_view_reads_writes_and_copies_by_value) {
  static_assert(tenon::kv_view<paged_view<float, 8>> && tenon::kv_view<paged_view<bf16_t, 128>>);
  static_assert(!tenon::kv_view<read_only_view> && !tenon::kv_view<owning_view>);
  static_assert(requirement::finds_runs<read_only_view> &&
                !requirement::stores_keys_and_values<read_only_view>);
  BOOST_CHECK_EQUAL((paged_view<bf16_t, 128>::head_dim), 128);
  BOOST_CHECK_EQUAL(read_only_view::head_dim, 8);
}

BOOST_AUTO_TEST_SUITE_END()
