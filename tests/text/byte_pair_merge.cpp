// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/byte_pair_merge.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(byte_pair_merge)

using tenon::byte_pair_merge;
using tenon::token_id;
using tenon::tests::random_text;
using ids = std::vector<token_id>;

namespace {

/// Random merges over the letters a to d: a token's id is 256 + its rank.
struct random_merges {
  tenon::merge_table table;
  std::array<token_id, 256> byte_tokens{};

  random_merges(random_text& random, std::uint32_t count) : table{count} {
    std::iota(byte_tokens.begin(), byte_tokens.end(), 0);
    ids tokens{'a', 'b', 'c', 'd'};
    for (std::uint32_t rank = 0; rank < count; ++rank) {
      token_id const left = tokens[random.below(tokens.size())];
      token_id const right = tokens[random.below(tokens.size())];
      auto const merged = static_cast<token_id>(256 + rank);
      if (table.insert(left, right, {rank, merged})) tokens.push_back(merged);
    }
  }
};

/// The definition, word by word.
ids merged_by_definition(std::string const& piece, random_merges const& merges) {
  ids tokens;
  for (char const c : piece) tokens.push_back(merges.byte_tokens[static_cast<unsigned char>(c)]);
  for (;;) {
    std::size_t best = 0;
    tenon::merge lowest;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      auto const found = merges.table.find(tokens[i], tokens[i + 1]);
      if (found < lowest) {
        lowest = found;
        best = i;
      }
    }
    if (!lowest.exists()) return tokens;
    tokens[best] = lowest.merged();
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(both_ways_equal_the_definition) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t round = random_text::scaled(300); round > 0; --round) {
    random_merges const merges{random, static_cast<std::uint32_t>(1 + random.below(60))};
    for (int i = 0; i < 40; ++i) {
      std::string piece(1 + random.below(byte_pair_merge::scan_limit), 'a');
      for (char& c : piece) c = static_cast<char>('a' + random.below(1 + random.below(4)));
      ids const expected = merged_by_definition(piece, merges);
      ids scanned{-7};
      ids heaped{-7};
      byte_pair_merge::append_by_scan(piece, merges.table, merges.byte_tokens, scanned);
      byte_pair_merge::append_by_heap(piece, merges.table, merges.byte_tokens, heaped);
      BOOST_REQUIRE_EQUAL(scanned.front(), -7);  // appended, what was there stays
      BOOST_REQUIRE_EQUAL_COLLECTIONS(scanned.begin() + 1, scanned.end(), expected.begin(), expected.end());
      BOOST_REQUIRE_EQUAL_COLLECTIONS(heaped.begin(), heaped.end(), scanned.begin(), scanned.end());
    }
  }
}

BOOST_AUTO_TEST_CASE(pieces_around_the_limit_and_far_above_it) {
  random_text random;
  random_merges const merges{random, 50};
  for (std::size_t const size : {byte_pair_merge::scan_limit - 1, byte_pair_merge::scan_limit,
                                 byte_pair_merge::scan_limit + 1, std::size_t{500}}) {
    std::string piece(size, 'a');
    for (char& c : piece) c = static_cast<char>('a' + random.below(4));
    ids const expected = merged_by_definition(piece, merges);
    ids found;
    byte_pair_merge::append(piece, merges.table, merges.byte_tokens, found);
    BOOST_TEST(found == expected, boost::test_tools::per_element());
  }
}

// The scan alone would need 10^11 steps.
BOOST_AUTO_TEST_CASE(a_long_piece_takes_no_quadratic_time) {
  random_text random;
  random_merges const merges{random, 50};
  std::string const piece(random_text::scaled(500'000), 'a');
  ids found;
  byte_pair_merge::append(piece, merges.table, merges.byte_tokens, found);
  BOOST_TEST(!found.empty());
}

BOOST_AUTO_TEST_SUITE_END()
