// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/error.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(a_load_error_says_where_and_what) {
  tenon::load_error const failure{"dir/config.json", "key 'x' is missing"};
  BOOST_TEST(failure.what() == std::string{"dir/config.json: key 'x' is missing"});
  BOOST_TEST(failure.where() == "dir/config.json");
}

BOOST_AUTO_TEST_CASE(a_request_error_names_parameter_and_code) {
  tenon::request_error const failure{"messages[2].content", "invalid_value", "expected a string, found 3"};
  BOOST_TEST(failure.what() == std::string{"expected a string, found 3"});
  BOOST_TEST(failure.parameter() == "messages[2].content");
  BOOST_TEST(failure.code() == "invalid_value");
}

BOOST_AUTO_TEST_CASE(one_handler_catches_all_of_them) {
  BOOST_CHECK_THROW(throw tenon::load_error("f", "m"), tenon::error);
  BOOST_CHECK_THROW(throw tenon::request_error("p", "c", "m"), tenon::error);
  BOOST_CHECK_THROW(throw tenon::options_error("m"), tenon::error);
  BOOST_CHECK_THROW(throw tenon::options_error("m"), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
