// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/prefix_ledger.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <vector>

#include "conformance/cache_ledger.hpp"

namespace {

constexpr tenon::cache_scope mine{1}, yours{2};

std::vector<tenon::token_id> ids(std::size_t count, tenon::token_id first = 0) {
  std::vector<tenon::token_id> made(count);
  std::iota(made.begin(), made.end(), first);
  return made;
}

/// Pages of 4 positions.
tenon::prefix_ledger small(std::int32_t pages, bool prefix_caching = true) {
  return tenon::prefix_ledger{
      {.pages = pages, .page_tokens = 4, .slots = 4, .max_context = 32, .prefix_caching = prefix_caching}};
}

/// Leaves the prefix known and unused.
void remember(tenon::prefix_ledger& ledger, std::vector<tenon::token_id> const& tokens,
              tenon::cache_scope scope) {
  BOOST_REQUIRE(ledger.reserve(3, static_cast<std::int32_t>(tokens.size())));
  ledger.publish(3, tokens, scope);
  ledger.release(3);
}

std::vector<tenon::page_id> table(tenon::prefix_ledger const& ledger, tenon::slot_id slot) {
  return {ledger.pages(slot).begin(), ledger.pages(slot).end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prefix_ledger)

BOOST_AUTO_TEST_CASE(keeps_every_promise) {
  tenon::conformance::check_cache_ledger<tenon::prefix_ledger>(3000);
}

BOOST_AUTO_TEST_CASE(reserves_all_or_nothing) {
  auto ledger = small(3);
  BOOST_TEST(ledger.reserve(0, 5));
  BOOST_TEST(ledger.pages(0).size() == 2u);
  BOOST_TEST(!ledger.reserve(1, 5));
  BOOST_TEST(ledger.pages(1).empty());
  BOOST_TEST(ledger.reserve(0, 8));  // still within its pages
  BOOST_TEST(ledger.reserve(1, 4));
  BOOST_TEST((ledger.usage() == tenon::cache_usage{.total = 3, .free = 0, .cached = 0, .held = 3}));
}

BOOST_AUTO_TEST_CASE(knows_what_can_never_fit) {
  auto ledger = small(3);
  BOOST_TEST(ledger.can_ever_hold(12));
  BOOST_TEST(!ledger.can_ever_hold(13));
  BOOST_TEST(!small(100).can_ever_hold(33));
  BOOST_TEST(!small(100).reserve(0, 33));
}

BOOST_AUTO_TEST_CASE(attaches_whole_known_pages_and_never_the_last_position) {
  auto ledger = small(8);
  remember(ledger, ids(11), mine);  // two whole pages; 3 positions of a third
  BOOST_TEST((ledger.usage() == tenon::cache_usage{.total = 8, .free = 6, .cached = 2, .held = 0}));
  BOOST_TEST(ledger.attach_prefix(0, ids(8), mine) == 4);
  BOOST_TEST(ledger.attach_prefix(1, ids(9), mine) == 8);
  BOOST_TEST(ledger.pages(0)[0] == ledger.pages(1)[0]);
  BOOST_TEST((ledger.usage() == tenon::cache_usage{.total = 8, .free = 6, .cached = 0, .held = 2}));
  BOOST_TEST(ledger.attach_prefix(2, ids(20), yours) == 0);
  BOOST_TEST(ledger.attach_prefix(2, ids(20, 1), mine) == 0);
}

BOOST_AUTO_TEST_CASE(gives_up_the_end_of_the_oldest_prefix_first) {
  auto ledger = small(4);
  remember(ledger, ids(8), mine);
  remember(ledger, ids(8, 100), mine);
  BOOST_TEST(ledger.usage().cached == 4);
  BOOST_TEST(ledger.reserve(0, 4));  // takes the last page of the first prefix
  BOOST_TEST(ledger.attach_prefix(1, ids(9), mine) == 4);
  BOOST_TEST(ledger.attach_prefix(2, ids(9, 100), mine) == 8);
}

BOOST_AUTO_TEST_CASE(a_used_prefix_is_not_the_oldest) {
  auto ledger = small(4);
  remember(ledger, ids(8), mine);
  remember(ledger, ids(8, 100), mine);
  BOOST_TEST(ledger.attach_prefix(0, ids(9), mine) == 8);
  ledger.release(0);
  BOOST_TEST(ledger.reserve(0, 8));
  BOOST_TEST(ledger.attach_prefix(1, ids(9), mine) == 8);
  BOOST_TEST(ledger.attach_prefix(2, ids(9, 100), mine) == 0);
}

BOOST_AUTO_TEST_CASE(keeps_equal_contents_once) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 10));
  BOOST_REQUIRE(ledger.reserve(1, 10));
  ledger.publish(0, ids(8), mine);
  auto const own_last = ledger.pages(1)[2];
  ledger.publish(1, ids(10), mine);
  BOOST_TEST(ledger.pages(0)[0] == ledger.pages(1)[0]);
  BOOST_TEST(ledger.pages(0)[1] == ledger.pages(1)[1]);
  BOOST_TEST(ledger.pages(1)[2] == own_last);
  BOOST_TEST(ledger.usage().held == 4);
  ledger.publish(0, ids(8), mine);  // again: nothing new
  BOOST_TEST(ledger.usage().held == 4);
}

