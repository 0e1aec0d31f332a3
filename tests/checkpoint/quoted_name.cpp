// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/quoted_name.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

BOOST_AUTO_TEST_SUITE(quoted_name)

BOOST_AUTO_TEST_CASE(names_are_shown_as_they_are) {
  BOOST_TEST(tenon::quoted_name("model.layers.0.mlp") == "'model.layers.0.mlp'");
  BOOST_TEST(tenon::quoted_name("größe") == "'größe'");
  BOOST_TEST(tenon::quoted_name("") == "''");
}

BOOST_AUTO_TEST_CASE(control_characters_reach_no_terminal) {
  BOOST_TEST(tenon::quoted_name("a\x1b[31m\n\x7f") == "'a\\x1b[31m\\x0a\\x7f'");
  BOOST_TEST(tenon::quoted_name(std::string(1, '\0')) == "'\\x00'");
}

BOOST_AUTO_TEST_CASE(long_names_are_cut) {
  auto const text = tenon::quoted_name(std::string(100000, 'x'));
  BOOST_TEST(text.size() == 205u);
  BOOST_TEST(text.ends_with("...'"));
}

BOOST_AUTO_TEST_SUITE_END()
