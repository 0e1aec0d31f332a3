// SPDX-License-Identifier: Apache-2.0
#include "tenon/runtime/batch_builder.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <memory>
#include <vector>

namespace {

using namespace tenon;

constexpr batch_limits limits{.max_rows = 8, .max_tokens = 64, .max_context = 128, .page_tokens = 4};
constexpr page_id scratch_page = 900;
constexpr slot_id scratch_slot = 8;

/// Pages 100 * slot, 100 * slot + 1, … for every slot.
struct numbered_ledger {
  std::vector<std::vector<page_id>> held = std::vector<std::vector<page_id>>(8);
  numbered_ledger() {
    for (page_id slot = 0; slot < 8; ++slot) {
      for (page_id i = 0; i < 32; ++i) held[static_cast<std::size_t>(slot)].push_back(100 * slot + i);
    }
  }
  std::span<page_id const> pages(slot_id slot) const { return held[static_cast<std::size_t>(slot)]; }
};

struct fixture {
  tenon::batch_layout layout{limits, 0};
  tenon::batch_builder builder{layout, scratch_page, scratch_slot};
  numbered_ledger ledger;
  std::vector<std::byte> block = std::vector<std::byte>(layout.bytes(), std::byte{0xee});
  sequence decoding;
  sequence prefilling;
  step planned;

  fixture() {
    request wish{.prompt = {1, 2, 3}, .max_new_tokens = 50, .min_new_tokens = 9, .stop_ids = {70, 71}};
    wish.sampling = {.temperature = 0.5f,
                     .repetition_penalty = 1.2f,
                     .logit_bias = {{5, -2.5f}, {6, 1.0f}},
                     .logprobs = 3};
    decoding.wish = std::make_shared<request const>(wish);
    decoding.tokens = {1, 2, 3, 10, 11, 12};
    decoding.prompt_tokens = 3;
    decoding.seed = 77;
    decoding.choice = 2;
    decoding.slot = 1;
    decoding.fresh_slot = true;
    prefilling.wish =
        std::make_shared<request const>(request{.prompt = std::vector<token_id>(20, 9), .forced = {33}});
    prefilling.tokens = prefilling.wish->prompt;
    for (std::size_t i = 0; i < 20; ++i) prefilling.tokens[i] = static_cast<token_id>(50 + i);
    prefilling.prompt_tokens = 20;
    prefilling.slot = 3;
    planned.rows.push_back({.seq = &decoding, .slot = 1, .begin = 5, .count = 1, .samples = true});
    planned.rows.push_back({.seq = &prefilling, .slot = 3, .begin = 8, .count = 7, .samples = false});
    planned.decode_rows = 1;
    planned.tokens = 8;
    planned.page_copies = {{4, 5}};
  }

