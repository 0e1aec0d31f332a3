// SPDX-License-Identifier: Apache-2.0
#include "tenon/cache/page_ledger.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(page_ledger)

BOOST_AUTO_TEST_CASE(hands_out_every_page_once) {
  tenon::page_ledger ledger{3, 2, 3};
  BOOST_TEST(ledger.append_free(0) == 0);
  BOOST_TEST(ledger.append_free(1) == 1);
  BOOST_TEST(ledger.append_free(0) == 2);
  BOOST_TEST(ledger.free_pages() == 0);
  BOOST_TEST(ledger.total_pages() == 3);
  BOOST_TEST(ledger.table(0).size() == 2u);
  BOOST_TEST(ledger.table(0)[1] == 2);
  BOOST_TEST(ledger.table(1)[0] == 1);
}

BOOST_AUTO_TEST_CASE(counts_the_holders_of_a_page) {
  tenon::page_ledger ledger{2, 3, 2};
  tenon::page_id const page = ledger.append_free(0);
  ledger.append_held(1, page);
  ledger.append_held(2, page);
  BOOST_TEST(ledger.holders(page) == 3);
  BOOST_TEST(ledger.remove_last(1) == page);
  BOOST_TEST(ledger.holders(page) == 2);
  BOOST_TEST(ledger.length(1) == 0);
  BOOST_TEST(ledger.free_pages() == 1);  // a page without holders is recycled by its owner only
  ledger.remove_last(0);
  ledger.remove_last(2);
  BOOST_TEST(ledger.free_pages() == 1);
  ledger.recycle(page);
  BOOST_TEST(ledger.free_pages() == 2);
  BOOST_TEST(ledger.append_free(0) == page);
}

BOOST_AUTO_TEST_CASE(replaces_a_page_in_place) {
  tenon::page_ledger ledger{4, 2, 3};
  ledger.append_free(0);
  tenon::page_id const old = ledger.append_free(0);
  ledger.append_free(0);
  tenon::page_id const other = ledger.append_free(1);
  BOOST_TEST(ledger.replace(0, 1, other) == old);
  BOOST_TEST(ledger.table(0)[1] == other);
  BOOST_TEST(ledger.holders(other) == 2);
  BOOST_TEST(ledger.holders(old) == 0);
  BOOST_TEST(ledger.length(0) == 3);
}

BOOST_AUTO_TEST_CASE(refuses_sizes_that_hold_nothing) {
  BOOST_CHECK_THROW((tenon::page_ledger{0, 1, 1}), tenon::options_error);
  BOOST_CHECK_THROW((tenon::page_ledger{1, 0, 1}), tenon::options_error);
  BOOST_CHECK_THROW((tenon::page_ledger{1, 1, -1}), tenon::options_error);
}

BOOST_AUTO_TEST_SUITE_END()
