// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/text/added_tokens.hpp"
#include "tenon/text/byte_level.hpp"
#include "tenon/text/merge_table.hpp"
#include "tenon/text/pre_tokenizer.hpp"
#include "tenon/text/vocabulary.hpp"

namespace tenon {

/// A byte-level BPE tokenizer as `tokenizer.json` defines it, checked.
struct tokenizer_definition {
  vocabulary tokens;  // ordinary and added
  merge_table merges;
  std::array<token_id, 256> byte_tokens{};
  std::vector<tenon::added_token> added;
  bool nfc = false;  // whether text is normalised before it is split
};

/// Reads the `tokenizer.json` of Hugging Face `tokenizers`, as far as Qwen's tokenizers use it. What would
/// give other ids than the reference (another pre-tokenizer, dropout, lstrip, …) is refused, not ignored;
/// `truncation` and `padding` are ignored, as transformers does unless a call asks for them.
class tokenizer_json_reader {
 public:
  /// Ids are below this: a lying id must not make a table of gigabytes.
  static constexpr std::int64_t id_limit = std::int64_t{1} << 22;

  /// Throws load_error, naming `where`, the key, and what was expected and found there.
  static tokenizer_definition read(std::string_view json, std::string const& where) {
    tokenizer_json_reader const reader{where};
    boost::json::monotonic_resource memory{json.size() + 1024};
    boost::json::value const document = reader.parse(json, &memory);
    boost::json::object const& root = reader.as_object(&document, "the document");
    reader.expect_text(root, "", "version", {"1.0"}, true);
    tokenizer_definition result;
    result.nfc = reader.read_normalizer(root);
    reader.check_pre_tokenizer(root);
    reader.check_byte_level(root.if_contains("post_processor"), "post_processor", true);
    reader.check_byte_level(root.if_contains("decoder"), "decoder", false);
    boost::json::object const& model = reader.as_object(root.if_contains("model"), "model");
    reader.check_model_options(model);
    boost::json::object const& vocab = reader.as_object(model.if_contains("vocab"), "model.vocab");
    reader.read_vocabulary(vocab, result);
    reader.read_merges(model, result);
    reader.read_added_tokens(root, vocab, result);
    return result;
  }

 private:
  explicit tokenizer_json_reader(std::string const& where) : where_{where} {}

  [[noreturn]] void fail(std::string const& key, std::string const& expected,
                         std::string const& found) const {
    throw load_error{where_, "'" + key + "': expected " + expected + ", found " + found};
  }

  [[noreturn]] void fail(std::string const& key, std::string const& expected,
                         boost::json::value const* found) const {
    if (found == nullptr) fail(key, expected, std::string{"nothing"});
    if (found->is_object()) fail(key, expected, std::string{"an object"});
    if (found->is_array()) fail(key, expected, "an array of " + std::to_string(found->get_array().size()));
    fail(key, expected, shortened(boost::json::serialize(*found)));
  }

  static std::string shortened(std::string text) {
    if (text.size() > 300) text.replace(300, std::string::npos, "…");
    return text;
  }

  static std::string quoted(std::string_view text) { return "\"" + shortened(std::string{text}) + "\""; }

  boost::json::value parse(std::string_view json, boost::json::storage_ptr memory) const {
    boost::json::parser parser{std::move(memory)};
    boost::system::error_code error;
    std::size_t const read = parser.write_some(json, error);
    if (error) fail("the document", "JSON", error.message() + " at byte " + std::to_string(read));
    if (json.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
      fail("the document", "one JSON value", "more after byte " + std::to_string(read));
    }
    return parser.release();
  }

  boost::json::object const& as_object(boost::json::value const* value, std::string const& key) const {
    if (value == nullptr || !value->is_object()) fail(key, "an object", value);
    return value->get_object();
  }

  boost::json::array const& as_array(boost::json::value const* value, std::string const& key) const {
    if (value == nullptr || !value->is_array()) fail(key, "an array", value);
    return value->get_array();
  }

  static bool is_empty(boost::json::value const* value) { return value == nullptr || value->is_null(); }

  /// The member is one of these texts, or also missing or null.
  void expect_text(boost::json::object const& object, std::string const& path, std::string_view name,
                   std::initializer_list<std::string_view> allowed, bool may_be_empty) const {
    boost::json::value const* const value = object.if_contains(name);
    if (may_be_empty && is_empty(value)) return;
    if (value != nullptr && value->is_string()) {
      for (std::string_view const text : allowed) {
        if (std::string_view{value->get_string()} == text) return;
      }
    }
    std::string expected;
    for (std::string_view const text : allowed)
      expected += (expected.empty() ? "\"" : " or \"") + std::string{text} + "\"";
    fail(path + std::string{name}, expected + (may_be_empty ? " or null" : ""), value);
  }

