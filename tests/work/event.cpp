// SPDX-License-Identifier: Apache-2.0
#include "tenon/work/event.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(every_reason_has_a_name_of_its_own) {
  using enum tenon::finish_reason;
  std::set<std::string_view> names;
  for (auto reason : {none, stop, length, cancelled, failed}) names.insert(tenon::name_of(reason));
  BOOST_TEST(names.size() == 5u);
  BOOST_TEST(tenon::name_of(stop) == "stop");
  BOOST_TEST(tenon::name_of(length) == "length");
}

BOOST_AUTO_TEST_CASE(a_new_event_ends_nothing) {
  tenon::event const fresh;
  BOOST_TEST((fresh.finish == tenon::finish_reason::none));
  BOOST_TEST(!fresh.token.has_value());
  BOOST_TEST((fresh == tenon::event{}));
}

BOOST_AUTO_TEST_SUITE_END()
