// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/core/ids.hpp"
#include "tenon/text/added_tokens.hpp"
#include "tenon/text/byte_level.hpp"
#include "tenon/text/merge_table.hpp"
#include "tenon/text/pre_tokenizer.hpp"
#include "tenon/text/tokenizer_json_document.hpp"
#include "tenon/text/utf8.hpp"
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
  /// Throws load_error, naming `where`, the key, and what was expected and found there.
  static tokenizer_definition read(std::string_view json, std::string const& where) {
    tokenizer_json_reader const reader{tokenizer_json_fault{where}};
    tokenizer_json_document document = parse_tokenizer_json(json, reader.fault_);
    boost::json::object const& root = reader.as_object(&document.rest, "the document");
    reader.expect_text(root, "", "version", {"1.0"}, true);
    tokenizer_definition result;
    result.nfc = reader.read_normalizer(root);
    reader.check_pre_tokenizer(root);
    reader.check_byte_level(root.if_contains("post_processor"), "post_processor", true);
    reader.check_byte_level(root.if_contains("decoder"), "decoder", false);
    boost::json::object const& model = reader.as_object(root.if_contains("model"), "model");
    reader.check_model_options(model);
    if (!document.has_vocab) reader.fault_.fail("model.vocab", "an object", model.if_contains("vocab"));
    if (!document.has_merges) reader.fault_.fail("model.merges", "an array", model.if_contains("merges"));
    reader.find_byte_tokens(document, result);
    reader.read_merges(document, result);
    reader.read_added_tokens(root, document, result);
    result.tokens = std::move(document.tokens);
    return result;
  }

 private:
  explicit tokenizer_json_reader(tokenizer_json_fault fault) : fault_{fault} {}

  boost::json::object const& as_object(boost::json::value const* value, std::string const& key) const {
    if (value == nullptr || !value->is_object()) fault_.fail(key, "an object", value);
    return value->get_object();
  }

  boost::json::array const& as_array(boost::json::value const* value, std::string const& key) const {
    if (value == nullptr || !value->is_array()) fault_.fail(key, "an array", value);
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
    for (std::string_view const text : allowed) {
      expected += (expected.empty() ? "\"" : " or \"") + std::string{text} + "\"";
    }
    fault_.fail(path + std::string{name}, expected + (may_be_empty ? " or null" : ""), value);
  }

  void expect_false(boost::json::object const& object, std::string const& path, std::string_view name,
                    bool may_be_missing) const {
    boost::json::value const* const value = object.if_contains(name);
    if (value == nullptr ? may_be_missing : value->is_bool() && !value->get_bool()) return;
    fault_.fail(path + std::string{name}, "false", value);
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
    if (steps.size() != 2) fault_.fail(list, "a Split and a ByteLevel", outer.if_contains("pretokenizers"));
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
      if (!is_empty(value)) fault_.fail("model." + std::string{name}, "null", value);
    }
    expect_text(model, "model.", "continuing_subword_prefix", {""}, true);
    expect_text(model, "model.", "end_of_word_suffix", {""}, true);
    expect_false(model, "model.", "byte_fallback", true);
    expect_false(model, "model.", "ignore_merges", true);
  }

  /// Without a token for every byte some text could not be written in ids.
  void find_byte_tokens(tokenizer_json_document const& document, tokenizer_definition& result) const {
    for (unsigned b = 0; b < 256; ++b) {
      char const byte = static_cast<char>(b);
      auto const id = document.tokens.find({&byte, 1});
      if (!id) {
        fault_.fail("model.vocab." + letters({&byte, 1}), "a token for byte " + std::to_string(b), "nothing");
      }
      result.byte_tokens[b] = *id;
    }
  }

  void read_merges(tokenizer_json_document const& document, tokenizer_definition& result) const {
    result.merges = merge_table{document.merges.size()};
    std::size_t at = 0;
    for (std::uint32_t rank = 0; rank < document.merges.size(); ++rank) {
      auto const [left_size, right_size] = document.merges[rank];
      std::string_view const whole{document.merge_bytes.data() + at, std::size_t{left_size} + right_size};
      at += whole.size();
      std::string_view const left = whole.substr(0, left_size);
      std::string_view const right = whole.substr(left_size);
      auto const left_id = document.tokens.find(left);
      auto const right_id = document.tokens.find(right);
      auto const merged_id = document.tokens.find(whole);
      if (!left_id || !right_id || !merged_id) {
        fail_merge(rank, "two tokens of 'model.vocab' that give a third", left, right);
      }
      if (!result.merges.insert(*left_id, *right_id, {rank, *merged_id})) {
        fail_merge(rank, "a pair that has no merge yet", left, right);
      }
    }
  }

  [[noreturn]] void fail_merge(std::uint32_t rank, std::string_view expected, std::string_view left,
                               std::string_view right) const {
    fault_.fail(
        "model.merges[" + std::to_string(rank) + "]", expected,
        tokenizer_json_fault::quoted(letters(left)) + " and " + tokenizer_json_fault::quoted(letters(right)));
  }

  static std::string letters(std::string_view bytes) {
    std::string text;
    for (char const byte : bytes) utf8::append(text, byte_level::letter(static_cast<unsigned char>(byte)));
    return text;
  }

  void read_added_tokens(boost::json::object const& root, tokenizer_json_document& document,
                         tokenizer_definition& result) const {
    if (is_empty(root.if_contains("added_tokens"))) return;
    boost::json::array const& tokens = as_array(root.if_contains("added_tokens"), "added_tokens");
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string const path = "added_tokens[" + std::to_string(i) + "]";
      result.added.push_back(read_added_token(as_object(&tokens[i], path), path + "."));
      tenon::added_token const& token = result.added.back();
      for (std::size_t k = 0; k < i; ++k) {
        if (result.added[k].content == token.content) {
          fault_.fail(path + ".content", "a content of its own", tokenizer_json_fault::quoted(token.content));
        }
      }
      place_added_token(token, path, document);
    }
  }

  tenon::added_token read_added_token(boost::json::object const& object, std::string const& path) const {
    boost::json::value const* const content = object.if_contains("content");
    if (content == nullptr || !content->is_string() || content->get_string().empty()) {
      fault_.fail(path + "content", "a text that is not empty", content);
    }
    for (std::string_view const name : {"single_word", "lstrip", "rstrip", "normalized"}) {
      expect_false(object, path, name, false);
    }
    boost::json::value const* const special = object.if_contains("special");
    if (special == nullptr || !special->is_bool()) fault_.fail(path + "special", "true or false", special);
    boost::json::value const* const id = object.if_contains("id");
    if (id == nullptr || !id->is_int64() || id->get_int64() < 0 ||
        id->get_int64() >= tokenizer_json_document::id_limit) {
      fault_.fail(path + "id",
                  "an integer from 0 to " + std::to_string(tokenizer_json_document::id_limit - 1), id);
    }
    return {std::string{content->get_string()}, static_cast<token_id>(id->get_int64()), special->get_bool()};
  }

  /// Trainers put special tokens into the vocabulary too: then both must give the same id. Bytes are those
  /// that the reference's decoder gives: of a token of which some letter stands for no byte, its text.
  void place_added_token(tenon::added_token const& token, std::string const& path,
                         tokenizer_json_document& document) const {
    std::string bytes;
    bool const ordinary = byte_level::append_bytes(token.content, bytes);
    std::optional<token_id> known;
    if (ordinary) {
      known = document.tokens.find(bytes);
    } else if (auto const found = document.foreign.find(token.content); found != document.foreign.end()) {
      known = found->second;
    }
    if (known && *known != token.id) {
      fault_.fail(path + ".id", "the id " + std::to_string(*known) + " of 'model.vocab'",
                  std::to_string(token.id));
    }
    if (!known && !document.tokens.add_hidden(token.id, ordinary ? bytes : token.content)) {
      fault_.fail(path + ".id", "an id of its own",
                  "id " + std::to_string(token.id) + " of the token with bytes " +
                      tokenizer_json_fault::quoted(document.tokens.bytes(token.id)));
    }
  }

  tokenizer_json_fault fault_;
};

}  // namespace tenon
