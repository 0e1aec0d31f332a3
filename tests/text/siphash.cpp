// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/siphash.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

BOOST_AUTO_TEST_SUITE(siphash)

// Values of the reference implementation (vectors.h, vectors_sip64): key 00 01 … 0f, text of the bytes 0, 1,
// ….
BOOST_AUTO_TEST_CASE(agrees_with_the_reference_implementation) {
  constexpr tenon::siphash_key key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  std::string text;
  auto const next = [&] {
    auto const value = tenon::siphash(text, key);
    text += static_cast<char>(text.size());
    return value;
  };
  BOOST_TEST(next() == 0x726fdb47dd0e0e31u);
  BOOST_TEST(next() == 0x74f839c593dc67fdu);
  BOOST_TEST(next() == 0x0d6c8009d9a94f5au);
  while (text.size() < 15) next();
  BOOST_TEST(next() == 0xa129ca6149be45e5u);  // the example of the paper's appendix
}

BOOST_AUTO_TEST_CASE(depends_on_the_key) {
  BOOST_TEST(tenon::siphash("a", {1, 2}) != tenon::siphash("a", {2, 2}));
  BOOST_TEST(tenon::siphash("a", {1, 2}) != tenon::siphash("a", {1, 3}));
}

BOOST_AUTO_TEST_SUITE_END()
