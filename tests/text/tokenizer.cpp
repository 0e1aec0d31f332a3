// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/tokenizer.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(tokenizer)

namespace {

/// A user's tokenizer: a token is a byte.
struct bytes {
  std::vector<tenon::token_id> encode(std::string_view text) const { return {text.begin(), text.end()}; }
  std::vector<tenon::token_id> encode(std::span<tenon::text_span const> spans) const {
    std::vector<tenon::token_id> ids;
    for (auto const& span : spans) ids.insert(ids.end(), span.text.begin(), span.text.end());
    return ids;
  }
  std::string_view token_bytes(tenon::token_id) const { return "x"; }
  bool is_special(tenon::token_id) const { return false; }
  std::optional<tenon::token_id> added_token(std::string_view) const { return std::nullopt; }
};

struct without_spans {
  std::vector<tenon::token_id> encode(std::string_view) const { return {}; }
};

struct changed_by_encoding {
  std::vector<tenon::token_id> encode(std::string_view) { return {}; }
  std::vector<tenon::token_id> encode(std::span<tenon::text_span const>) { return {}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_users_tokenizer_needs_five_members) {
  BOOST_TEST(tenon::tokenizer<bytes>);
  BOOST_TEST(bytes{}.encode("ab").size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_missing_has_a_name) {
  BOOST_TEST(!tenon::requirement::encodes_text<without_spans>);
  BOOST_TEST(!tenon::requirement::encodes_text<changed_by_encoding>);
  BOOST_TEST(!tenon::requirement::decodes_tokens<without_spans>);
  BOOST_TEST(!tenon::requirement::finds_tokens_by_name<without_spans>);
  BOOST_TEST(!tenon::tokenizer<without_spans>);
}

BOOST_AUTO_TEST_CASE(spans_are_untrusted_unless_said_otherwise) {
  BOOST_TEST(!tenon::text_span{"words"}.trusted);
  BOOST_TEST((tenon::text_span{"a", true} != tenon::text_span{"a", false}));
}

BOOST_AUTO_TEST_SUITE_END()
