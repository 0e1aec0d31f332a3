// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/tokenizer_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tests/text/small_tokenizer.hpp"

BOOST_AUTO_TEST_SUITE(tokenizer_json)

namespace json = boost::json;

namespace {

tenon::tokenizer_definition read(json::object const& document) {
  return tenon::tokenizer_json_reader::read(json::serialize(document), "some/tokenizer.json");
}

/// The small tokenizer with one change must be refused with these words.
template <class Change> void expect_error(std::string const& words, Change&& change) {
  auto document = tenon::tests::small_tokenizer_object();
  change(document);
  BOOST_TEST_CONTEXT(words) {
    BOOST_CHECK_EXCEPTION(read(document), tenon::load_error, [&](tenon::load_error const& error) {
      BOOST_TEST_INFO(error.what());
      return error.what() == "some/tokenizer.json: " + words;
    });
  }
}

json::object& model(json::object& document) {
  return document["model"].as_object();
}
json::object& added(json::object& document, std::size_t i) {
  return document["added_tokens"].as_array()[i].as_object();
}
json::object& step(json::object& document, std::size_t i) {
  return document["pre_tokenizer"].as_object()["pretokenizers"].as_array()[i].as_object();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_good_file_is_read_whole) {
  auto const result = read(tenon::tests::small_tokenizer_object());
  BOOST_TEST(result.nfc);
  BOOST_TEST(result.byte_tokens[' '] == 32);
  BOOST_TEST(result.tokens.find("hello").value() == 259);
  BOOST_TEST(result.merges.find('l', 'l').merged() == 256);
  BOOST_TEST(result.added.size() == 4U);
  BOOST_TEST((result.added[0] == tenon::added_token{"<|end|>", 300, true}));
  BOOST_TEST(result.tokens.bytes(302) == "<think>");
}

BOOST_AUTO_TEST_CASE(members_that_change_nothing_may_be_missing) {
  auto document = tenon::tests::small_tokenizer_object();
  for (char const* name :
       {"version", "truncation", "padding", "normalizer", "post_processor", "added_tokens"}) {
    document.erase(name);
  }
  for (char const* name :
       {"dropout", "unk_token", "continuing_subword_prefix", "byte_fallback", "ignore_merges"}) {
    model(document).erase(name);
  }
  auto const result = read(document);
  BOOST_TEST(!result.nfc);
  BOOST_TEST(result.added.empty());
}

BOOST_AUTO_TEST_CASE(what_is_needed_must_be_there) {
  expect_error("'model': expected an object, found nothing", [](auto& d) { d.erase("model"); });
  expect_error("'model': expected an object, found 3", [](auto& d) { d["model"] = 3; });
  expect_error("'model.type': expected \"BPE\", found nothing", [](auto& d) { model(d).erase("type"); });
  expect_error("'model.vocab': expected an object, found nothing", [](auto& d) { model(d).erase("vocab"); });
  expect_error("'model.vocab': expected an object, found an array of 0",
               [](auto& d) { model(d)["vocab"] = json::array{}; });
  expect_error("'model.merges': expected an array, found nothing", [](auto& d) { model(d).erase("merges"); });
  expect_error("'model.merges': expected an array, found \"a b\"",
               [](auto& d) { model(d)["merges"] = "a b"; });
  expect_error("'pre_tokenizer': expected an object, found nothing",
               [](auto& d) { d.erase("pre_tokenizer"); });
  expect_error("'decoder': expected an object, found nothing", [](auto& d) { d.erase("decoder"); });
  BOOST_CHECK_EXCEPTION(
      tenon::tokenizer_json_reader::read("[]", "x"), tenon::load_error, [](auto const& error) {
        return std::string{"x: 'the document': expected an object, found an array of 0"} == error.what();
      });
}

BOOST_AUTO_TEST_CASE(what_would_give_other_ids_is_refused) {
  expect_error("'version': expected \"1.0\" or null, found \"2.0\"", [](auto& d) { d["version"] = "2.0"; });
  expect_error("'normalizer.type': expected \"NFC\", found \"NFKC\"", [](auto& d) {
    d["normalizer"] = {{"type", "NFKC"}};
  });
  expect_error("'post_processor.type': expected \"ByteLevel\", found \"TemplateProcessing\"", [](auto& d) {
    d["post_processor"] = {{"type", "TemplateProcessing"}};
  });
  expect_error("'decoder.type': expected \"ByteLevel\", found \"Metaspace\"", [](auto& d) {
    d["decoder"] = {{"type", "Metaspace"}};
  });
  expect_error("'model.type': expected \"BPE\", found \"Unigram\"",
               [](auto& d) { model(d)["type"] = "Unigram"; });
  expect_error("'model.dropout': expected null, found 1E-1", [](auto& d) { model(d)["dropout"] = 0.1; });
  expect_error("'model.unk_token': expected null, found \"<unk>\"",
               [](auto& d) { model(d)["unk_token"] = "<unk>"; });
  expect_error("'model.continuing_subword_prefix': expected \"\" or null, found \"##\"",
               [](auto& d) { model(d)["continuing_subword_prefix"] = "##"; });
  expect_error("'model.end_of_word_suffix': expected \"\" or null, found \"</w>\"",
               [](auto& d) { model(d)["end_of_word_suffix"] = "</w>"; });
  expect_error("'model.byte_fallback': expected false, found true",
               [](auto& d) { model(d)["byte_fallback"] = true; });
  expect_error("'model.ignore_merges': expected false, found true",
               [](auto& d) { model(d)["ignore_merges"] = true; });
}

BOOST_AUTO_TEST_CASE(only_the_built_in_pre_tokenizer_is_taken) {
  std::string const list = "'pre_tokenizer.pretokenizers";
  expect_error("'pre_tokenizer.type': expected \"Sequence\", found \"Whitespace\"", [](auto& d) {
    d["pre_tokenizer"] = {{"type", "Whitespace"}};
  });
  expect_error(list + "': expected a Split and a ByteLevel, found an array of 1",
               [](auto& d) { d["pre_tokenizer"].as_object()["pretokenizers"].as_array().pop_back(); });
  expect_error(list + "[0].behavior': expected \"Isolated\", found \"Removed\"",
               [](auto& d) { step(d, 0)["behavior"] = "Removed"; });
  expect_error(list + "[0].invert': expected false, found true",
               [](auto& d) { step(d, 0)["invert"] = true; });
  expect_error(list + "[1].add_prefix_space': expected false, found true",
               [](auto& d) { step(d, 1)["add_prefix_space"] = true; });
  expect_error(list + "[1].use_regex': expected false, found true",
               [](auto& d) { step(d, 1)["use_regex"] = true; });
  expect_error(list + "[0].pattern.Regex': expected \"" + std::string{tenon::qwen_pre_tokenizer::pattern} +
                   "\", found \"\\\\s+\"",
               [](auto& d) {
                 step(d, 0)["pattern"] = {{"Regex", "\\s+"}};
               });
  expect_error(list + "[0].pattern': expected an object, found nothing",
               [](auto& d) { step(d, 0).erase("pattern"); });
}

BOOST_AUTO_TEST_CASE(every_byte_needs_a_token) {
  expect_error("'model.vocab.Ġ': expected a token for byte 32, found nothing",
               [](auto& d) { model(d)["vocab"].as_object().erase("Ġ"); });
}

BOOST_AUTO_TEST_CASE(merges_need_tokens_and_come_once) {
  auto const append = [](auto left, auto right) {
    return [=](json::object& d) { model(d)["merges"].as_array().push_back(json::array{left, right}); };
  };
  std::string const place = "'model.merges[10]': expected ";
  std::string const tokens = place + "two tokens of 'model.vocab' that give a third, found ";
  expect_error(tokens + "\"hel\" and \"l\"", append("hel", "l"));  // "hell" and "l" are tokens
  expect_error(tokens + "\"h\" and \"ell\"", append("h", "ell"));
  expect_error(tokens + "\"q\" and \"Ġ\"", append("q", "Ġ"));
  expect_error(place + "a pair that has no merge yet, found \"l\" and \"l\"", append("l", "l"));
}

BOOST_AUTO_TEST_CASE(added_tokens_are_plain_and_have_ids_of_their_own) {
  expect_error("'added_tokens': expected an array, found \"x\"", [](auto& d) { d["added_tokens"] = "x"; });
  expect_error("'added_tokens[0]': expected an object, found 1",
               [](auto& d) { d["added_tokens"] = json::array(1, json::value(1)); });
  expect_error("'added_tokens[1].content': expected a text that is not empty, found \"\"",
               [](auto& d) { added(d, 1)["content"] = ""; });
  expect_error("'added_tokens[1].content': expected a content of its own, found \"<|end|>\"",
               [](auto& d) { added(d, 1)["content"] = "<|end|>"; });
  expect_error("'added_tokens[2].id': expected an integer from 0 to 4194303, found -5",
               [](auto& d) { added(d, 2)["id"] = -5; });
  expect_error("'added_tokens[2].id': expected an integer from 0 to 4194303, found nothing",
               [](auto& d) { added(d, 2).erase("id"); });
  expect_error(
      "'added_tokens[2].id': expected an id of its own, found id 300 of the token with bytes \"<|end|>\"",
      [](auto& d) { added(d, 2)["id"] = 300; });
  expect_error("'added_tokens[2].id': expected an id of its own, found id 65 of the token with bytes \"A\"",
               [](auto& d) { added(d, 2)["id"] = 65; });
  expect_error("'added_tokens[0].special': expected true or false, found nothing",
               [](auto& d) { added(d, 0).erase("special"); });
  for (std::string const name : {"single_word", "lstrip", "rstrip", "normalized"}) {
    expect_error("'added_tokens[3]." + name + "': expected false, found true",
                 [&](auto& d) { added(d, 3)[name] = true; });
    expect_error("'added_tokens[3]." + name + "': expected false, found nothing",
                 [&](auto& d) { added(d, 3).erase(name); });
  }
}

BOOST_AUTO_TEST_CASE(an_added_token_may_stand_in_the_vocabulary_with_the_same_id) {
  auto document = tenon::tests::small_tokenizer_object();
  model(document)["vocab"].as_object()["<|end|>"] = 300;
  model(document)["vocab"].as_object()["[x]"] = 303;
  BOOST_TEST(read(document).tokens.bytes(300) == "<|end|>");
  expect_error("'added_tokens[0].id': expected the id 500 of 'model.vocab', found 300",
               [](auto& d) { model(d)["vocab"].as_object()["<|end|>"] = 500; });
}

BOOST_AUTO_TEST_SUITE_END()