  void expect_false(boost::json::object const& object, std::string const& path, std::string_view name,
                    bool may_be_missing) const {
    boost::json::value const* const value = object.if_contains(name);
    if (value == nullptr ? may_be_missing : value->is_bool() && !value->get_bool()) return;
    fail(path + std::string{name}, "false", value);
  }

  token_id as_id(boost::json::value const* value, std::string const& path, std::string_view key) const {
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0 && value->get_int64() < id_limit) {
      return static_cast<token_id>(value->get_int64());
    }
    fail(path + std::string{key}, "an integer from 0 to " + std::to_string(id_limit - 1), value);
  }

  bool read_normalizer(boost::json::object const& root) const {
    boost::json::value const* const normalizer = root.if_contains("normalizer");
    if (is_empty(normalizer)) return false;
    expect_text(as_object(normalizer, "normalizer"), "normalizer.", "type", {"NFC"}, false);
    return true;
  }

  void check_pre_tokenizer(boost::json::object const& root) const {
    boost::json::object const& outer = as_object(root.if_contains("pre_tokenizer"), "pre_tokenizer");
    expect_text(outer, "pre_tokenizer.", "type", {"Sequence"}, false);
    std::string const list = "pre_tokenizer.pretokenizers";
    boost::json::array const& steps = as_array(outer.if_contains("pretokenizers"), list);
    if (steps.size() != 2) fail(list, "a Split and a ByteLevel", &outer.at("pretokenizers"));
    boost::json::object const& split = as_object(&steps[0], list + "[0]");
    expect_text(split, list + "[0].", "type", {"Split"}, false);
    expect_text(split, list + "[0].", "behavior", {"Isolated"}, false);
    expect_false(split, list + "[0].", "invert", true);
    boost::json::object const& pattern = as_object(split.if_contains("pattern"), list + "[0].pattern");
    expect_text(pattern, list + "[0].pattern.", "Regex", {qwen_pre_tokenizer::pattern}, false);
    check_byte_level(&steps[1], list + "[1]", false);
    boost::json::object const& byte_level = as_object(&steps[1], list + "[1]");
    expect_false(byte_level, list + "[1].", "add_prefix_space", false);
    expect_false(byte_level, list + "[1].", "use_regex", false);
  }

  void check_byte_level(boost::json::value const* step, std::string const& key, bool may_be_empty) const {
    if (may_be_empty && is_empty(step)) return;
    expect_text(as_object(step, key), key + ".", "type", {"ByteLevel"}, false);
  }

  void check_model_options(boost::json::object const& model) const {
    expect_text(model, "model.", "type", {"BPE"}, false);
    for (std::string_view const name : {"dropout", "unk_token"}) {
      boost::json::value const* const value = model.if_contains(name);
      if (!is_empty(value)) fail("model." + std::string{name}, "null", value);
    }
    expect_text(model, "model.", "continuing_subword_prefix", {""}, true);
    expect_text(model, "model.", "end_of_word_suffix", {""}, true);
    expect_false(model, "model.", "byte_fallback", true);
    expect_false(model, "model.", "ignore_merges", true);
  }

  void read_vocabulary(boost::json::object const& vocab, tokenizer_definition& result) const {
    result.tokens.reserve(vocab.size(), vocab.size() * 8);
    std::string bytes;
    for (auto const& entry : vocab) {
      token_id const id = as_id(&entry.value(), "model.vocab.", entry.key());
      add_token(id, entry.key(), "model.vocab." + std::string{entry.key()}, bytes, result);
    }
    for (unsigned b = 0; b < 256; ++b) {
      char const byte = static_cast<char>(b);
      auto const id = result.tokens.find({&byte, 1});
      if (!id) {
        std::string letter;
        utf8::append(letter, byte_level::letter(static_cast<unsigned char>(b)));
        fail("model.vocab." + letter, "a token for byte " + std::to_string(b), nullptr);
      }
      result.byte_tokens[b] = *id;
    }
  }

