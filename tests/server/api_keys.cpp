// SPDX-License-Identifier: Apache-2.0
#include "server/api_keys.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(api_keys)

BOOST_AUTO_TEST_CASE(only_a_whole_key_is_found) {
  server::api_keys keys;
  BOOST_TEST(keys.empty());
  keys.add("alpha");
  keys.add("beta");
  keys.add("alpha");
  keys.add("");
  BOOST_TEST(!keys.empty());
  BOOST_TEST(keys.find("Bearer alpha").value_or(9) == 0u);
  BOOST_TEST(keys.find("BEARER   beta").value_or(9) == 1u);
  for (auto const* const header :
       {"", "Bearer", "Bearer ", "Bearer alph", "Bearer alphaa", "Bearer Alpha", "Bearer alpha beta", "alpha",
        "Basic alpha", "Basic YWxwaGE=", "Bearer\talpha", "Bearer alpha,Bearer beta", " Bearer alpha"}) {
    BOOST_TEST(!keys.find(header).has_value(), "'" << header << "' is no key");
  }
  BOOST_TEST(keys.tenant(0) != keys.tenant(1));
  BOOST_TEST(keys.tenant(0).find("alpha") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(places_are_counted_for_each_key) {
  server::api_keys keys{2};
  keys.add("alpha");
  keys.add("beta");
  auto first = keys.enter(0);
  auto const second = keys.enter(0);
  BOOST_TEST((first && second));
  BOOST_TEST(!keys.enter(0).has_value());
  BOOST_TEST(!keys.enter(0).has_value());  // a refusal takes no place
  BOOST_TEST(keys.enter(1).has_value());
  first.reset();
  BOOST_TEST(keys.enter(0).has_value());
}

BOOST_AUTO_TEST_CASE(without_a_limit_there_is_always_a_place) {
  server::api_keys keys;
  keys.add("alpha");
  std::vector<server::api_keys::place> taken;
  for (int i = 0; i < 1000; ++i) {
    auto place = keys.enter(0);
    BOOST_REQUIRE(place);
    taken.push_back(std::move(*place));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
