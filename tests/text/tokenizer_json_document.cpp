// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/tokenizer_json_document.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tests/text/small_tokenizer.hpp"

BOOST_AUTO_TEST_SUITE(tokenizer_json_document)

namespace {

tenon::tokenizer_json_document parse(std::string_view json) {
  static std::string const where = "some/tokenizer.json";
  return tenon::parse_tokenizer_json(json, tenon::tokenizer_json_fault{where});
}

/// A document whose model has these members.
std::string with_model(std::string const& members) {
  return R"({"model": {"type": "BPE", )" + members + "}}";
}

void expect_error(std::string const& json, std::string const& part) {
  BOOST_TEST_CONTEXT(json) {
    BOOST_CHECK_EXCEPTION(parse(json), tenon::load_error, [&](tenon::load_error const& error) {
      BOOST_TEST_INFO(error.what());
      std::string const message = error.what();
      return error.where() == "some/tokenizer.json" && message.starts_with("some/tokenizer.json: '") &&
             message.find(part) != message.npos;
    });
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(vocabulary_and_merges_become_tables_and_the_rest_a_value) {
  auto const document =
      parse(with_model(R"("vocab": {"a": 0, "Ġ": 2, "é中": 5}, "merges": ["Ġ a"], "dropout": null)"));
  BOOST_TEST(document.has_vocab);
  BOOST_TEST(document.has_merges);
  BOOST_TEST(document.tokens.bytes(2) == " ");
  BOOST_TEST(document.tokens.find("a").value() == 0);
  BOOST_TEST(document.tokens.bytes(5) == "é中");  // its letters stand for no bytes: it is its own text
  BOOST_TEST(document.foreign.at("é中") == 5);
  BOOST_TEST(document.merge_bytes == " a");
  BOOST_TEST(document.rest.at("model").at("type").as_string() == "BPE");
  BOOST_TEST(document.rest.at("model").at("dropout").is_null());
}

BOOST_AUTO_TEST_CASE(both_spellings_of_merges_give_the_same) {
  auto const texts = parse(with_model(R"("merges": ["a b", "ab c"])"));
  auto const pairs = parse(with_model(R"("merges": [["a", "b"], ["ab", "c"]])"));
  BOOST_TEST(texts.merge_bytes == "ababc");
  BOOST_TEST(texts.merge_bytes == pairs.merge_bytes);
  BOOST_REQUIRE_EQUAL(texts.merges.size(), 2U);
  BOOST_REQUIRE_EQUAL(pairs.merges.size(), 2U);
  BOOST_TEST(texts.merges[1].left == 2U);
  BOOST_TEST(pairs.merges[1].left == 2U);
  BOOST_TEST(pairs.merges[1].right == 1U);
}

BOOST_AUTO_TEST_CASE(escaped_letters_are_read) {
  auto const document = parse(
      with_model(R"("vocab": {"\u0120\u0041": 1, "\"": 2}, "merges": [["\u0120", "\u0041"], "\u0120 \""])"));
  BOOST_TEST(document.tokens.bytes(1) == " A");
  BOOST_TEST(document.tokens.bytes(2) == "\"");
  BOOST_TEST(document.merge_bytes == " A \"");
}

BOOST_AUTO_TEST_CASE(members_of_the_same_names_elsewhere_are_no_tables) {
  auto const document =
      parse(R"({"vocab": {"a": 1}, "other": {"merges": [1], "vocab": {"b": "x"}}, "merges": {}})");
  BOOST_TEST(!document.has_vocab);
  BOOST_TEST(!document.has_merges);
  BOOST_TEST(document.rest.at("vocab").at("a").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_refused_with_its_place) {
  expect_error("", "'the document': expected JSON, found");
  expect_error("{\"model\": ", "expected JSON");
  expect_error("{} x", "expected one JSON value, found more after byte 3");
  expect_error("{\"a\": \"\xFF\"}", "expected JSON");
  expect_error("[1, 2,, 3]", "at byte 6");
  expect_error(std::string(40, '[') + std::string(40, ']'), "expected JSON");
}

BOOST_AUTO_TEST_CASE(ids_are_integers_in_range_and_given_once) {
  expect_error(with_model(R"("vocab": {"ab": -1})"),
               "'model.vocab.ab': expected an integer from 0 to 4194303, found -1");
  expect_error(with_model(R"("vocab": {"ab": 4294967296})"), "found 4294967296");
  expect_error(with_model(R"("vocab": {"ab": 99999999999999999999})"), "expected an integer");
  expect_error(with_model(R"("vocab": {"ab": 18446744073709551615})"), "found 18446744073709551615");
  expect_error(with_model(R"("vocab": {"ab": 1.0})"), "found 1.0");
  expect_error(with_model(R"("vocab": {"ab": "1"})"), "found \"1\"");
  expect_error(with_model(R"("vocab": {"ab": true})"), "found true");
  expect_error(with_model(R"("vocab": {"ab": null})"), "found null");
  expect_error(with_model(R"("vocab": {"ab": [1]})"), "found an array");
  expect_error(with_model(R"("vocab": {"ab": {}})"), "found an object");
  expect_error(with_model(R"("vocab": {"ab": 1, "cd": 1})"),
               "'model.vocab.cd': expected an id of its own, found id 1 of the token with bytes \"ab\"");
  expect_error(with_model(R"("vocab": {"ab": 1, "ab": 2})"), "'model.vocab.ab': expected one id, found two");
  expect_error(with_model(R"("vocab": {"é中": 1, "é中": 2})"), "expected one id, found two");
  expect_error(with_model(R"("vocab": {"ab": 1}, "vocab": {"cd": 2})"),
               "expected one such member, found two");
}

BOOST_AUTO_TEST_CASE(merges_are_pairs_of_letters) {
  std::string const expected = "expected \"left right\" or [\"left\", \"right\"], found ";
  expect_error(with_model(R"("merges": ["a b", "ab"])"), "'model.merges[1]': " + expected + "\"ab\"");
  expect_error(with_model(R"("merges": ["a b c"])"), "'model.merges[0]': " + expected + "\"a b c\"");
  expect_error(with_model(R"("merges": ["a b", ["a"]])"), "'model.merges[1]': " + expected + "an array of 1");
  expect_error(with_model(R"("merges": [[]])"), "'model.merges[0]': " + expected + "an array of 0");
  expect_error(with_model(R"("merges": [["a", "b", "c"]])"),
               "'model.merges[0]': " + expected + "an array of more");
  expect_error(with_model(R"("merges": [["a", 1]])"), "'model.merges[0]': " + expected + "1");
  expect_error(with_model(R"("merges": [["a", ["b"]]])"), "an array in an array");
  expect_error(with_model(R"("merges": [17])"), "'model.merges[0]': " + expected + "17");
  expect_error(with_model(R"("merges": [null])"), expected + "null");
  expect_error(with_model(R"("merges": [{"a": "b"}])"), expected + "an object");
  expect_error(with_model(R"("merges": [["a", "中"]])"),
               "'model.merges[0]': expected letters that stand for bytes, found \"中\"");
  expect_error(with_model(R"("merges": [" a"])"), "expected letters that stand for bytes, found \"\"");
  expect_error(with_model(R"("merges": [], "merges": [])"), "expected one such member, found two");
}

// Cut anywhere, a good file is an error and nothing else.
BOOST_AUTO_TEST_CASE(a_truncated_file_is_refused) {
  std::string const json = tenon::tests::small_tokenizer_json();
  BOOST_CHECK_NO_THROW(parse(json));
  for (std::size_t size = 0; size < json.size(); ++size) {
    BOOST_REQUIRE_THROW(parse(std::string_view{json}.substr(0, size)), tenon::load_error);
  }
}

BOOST_AUTO_TEST_SUITE_END()
