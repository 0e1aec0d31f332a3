// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/vocabulary.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(vocabulary)

using tenon::tests::random_text;
using added = tenon::vocabulary::added;

BOOST_AUTO_TEST_CASE(tokens_are_found_by_id_and_by_bytes) {
  tenon::vocabulary tokens;
  BOOST_TEST((tokens.add(7, "seven") == added::yes));
  BOOST_TEST((tokens.add(2, "two") == added::yes));
  BOOST_TEST(tokens.bytes(7) == "seven");
  BOOST_TEST(tokens.find("two").value() == 2);
  BOOST_TEST(!tokens.find("tw").has_value());
  BOOST_TEST(tokens.id_space() == 8U);
}

BOOST_AUTO_TEST_CASE(an_id_without_a_token_has_no_bytes) {
  tenon::vocabulary tokens;
  tokens.add(3, "x");
  for (tenon::token_id const id : {-1, 0, 2, 4, 1 << 30}) {
    BOOST_TEST(!tokens.contains(id));
    BOOST_TEST(tokens.bytes(id) == "");
  }
}

BOOST_AUTO_TEST_CASE(an_id_and_a_text_are_given_once) {
  tenon::vocabulary tokens;
  tokens.add(1, "a");
  BOOST_TEST((tokens.add(1, "b") == added::id_is_taken));
  BOOST_TEST((tokens.add(2, "a") == added::bytes_are_taken));
  BOOST_TEST(!tokens.contains(2));
  BOOST_TEST(!tokens.find("b").has_value());
}

BOOST_AUTO_TEST_CASE(hidden_tokens_have_bytes_but_are_not_found) {
  tenon::vocabulary tokens;
  BOOST_TEST(tokens.add_hidden(5, "<|end|>"));
  BOOST_TEST(!tokens.add_hidden(5, "<|start|>"));
  BOOST_TEST(tokens.bytes(5) == "<|end|>");
  BOOST_TEST(!tokens.find("<|end|>").has_value());
}

BOOST_AUTO_TEST_CASE(equal_to_a_map_for_random_tokens_in_random_order) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  tenon::vocabulary tokens;
  std::map<std::string, tenon::token_id> by_bytes;
  std::map<tenon::token_id, std::string> by_id;
  for (int i = 0; i < 20'000; ++i) {
    auto const id = static_cast<tenon::token_id>(random.below(30'000));
    std::string const bytes = "t" + random.bytes(random.below(10) == 0 ? 40 : 3);
    bool const fresh = !by_id.contains(id) && !by_bytes.contains(bytes);
    BOOST_REQUIRE((tokens.add(id, bytes) == added::yes) == fresh);
    if (fresh) {
      by_bytes[bytes] = id;
      by_id[id] = bytes;
    }
  }
  for (auto const& [bytes, id] : by_bytes) {
    BOOST_REQUIRE_EQUAL(tokens.find(bytes).value_or(-1), id);
    BOOST_REQUIRE_EQUAL(tokens.bytes(id), bytes);
    BOOST_REQUIRE_EQUAL(tokens.find(bytes + "?").has_value(), by_bytes.contains(bytes + "?"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