  /// As the reference's decoder does: a token of which some letter stands for no byte is its own text.
  void add_token(token_id id, std::string_view token, std::string const& key, std::string& bytes,
                 tokenizer_definition& result) const {
    bytes.clear();
    bool const ordinary = byte_level::append_bytes(token, bytes);
    if (result.tokens.add(id, ordinary ? std::string_view{bytes} : token, ordinary)) return;
    fail(key, "an id of its own",
         "id " + std::to_string(id) + " of the token with bytes " + quoted(result.tokens.bytes(id)));
  }

  void read_merges(boost::json::object const& model, tokenizer_definition& result) const {
    boost::json::array const& merges = as_array(model.if_contains("merges"), "model.merges");
    result.merges = merge_table{merges.size()};
    std::string bytes;
    for (std::uint32_t rank = 0; rank < merges.size(); ++rank) {
      auto const [left, right] = halves(merges[rank], rank);
      bytes.clear();
      bool const ordinary = byte_level::append_bytes(left, bytes);
      std::size_t const middle = bytes.size();
      if (!ordinary || !byte_level::append_bytes(right, bytes))
        fail_merge(rank, "letters that stand for bytes", merges[rank]);
      std::string_view const whole = bytes;
      auto const left_id = result.tokens.find(whole.substr(0, middle));
      auto const right_id = result.tokens.find(whole.substr(middle));
      auto const merged_id = result.tokens.find(whole);
      if (!left_id || !right_id || !merged_id) {
        fail_merge(rank, "two tokens of 'model.vocab' that give a third", merges[rank]);
      }
      if (!result.merges.insert(*left_id, *right_id, {rank, *merged_id}))
        fail_merge(rank, "a pair that has no merge yet", merges[rank]);
    }
  }

  [[noreturn]] void fail_merge(std::uint32_t rank, std::string const& expected,
                               boost::json::value const& found) const {
    fail("model.merges[" + std::to_string(rank) + "]", expected, shortened(boost::json::serialize(found)));
  }

  /// The two tokens of a merge, spelled `"a b"` or `["a", "b"]`.
  std::pair<std::string_view, std::string_view> halves(boost::json::value const& merge,
                                                       std::uint32_t rank) const {
    if (merge.is_string()) {
      std::string_view const text = merge.get_string();
      std::size_t const space = text.find(' ');
      if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
        return {text.substr(0, space), text.substr(space + 1)};
      }
    } else if (merge.is_array() && merge.get_array().size() == 2) {
      boost::json::array const& pair = merge.get_array();
      if (pair[0].is_string() && pair[1].is_string()) return {pair[0].get_string(), pair[1].get_string()};
    }
    fail_merge(rank, "\"left right\" or [\"left\", \"right\"]", merge);
  }

  void read_added_tokens(boost::json::object const& root, boost::json::object const& vocab,
                         tokenizer_definition& result) const {
    if (is_empty(root.if_contains("added_tokens"))) return;
    boost::json::array const& tokens = as_array(root.if_contains("added_tokens"), "added_tokens");
    std::string bytes;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string const path = "added_tokens[" + std::to_string(i) + "]";
      tenon::added_token token = read_added_token(as_object(&tokens[i], path), path + ".");
      for (tenon::added_token const& other : result.added) {
        if (other.content == token.content)
          fail(path + ".content", "a content of its own", quoted(token.content));
      }
      // Trainers put special tokens into the vocabulary too: then both must give the same id.
      if (boost::json::value const* const known = vocab.if_contains(token.content)) {
        token_id const expected = as_id(known, "model.vocab.", token.content);
        if (expected != token.id) {
          fail(path + ".id", "the id " + std::to_string(expected) + " of 'model.vocab'",
               std::to_string(token.id));
        }
      } else {
        add_token(token.id, token.content, path + ".id", bytes, result);
      }
      result.added.push_back(std::move(token));
    }
  }

  tenon::added_token read_added_token(boost::json::object const& object, std::string const& path) const {
    boost::json::value const* const content = object.if_contains("content");
    if (content == nullptr || !content->is_string() || content->get_string().empty()) {
      fail(path + "content", "a text that is not empty", content);
    }
    for (std::string_view const name : {"single_word", "lstrip", "rstrip", "normalized"}) {
      expect_false(object, path, name, false);
    }
    boost::json::value const* const special = object.if_contains("special");
    if (special == nullptr || !special->is_bool()) fail(path + "special", "true or false", special);
    return {std::string{content->get_string()}, as_id(object.if_contains("id"), path, "id"),
            special->get_bool()};
  }

  std::string const& where_;
};

}  // namespace tenon
