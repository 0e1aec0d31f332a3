// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/paged_view.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <vector>

namespace {

using namespace tenon;

struct fixture {
  static constexpr std::int32_t pages = 5;
  tenon::paged_view<float, 4> view{.layers = 2, .kv_heads = 3, .page_tokens = 8};
  std::vector<float> memory = std::vector<float>(static_cast<std::size_t>(pages * view.page_size()), -1.0f);
  std::vector<std::int32_t> table{3, 0, 4, 1};  // row 0: pages 3, 0; row 1: pages 4, 1
  std::vector<std::int32_t> page_begin{0, 2};
  batch_view batch;

  fixture() {
    view.data = memory.data();
    batch.table = table.data();
    batch.page_begin = page_begin.data();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(paged_view)

BOOST_FIXTURE_TEST_CASE(every_key_and_value_has_a_place_of_its_own, fixture) {
  std::set<float*> starts;
  for (std::int32_t row = 0; row < 2; ++row) {
    for (std::int32_t layer = 0; layer < 2; ++layer) {
      for (std::int32_t head = 0; head < 3; ++head) {
        for (std::int32_t position = 0; position < 16; ++position) {
          auto const run = view.run(batch, layer, row, head, position);
          BOOST_CHECK_EQUAL(run.tokens, 8 - position % 8);
          for (auto* const start : {run.keys, run.values}) {
            BOOST_CHECK(start >= memory.data() && start + 4 <= memory.data() + memory.size());
            BOOST_CHECK_EQUAL((start - memory.data()) % 4, 0);
            BOOST_CHECK(starts.insert(start).second);
          }
        }
      }
    }
  }
  BOOST_CHECK_EQUAL(starts.size(), 2u * 2 * 2 * 3 * 16);
}

BOOST_FIXTURE_TEST_CASE(a_run_reads_on_to_the_end_of_its_page, fixture) {
  for (std::int32_t position = 0; position < 16; ++position) {
    std::vector<float> const key(4, static_cast<float>(position));
    std::vector<float> const value(4, static_cast<float>(100 + position));
    view.store(batch, 1, 0, 2, position, key.data(), value.data());
  }
  auto const run = view.run(batch, 1, 0, 2, 10);
  BOOST_REQUIRE_EQUAL(run.tokens, 6);
  for (std::int32_t i = 0; i < 6; ++i) {
    BOOST_CHECK_EQUAL(run.keys[i * 4], static_cast<float>(10 + i));
    BOOST_CHECK_EQUAL(run.values[i * 4 + 3], static_cast<float>(110 + i));
  }
}

BOOST_FIXTURE_TEST_CASE(a_page_is_copied_with_all_its_layers_and_nothing_else, fixture) {
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  auto const before = memory;
  view.copy({.from = 3, .to = 1});
  auto const size = static_cast<std::size_t>(view.page_size());
  for (std::size_t i = 0; i < memory.size(); ++i) {
    BOOST_CHECK_EQUAL(memory[i], i / size == 1 ? before[i + 2 * size] : before[i]);
  }
}

BOOST_AUTO_TEST_CASE(values_are_rounded_to_the_storage_type) {
  std::vector<bf16_t> memory(2 * 2 * 4);
  tenon::paged_view<bf16_t, 4> const view{
      .data = memory.data(), .layers = 1, .kv_heads = 1, .page_tokens = 2};
  std::int32_t const zero = 0;
  batch_view batch;
  batch.table = &zero;
  batch.page_begin = &zero;
  std::vector<float> const key{1.0f, 1.0001f, -3.14159f, 1e30f};
  view.store(batch, 0, 0, 0, 1, key.data(), key.data());
  auto const run = view.run(batch, 0, 0, 0, 1);
  for (std::size_t i = 0; i < 4; ++i) BOOST_CHECK_EQUAL(run.values[i].bits, bf16_t::from(key[i]).bits);
}

BOOST_AUTO_TEST_SUITE_END()
