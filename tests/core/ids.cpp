// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/ids.hpp"

#include <boost/test/unit_test.hpp>
#include <type_traits>

// Ids that count different things do not mix: a request is never taken for a scope or a number.
static_assert(!std::is_convertible_v<tenon::request_id, tenon::cache_scope>);
static_assert(!std::is_convertible_v<tenon::request_id, unsigned long>);
static_assert(!std::is_convertible_v<unsigned long, tenon::request_id>);
// Ids that travel in arrays to a device keep their width.
static_assert(sizeof(tenon::token_id) == 4 && sizeof(tenon::page_id) == 4 && sizeof(tenon::slot_id) == 4);

BOOST_AUTO_TEST_SUITE(ids)

BOOST_AUTO_TEST_CASE(requests_order_by_submission_and_no_slot_is_no_index) {
  BOOST_TEST((tenon::request_id{1} < tenon::request_id{2}));
  BOOST_TEST(tenon::no_slot < 0);
}

BOOST_AUTO_TEST_SUITE_END()
