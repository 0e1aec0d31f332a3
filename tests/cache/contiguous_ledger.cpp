// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/contiguous_ledger.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "conformance/cache_ledger.hpp"

BOOST_AUTO_TEST_SUITE(contiguous_ledger)

BOOST_AUTO_TEST_CASE(keeps_every_promise) {
  tenon::conformance::check_cache_ledger<tenon::contiguous_ledger>(1000);
}

BOOST_AUTO_TEST_CASE(a_slot_owns_one_region_of_the_whole_context) {
  tenon::contiguous_ledger ledger{{.slots = 3, .max_context = 10}};
  BOOST_TEST(ledger.page_tokens() == 10);
  BOOST_TEST(ledger.pages(2).empty());
  BOOST_TEST(ledger.reserve(2, 1));
  BOOST_TEST(ledger.reserve(2, 10));
  BOOST_TEST(!ledger.reserve(1, 11));
  BOOST_REQUIRE(ledger.pages(2).size() == 1u);
  BOOST_TEST(ledger.pages(2)[0] == 2);
  BOOST_TEST((ledger.usage() == tenon::cache_usage{.total = 3, .free = 2, .cached = 0, .held = 1}));
  ledger.truncate(2, 4);
  BOOST_TEST(ledger.usage().held == 1);
  ledger.release(2);
  BOOST_TEST(ledger.usage().held == 0);
}

BOOST_AUTO_TEST_CASE(fork_copies_the_region_and_nothing_is_remembered) {
  tenon::contiguous_ledger ledger{{.slots = 3, .max_context = 10}};
  std::array<tenon::token_id, 10> const tokens{};
  BOOST_REQUIRE(ledger.reserve(0, 7));
  ledger.publish(0, tokens, {});
  BOOST_TEST(ledger.attach_prefix(1, tokens, {}) == 0);
  auto const copies = ledger.fork(0, 1, 5);
  BOOST_REQUIRE(copies.has_value());
  BOOST_REQUIRE(copies->size() == 1u);
  BOOST_TEST(((*copies)[0] == tenon::page_copy{.from = 0, .to = 1}));
  BOOST_TEST(ledger.usage().held == 2);
}

BOOST_AUTO_TEST_CASE(says_which_options_do_not_fit) {
  BOOST_CHECK_THROW((tenon::contiguous_ledger{{.slots = 0, .max_context = 10}}), tenon::options_error);
  BOOST_CHECK_THROW((tenon::contiguous_ledger{{.slots = 2, .max_context = 0}}), tenon::options_error);
  BOOST_CHECK_THROW((tenon::contiguous_ledger{{.pages = 1, .slots = 2, .max_context = 10}}),
                    tenon::options_error);
}

BOOST_AUTO_TEST_SUITE_END()