BOOST_AUTO_TEST_CASE(a_shared_page_does_not_give_way_to_a_known_one) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 8));
  BOOST_REQUIRE(ledger.fork(0, 1, 8).has_value());
  BOOST_REQUIRE(ledger.reserve(2, 4));
  ledger.publish(2, ids(4), mine);
  ledger.publish(0, ids(8), mine);  // the first page is known, but slot 1 has it too
  BOOST_TEST((table(ledger, 0) == table(ledger, 1)));
  BOOST_TEST(ledger.attach_prefix(3, ids(9), mine) == 4);
  ledger.release(3);
  ledger.release(1);
  ledger.publish(0, ids(8), mine);
  BOOST_TEST(ledger.pages(0)[0] == ledger.pages(2)[0]);
  BOOST_TEST(ledger.attach_prefix(3, ids(9), mine) == 8);
}

BOOST_AUTO_TEST_CASE(never_writes_into_a_published_page) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 10));
  ledger.publish(0, ids(8), mine);
  BOOST_TEST(ledger.truncate(0, 9) == 9);  // the last page is its own
  BOOST_TEST(ledger.truncate(0, 6) == 4);  // positions 4 and 5 stand in a published page
  BOOST_TEST(ledger.pages(0).size() == 1u);
  BOOST_TEST(ledger.attach_prefix(1, ids(9), mine) == 8);
  BOOST_TEST(ledger.truncate(0, 4) == 4);
  BOOST_TEST(ledger.reserve(0, 6));
  BOOST_TEST(ledger.pages(0)[1] != ledger.pages(1)[1]);
}

BOOST_AUTO_TEST_CASE(truncates_private_pages_anywhere) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 10));
  auto const before = table(ledger, 0);
  BOOST_TEST(ledger.truncate(0, 6) == 6);
  BOOST_TEST(ledger.pages(0).size() == 2u);
  BOOST_TEST(ledger.pages(0)[1] == before[1]);
  BOOST_TEST(ledger.truncate(0, 0) == 0);
  BOOST_TEST(ledger.usage().free == 8);
}

BOOST_AUTO_TEST_CASE(fork_shares_whole_pages_and_copies_the_last) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 12));
  auto const copies = ledger.fork(0, 1, 10);
  BOOST_REQUIRE(copies.has_value());
  BOOST_TEST(ledger.pages(1).size() == 3u);
  BOOST_TEST(ledger.pages(1)[1] == ledger.pages(0)[1]);
  BOOST_TEST(ledger.pages(1)[2] != ledger.pages(0)[2]);
  BOOST_REQUIRE(copies->size() == 1u);
  BOOST_TEST(((*copies)[0] == tenon::page_copy{.from = ledger.pages(0)[2], .to = ledger.pages(1)[2]}));
  BOOST_TEST(ledger.truncate(1, 6) == 4);  // the page is shared, though nobody published it
  ledger.release(0);
  BOOST_TEST(ledger.usage().held == 1);
}

BOOST_AUTO_TEST_CASE(a_fork_publishes_what_its_parent_did_not) {
  auto ledger = small(8);
  BOOST_REQUIRE(ledger.reserve(0, 8));
  BOOST_REQUIRE(ledger.fork(0, 1, 8).has_value());
  ledger.release(0);
  BOOST_REQUIRE(ledger.reserve(1, 12));
  ledger.publish(1, ids(12), mine);
  ledger.release(1);
  BOOST_TEST(ledger.attach_prefix(2, ids(13), mine) == 12);
}

BOOST_AUTO_TEST_CASE(fork_at_a_page_boundary_needs_no_room) {
  auto ledger = small(2);
  BOOST_REQUIRE(ledger.reserve(0, 8));
  BOOST_TEST(!ledger.fork(0, 1, 7).has_value());
  BOOST_TEST(ledger.pages(1).empty());
  auto const copies = ledger.fork(0, 1, 8);
  BOOST_REQUIRE(copies.has_value());
  BOOST_TEST(copies->empty());
  BOOST_TEST(ledger.pages(1).size() == 2u);
}

BOOST_AUTO_TEST_CASE(without_prefix_caching_nothing_is_remembered) {
  auto ledger = small(8, false);
  remember(ledger, ids(8), mine);
  BOOST_TEST(ledger.usage().free == 8);
  BOOST_TEST(ledger.attach_prefix(0, ids(9), mine) == 0);
}

BOOST_AUTO_TEST_CASE(says_which_options_do_not_fit) {
  BOOST_CHECK_EXCEPTION((tenon::prefix_ledger{{.pages = 0, .page_tokens = 16, .slots = 1, .max_context = 8}}),
                        tenon::options_error, [](auto const& e) {
                          return std::string{e.what()}.find("pages = 0") != std::string::npos;
                        });
  BOOST_CHECK_THROW((tenon::prefix_ledger{{.pages = 4, .page_tokens = 0, .slots = 1, .max_context = 8}}),
                    tenon::options_error);
}

BOOST_AUTO_TEST_SUITE_END()
