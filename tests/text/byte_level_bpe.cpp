// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/byte_level_bpe.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/text/random_text.hpp"
#include "tests/text/reference_ids.hpp"
#include "tests/text/small_tokenizer.hpp"

BOOST_AUTO_TEST_SUITE(byte_level_bpe)

using tenon::text_span;
using tenon::token_id;
using tenon::tests::random_text;
using ids = std::vector<token_id>;
using spans = std::vector<text_span>;

namespace {

tenon::byte_level_bpe const& small() {
  static auto const tokenizer = tenon::byte_level_bpe::parse(tenon::tests::small_tokenizer_json(), "small");
  return tokenizer;
}

/// The same without added tokens: text in which none may match.
tenon::byte_level_bpe const& plain() {
  static auto const tokenizer = [] {
    auto document = tenon::tests::small_tokenizer_object();
    document.erase("added_tokens");
    return tenon::byte_level_bpe::parse(boost::json::serialize(document), "plain");
  }();
  return tokenizer;
}

/// The real tokenizer of a family, or nothing where there is no test data.
std::optional<tenon::byte_level_bpe> real(std::string const& family) {
  char const* const data = std::getenv("TENON_TEST_DATA");
  std::filesystem::path const path = std::filesystem::path{data != nullptr ? data : ""} / "qwen" / family;
  if (data == nullptr || !std::filesystem::exists(path)) {
    BOOST_TEST_MESSAGE("skipped: TENON_TEST_DATA names no directory with qwen/" << family);
    return std::nullopt;
  }
  return tenon::byte_level_bpe::load(path);
}

/// Random cuts of a text, each piece trusted or not as `trusted` says.
template <class Trusted> spans cut(random_text& random, std::string_view text, Trusted&& trusted) {
  spans result;
  while (!text.empty()) {
    std::size_t const size = random.below(std::min<std::size_t>(text.size(), 9) + 1);
    result.push_back({text.substr(0, size), trusted()});
    text.remove_prefix(size);
  }
  return result;
}

void expect_invalid_utf8(std::string_view text, std::string const& offset) {
  BOOST_CHECK_EXCEPTION(small().encode(text), tenon::request_error, [&](tenon::request_error const& error) {
    return error.parameter() == "text" && error.code() == "invalid_utf8" &&
           std::string_view{error.what()}.ends_with("at byte offset " + offset);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(pieces_are_merged_by_rank) {
  BOOST_TEST(small().encode("hello world") == (ids{259, 263, 264, 'd'}), boost::test_tools::per_element());
  BOOST_TEST(small().encode("h") == (ids{'h'}), boost::test_tools::per_element());
  BOOST_TEST(small().encode("").empty());
}

// "Ġw" + "o" is a token, but in " wor" ranks decide alike whether or not the whole piece is one.
BOOST_AUTO_TEST_CASE(a_piece_that_is_a_token_is_that_token_only_if_merging_gets_there) {
  auto document = tenon::tests::small_tokenizer_object();
  document["model"].as_object()["vocab"].as_object()["xyz"] = 280;  // no merge leads to it
  auto const tokenizer = tenon::byte_level_bpe::parse(boost::json::serialize(document), "unreachable");
  for (int again = 0; again < 3; ++again) {
    BOOST_TEST(tokenizer.encode("xyz") == (ids{'x', 'y', 'z'}), boost::test_tools::per_element());
    BOOST_TEST(tokenizer.encode(" wo") == (ids{263}), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(text_is_normalised_first) {
  BOOST_TEST(small().encode("e\xCC\x81") == (ids{265}), boost::test_tools::per_element());
  auto document = tenon::tests::small_tokenizer_object();
  document["normalizer"] = nullptr;
  auto const raw = tenon::byte_level_bpe::parse(boost::json::serialize(document), "raw");
  BOOST_TEST(raw.encode("e\xCC\x81") == (ids{'e', 0xCC, 0x81}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(added_tokens_match_everywhere_in_text) {
  BOOST_TEST(small().encode("he<|end|>llo[x]") == (ids{257, 300, 256, 'o', 303}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode("<|end|") == (ids{301, '|'}), boost::test_tools::per_element());
  // Before normalisation: U+0338 after the token does not change its last letter.
  BOOST_TEST(small().encode("<|end|>\xCC\xB8") == (ids{300, 0xCC, 0xB8}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(added_tokens_do_not_match_in_untrusted_spans) {
  BOOST_TEST(small().encode(spans{{"<|end|>", false}}) == plain().encode("<|end|>"),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"<|end|>", true}, {"<|end|>", false}}).front() == 300);
  auto const mixed = small().encode(spans{{"<|end|>", false}, {"[x]", true}, {"[x]", false}});
  BOOST_TEST(mixed == (ids{'<', '|', 'e', 'n', 'd', '|', '>', 303, '[', 'x', ']'}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_added_token_needs_trust_in_all_its_bytes) {
  BOOST_TEST(small().encode(spans{{"[", true}, {"x]", true}}) == (ids{303}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"[", true}, {"", false}, {"x]", true}}) == (ids{303}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"[", true}, {"x", false}, {"]", true}}) == (ids{'[', 'x', ']'}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"<|end", true}, {"|>", false}}) == (ids{301, '|', '>'}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(everything_else_runs_across_borders) {
  BOOST_TEST(small().encode(spans{{"user\n", true}, {"\n\nhi", false}}) == small().encode("user\n\n\nhi"),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"\n", true}, {"\n\n", false}}) == (ids{262}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"he", false}, {"l", true}, {"lo", false}}) == (ids{259}),
             boost::test_tools::per_element());
  BOOST_TEST(small().encode(spans{{"e", true}, {"\xCC", false}, {"\x81", true}}) == (ids{265}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(trusted_cuts_change_nothing) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t i = random_text::scaled(10'000); i > 0; --i) {
    std::string const text = random.text(12);
    BOOST_REQUIRE(small().encode(cut(random, text, [] { return true; })) == small().encode(text));
    BOOST_REQUIRE(small().encode(cut(random, text, [] { return false; })) == plain().encode(text));
  }
}

// What random trust gives, from matching and plain encoding alone.
BOOST_AUTO_TEST_CASE(random_trust_equals_matching_by_hand) {
  random_text random;
  for (std::size_t i = random_text::scaled(10'000); i > 0; --i) {
    std::string const text = random.text(8);
    spans const pieces = cut(random, text, [&] { return random.below(3) > 0; });
    std::vector<bool> trusted;
    for (auto const& piece : pieces) trusted.insert(trusted.end(), piece.text.size(), piece.trusted);
    ids expected;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (std::string_view const name : {"<|end|>", "<|end", "<think>", "[x]"}) {  // the longer one first
        if (at < done || !std::string_view{text}.substr(at).starts_with(name)) continue;
        bool all = true;
        for (std::size_t k = at; k < at + name.size(); ++k) all = all && trusted[k];
        if (!all) continue;
        for (auto const id : plain().encode(std::string_view{text}.substr(done, at - done)))
          expected.push_back(id);
        expected.push_back(small().added_token(name).value());
        done = at + name.size();
      }
    }
    for (auto const id : plain().encode(std::string_view{text}.substr(done))) expected.push_back(id);
    BOOST_REQUIRE(small().encode(pieces) == expected);
  }
}

BOOST_AUTO_TEST_CASE(invalid_utf8_is_refused_with_its_place) {
  expect_invalid_utf8("\xFF", "0");
  expect_invalid_utf8("hello \xC3", "6");
  expect_invalid_utf8("<|end|>\xED\xA0\x80", "7");
  ids kept{1, 2};
  BOOST_CHECK_THROW(small().encode("ok\xFF", kept), tenon::request_error);
  BOOST_TEST(kept == (ids{1, 2}), boost::test_tools::per_element());
  BOOST_CHECK_THROW(small().encode(spans{{"a\xC3", true}, {"b", false}}), tenon::request_error);
  BOOST_CHECK_NO_THROW(small().encode(spans{{"a\xC3", true}, {"\xA9", false}}));
}

BOOST_AUTO_TEST_CASE(ids_are_appended_to_what_is_there) {
  ids out{7};
  small().encode("he", out);
  small().encode(spans{{"[x]", true}}, out);
  BOOST_TEST(out == (ids{7, 257, 303}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ids_become_text_again) {
  BOOST_TEST(small().decode(ids{259, 263, 264, 'd', 300, 302}, false) == "hello world<|end|><think>");
  BOOST_TEST(small().decode(ids{259, 263, 264, 'd', 300, 302}, true) == "hello world<think>");
  BOOST_TEST(small().decode(ids{0xC3, 'x', 0xE4, 0xB8}, true) == "\xEF\xBF\xBDx\xEF\xBF\xBD");
  BOOST_TEST(small().decode(ids{-1, 'a', 299, 151'936}, true) == "a");
}

BOOST_AUTO_TEST_CASE(tokens_say_what_they_are) {
  BOOST_TEST(small().vocabulary_size() == 304U);
  BOOST_TEST(small().token_bytes(263) == " wo");
  BOOST_TEST(small().token_bytes(0xC3) == "\xC3");
  BOOST_TEST(small().token_bytes(299) == "");
  BOOST_TEST(small().is_special(300));
  BOOST_TEST(!small().is_special(302));
  BOOST_TEST(!small().is_special('a'));
  BOOST_TEST(small().added_token("<think>").value() == 302);
  BOOST_TEST(!small().added_token("hello").has_value());
}

BOOST_AUTO_TEST_CASE(random_text_survives_encoding_and_decoding) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t i = random_text::scaled(10'000); i > 0; --i) {
    std::string const text = random.text(20);
    std::string expected;
    std::string storage;
    std::size_t done = 0;
    tenon::nfc_normaliser const nfc;
    auto const normal_to = [&](std::size_t end) {
      expected += nfc.normalise(std::string_view{text}.substr(done, end - done), storage);
    };
    for (std::size_t at = 0; at < text.size(); ++at) {  // an added token stands between two normalised texts
      for (std::string_view const name : {"<|end|>", "<|end", "<think>", "[x]"}) {
        if (at < done || !std::string_view{text}.substr(at).starts_with(name)) continue;
        normal_to(at);
        expected += name;
        done = at + name.size();
      }
    }
    normal_to(text.size());
    BOOST_REQUIRE_EQUAL(small().decode(small().encode(text), false), expected);
  }
}

BOOST_AUTO_TEST_CASE(many_threads_may_encode_at_once) {
  auto const tokenizer = tenon::byte_level_bpe::parse(tenon::tests::small_tokenizer_json(), "fresh");
  random_text random;
  std::vector<std::string> texts;
  std::vector<ids> expected;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(random.text(20));
    expected.push_back(small().encode(texts.back()));
  }
  std::vector<int> right(4);
  {
    std::vector<std::jthread> threads;
    for (auto& count : right) {
      threads.emplace_back([&tokenizer, &texts, &expected, &count] {
        for (std::size_t i = 0; i < texts.size(); ++i) count += tokenizer.encode(texts[i]) == expected[i];
      });
    }
  }
  for (int const count : right) BOOST_TEST(count == 200);
}

BOOST_AUTO_TEST_CASE(files_are_found_by_directory_or_name) {
  auto const directory =
      std::filesystem::temp_directory_path() / ("tenon_byte_level_bpe_" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  auto const missing = [&](std::filesystem::path const& path) {
    BOOST_CHECK_EXCEPTION(
        tenon::byte_level_bpe::load(path), tenon::load_error,
        [&](tenon::load_error const& error) { return error.where().ends_with("tokenizer.json"); });
  };
  missing(directory);
  missing(directory / "tokenizer.json");
  std::ofstream{directory / "tokenizer.json"} << tenon::tests::small_tokenizer_json();
  BOOST_TEST(tenon::byte_level_bpe::load(directory).encode("hello").size() == 1U);
  BOOST_TEST(tenon::byte_level_bpe::load(directory / "tokenizer.json").encode("hello").size() == 1U);
  std::ofstream{directory / "tokenizer.json"} << "{\"model\":";
  missing(directory);
  std::filesystem::remove_all(directory);
}

BOOST_AUTO_TEST_CASE(qwen3_ids_are_those_of_the_reference) {
  auto const tokenizer = real("qwen3");
  if (!tokenizer) return;
  BOOST_TEST(tokenizer->vocabulary_size() == 151'669U);
  for (auto const& known : tenon::tests::reference_cases()) {
    BOOST_TEST_CONTEXT(known.text)
    BOOST_TEST(tokenizer->encode(known.text) == known.qwen3, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(qwen2_5_ids_are_those_of_the_reference) {
  auto const tokenizer = real("qwen2.5");
  if (!tokenizer) return;
  BOOST_TEST(tokenizer->vocabulary_size() == 151'665U);
  for (auto const& known : tenon::tests::reference_cases()) {
    BOOST_TEST_CONTEXT(known.text)
    BOOST_TEST(tokenizer->encode(known.text) == known.qwen2_5, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(qwen3_keeps_users_words_out_of_added_tokens) {
  auto const tokenizer = real("qwen3");
  if (!tokenizer) return;
  BOOST_TEST(tokenizer->added_token("<|im_end|>").value() == 151'645);
  BOOST_TEST(tokenizer->is_special(151'645));
  BOOST_TEST(!tokenizer->is_special(tokenizer->added_token("<think>").value()));
  BOOST_TEST(tokenizer->token_bytes(151'900) == "");  // a row that pads the model's vocabulary

  ids const across = tokenizer->encode(spans{{"<|im_start|>user\n", true}, {"\n\nhi", false}});
  BOOST_TEST(across == tokenizer->encode("<|im_start|>user\n\n\nhi"), boost::test_tools::per_element());
  BOOST_TEST(across.size() == 4U);  // <|im_start|>, user, the three line breaks as one, hi

  ids const words = tokenizer->encode(spans{{"<|im_end|>", false}});
  BOOST_TEST(words.size() > 1U);
  for (auto const id : words) BOOST_TEST(id < 151'643);
  BOOST_TEST(tokenizer->decode(words, true) == "<|im_end|>");
}

BOOST_AUTO_TEST_SUITE_END()
