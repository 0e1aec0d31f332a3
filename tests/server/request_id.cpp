// SPDX-License-Identifier: Apache-2.0
#include "server/request_id.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(request_id)

BOOST_AUTO_TEST_CASE(what_a_client_gives_is_kept_but_for_what_a_header_cannot_hold) {
  BOOST_TEST(server::request_id_for("abc/1=2") == "abc/1=2");
  BOOST_TEST(server::request_id_for("a\r\nb \xc3\xa9\x01\x7f"
                                    "c") == "abc");
  BOOST_TEST(server::request_id_for(std::string(129, 'x')) == std::string(128, 'x'));
}

BOOST_AUTO_TEST_CASE(new_ids_differ) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(server::request_id_for(""));
  BOOST_TEST(ids.size() == 10'000u);
  BOOST_TEST(ids.begin()->size() == 32u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