  tenon::batch_builder::built build(batch_shape const& padded) {
    return builder.build(planned, ledger, padded, block.data());
  }
};

std::vector<std::int32_t> words(batch_view const& view, std::int32_t begin, std::int32_t end) {
  return {view.table + begin, view.table + end};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_builder)

BOOST_FIXTURE_TEST_CASE(rows_become_arrays_in_order, fixture) {
  auto const shape = tenon::batch_builder::shape_of(planned);
  BOOST_CHECK(
      (shape ==
       batch_shape{
           .rows = 2, .decode_rows = 1, .tokens = 8, .logit_rows = 1, .sample_rows = 1, .page_copies = 1}));
  auto const [view, bytes] = build(shape);
  BOOST_TEST((std::vector<token_id>(view.ids, view.ids + 8)) ==
                 (std::vector<token_id>{12, 58, 59, 60, 61, 62, 63, 64}),
             boost::test_tools::per_element());
  BOOST_TEST((std::vector<std::int32_t>(view.positions, view.positions + 8)) ==
                 (std::vector<std::int32_t>{5, 8, 9, 10, 11, 12, 13, 14}),
             boost::test_tools::per_element());
  BOOST_TEST((std::vector<std::int32_t>(view.token_rows, view.token_rows + 8)) ==
                 (std::vector<std::int32_t>{0, 1, 1, 1, 1, 1, 1, 1}),
             boost::test_tools::per_element());
  BOOST_TEST(
      (std::vector<std::int32_t>(view.row_begin, view.row_begin + 3)) == (std::vector<std::int32_t>{0, 1, 8}),
      boost::test_tools::per_element());
  BOOST_CHECK_EQUAL(view.context[0], 6);
  BOOST_CHECK_EQUAL(view.context[1], 15);
  BOOST_CHECK_EQUAL(view.slots[1], 3);
  BOOST_TEST(words(view, view.page_begin[0], view.page_begin[0] + 2) == (std::vector<std::int32_t>{100, 101}),
             boost::test_tools::per_element());
  BOOST_TEST(words(view, view.page_begin[1], view.page_begin[1] + 4) ==
                 (std::vector<std::int32_t>{300, 301, 302, 303}),
             boost::test_tools::per_element());
  BOOST_CHECK_EQUAL(view.logit_tokens[0], 0);
  BOOST_CHECK((view.copies[0] == page_copy{4, 5}));
  BOOST_CHECK_LE(bytes, layout.bytes());
  BOOST_CHECK(block[layout.bytes() - 1] ==
              std::byte{0xee});  // the unused end of the table is neither written nor uploaded
}

BOOST_FIXTURE_TEST_CASE(a_sampling_row_carries_everything_that_its_request_asked_for, fixture) {
  auto const view = build(tenon::batch_builder::shape_of(planned)).view;
  auto const& row = view.sampling[0];
  BOOST_CHECK_EQUAL(row.seed, 77u);
  BOOST_CHECK_EQUAL(row.choice, 2);
  BOOST_CHECK_EQUAL(row.position, 6);
  BOOST_CHECK_EQUAL(row.slot, 1);
  BOOST_CHECK_EQUAL(row.temperature, 0.5f);
  BOOST_CHECK_EQUAL(row.logprobs, 3);
  BOOST_CHECK_EQUAL(row.forced, no_token);
  BOOST_CHECK_EQUAL(row.resets_slot, 1);
  BOOST_TEST(words(view, row.history_begin, row.history_end) == decoding.tokens,
             boost::test_tools::per_element());
  BOOST_CHECK_EQUAL(row.history_prompt, 3);
  BOOST_TEST(words(view, row.bias_begin, row.bias_end) ==
                 (std::vector<std::int32_t>{5, std::bit_cast<std::int32_t>(-2.5f), 6,
                                            std::bit_cast<std::int32_t>(1.0f)}),
             boost::test_tools::per_element());
  BOOST_TEST(words(view, row.banned_begin, row.banned_end) == (std::vector<std::int32_t>{70, 71}),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_slot_is_reset_once, fixture) {
  build(tenon::batch_builder::shape_of(planned));
  BOOST_CHECK(!decoding.fresh_slot);
  auto const view = build(tenon::batch_builder::shape_of(planned)).view;
  BOOST_CHECK_EQUAL(view.sampling[0].resets_slot, 0);
  BOOST_CHECK_EQUAL(view.sampling[0].history_begin, view.sampling[0].history_end);
}

BOOST_FIXTURE_TEST_CASE(stop_ids_are_banned_up_to_the_least_length_only, fixture) {
  decoding.tokens = {1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18};  // nine generated: the tenth may stop
  planned.rows[0].begin = 11;
  auto const view = build(tenon::batch_builder::shape_of(planned)).view;
  BOOST_CHECK_EQUAL(view.sampling[0].banned_begin, view.sampling[0].banned_end);
}

BOOST_FIXTURE_TEST_CASE(the_next_forced_id_is_named, fixture) {
  planned.rows[1] = {.seq = &prefilling, .slot = 3, .begin = 8, .count = 12, .samples = true};
  planned.tokens = 13;
  auto const view = build(tenon::batch_builder::shape_of(planned)).view;
  BOOST_CHECK_EQUAL(view.sampling[1].forced, 33);
  BOOST_CHECK_EQUAL(view.logit_tokens[1], 12);
  BOOST_CHECK_EQUAL(view.sampling[1].logit_row, 1);
}

BOOST_FIXTURE_TEST_CASE(an_id_that_is_only_on_the_device_is_named_by_its_slot, fixture) {
  planned.rows[0].begin = 6;
  planned.rows[0].input_on_device = true;
  auto const view = build(tenon::batch_builder::shape_of(planned)).view;
  BOOST_CHECK_EQUAL(view.id_slots[0], 1);
  BOOST_CHECK_EQUAL(view.id_slots[1], no_slot);
}

BOOST_FIXTURE_TEST_CASE(padding_touches_the_scratch_page_and_slot_only, fixture) {
  planned.rows.resize(1);
  planned.tokens = 1;
  auto const view = build({.rows = 4, .decode_rows = 4, .tokens = 4, .logit_rows = 4, .sample_rows = 4}).view;
  for (std::int32_t row = 1; row < 4; ++row) {
    BOOST_CHECK_EQUAL(view.table[view.page_begin[row]], scratch_page);
    BOOST_CHECK_EQUAL(view.slots[row], scratch_slot);
    BOOST_CHECK_EQUAL(view.sampling[row].slot, scratch_slot);
    BOOST_CHECK_EQUAL(view.sampling[row].logit_row, row);
    BOOST_CHECK_EQUAL(view.logit_tokens[row], row);
    BOOST_CHECK_EQUAL(view.positions[row], 0);
    BOOST_CHECK_EQUAL(view.context[row], 1);
    BOOST_CHECK_EQUAL(view.row_begin[row + 1], row + 1);
  }
  BOOST_CHECK_EQUAL(view.sampling[0].slot, 1);
}

BOOST_AUTO_TEST_SUITE_END()
