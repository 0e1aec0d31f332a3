// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/checkpoint/json_events.hpp"
#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/text/byte_level.hpp"
#include "tenon/text/vocabulary.hpp"

namespace tenon {

/// Throws the errors of one `tokenizer.json`: the file, the key, what was expected and what was found.
class tokenizer_json_fault {
 public:
  explicit tokenizer_json_fault(std::string const& where) : where_{&where} {}

  [[noreturn]] void fail(std::string_view key, std::string_view expected, std::string_view found) const {
    throw load_error{*where_, "'" + shortened(key) + "': expected " + std::string{expected} + ", found " +
                                  shortened(found)};
  }

  [[noreturn]] void fail(std::string_view key, std::string_view expected,
                         boost::json::value const* found) const {
    if (found == nullptr) fail(key, expected, "nothing");
    if (found->is_object()) fail(key, expected, "an object");
    if (found->is_array()) fail(key, expected, "an array of " + std::to_string(found->get_array().size()));
    fail(key, expected, boost::json::serialize(*found));
  }

  static std::string quoted(std::string_view text) { return "\"" + shortened(text) + "\""; }

 private:
  static std::string shortened(std::string_view text) {
    return text.size() > 300 ? std::string{text.substr(0, 300)} + "…" : std::string{text};
  }

  std::string const* where_;
};

/// A `tokenizer.json` as it was read: its two large members, `model.vocab` and `model.merges`, as tables, and
/// the rest as a JSON value in which `true` stands for each of them.
struct tokenizer_json_document {
  /// Ids are below this: a lying id must not make a table of gigabytes.
  static constexpr std::int64_t id_limit = std::int64_t{1} << 22;

  struct merge_halves {  // lengths in bytes
    std::uint32_t left;
    std::uint32_t right;
  };

  boost::json::value rest;
  bool has_vocab = false;
  bool has_merges = false;
  vocabulary tokens;
  std::map<std::string, token_id, std::less<>> foreign;  // tokens some letter of which stands for no byte
  std::string merge_bytes;                               // of all merges, one after the other
  std::vector<merge_halves> merges;                      // by rank
};

/// Takes the events of a JSON text and fills a tokenizer_json_document: a value of every token and
/// merge would cost more than all other loading.
class tokenizer_json_handler final : public detail::json_events {
 public:
  tokenizer_json_handler(tokenizer_json_fault fault, std::size_t json_size) : fault_{fault} {
    rest_.reset();
    // Qwen's files have 46 and 75 bytes a token; too low a guess costs a little time.
    result_.tokens.reserve(json_size / 75, json_size / 12);
    result_.merges.reserve(json_size / 75);
    result_.merge_bytes.reserve(json_size / 12);
  }

  tokenizer_json_document release() {
    result_.rest = rest_.release();
    return std::move(result_);
  }

  bool on_object_begin(error_code&) override {
    if (part_ == part::vocab) refuse_id("an object");
    if (part_ == part::merges) refuse_merge("an object");
    ++depth_;
    if (depth_ == 3 && section_ == "model" && key_ == "vocab") enter(part::vocab, result_.has_vocab);
    return true;
  }

  bool on_object_end(std::size_t size, error_code&) override {
    --depth_;
    if (part_ == part::vocab) {
      leave();
    } else {
      rest_.push_object(size);
    }
    return true;
  }

  bool on_array_begin(error_code&) override {
    if (part_ == part::vocab) refuse_id("an array");
    ++depth_;
    if (part_ == part::merges) {
      if (depth_ > 4) refuse_merge("an array in an array");
      texts_ = 0;
    } else if (depth_ == 3 && section_ == "model" && key_ == "merges") {
      enter(part::merges, result_.has_merges);
    }
    return true;
  }

  bool on_array_end(std::size_t size, error_code&) override {
    bool const pair = part_ == part::merges && depth_ == 4;
    if (pair && size != 2) refuse_merge("an array of " + std::to_string(size));
    --depth_;
    if (part_ != part::merges) {
      rest_.push_array(size);
    } else if (!pair) {
      leave();
    }
    return true;
  }

  bool on_key_part(text piece, error_code&) override { return collect(piece); }
  bool on_key(text piece, error_code&) override {
    key_.assign(pending_).append(piece.data(), piece.size());
    pending_.clear();
    if (part_ != part::rest) return true;
    if (depth_ == 1) section_ = key_;
    rest_.push_key(key_);
    return true;
  }

  bool on_string_part(text piece, error_code&) override { return collect(piece); }
  bool on_string(text piece, error_code&) override {
    if (pending_.empty()) return take_string({piece.data(), piece.size()});
    collect(piece);
    std::string const whole = std::exchange(pending_, {});
    return take_string(whole);
  }

  bool on_number_part(text, error_code&) override { return true; }
  bool on_int64(std::int64_t number, text, error_code&) override {
    if (part_ == part::merges) refuse_merge(std::to_string(number));
    if (part_ == part::vocab) {
      add_token(number);
    } else {
      rest_.push_int64(number);
    }
    return true;
  }
  bool on_uint64(std::uint64_t number, text, error_code&) override {
    refuse_in_tables(std::to_string(number));
    rest_.push_uint64(number);
    return true;
  }
  bool on_double(double number, text, error_code&) override {
    refuse_in_tables(std::to_string(number));
    rest_.push_double(number);
    return true;
  }
  bool on_bool(bool value, error_code&) override {
    refuse_in_tables(value ? "true" : "false");
    rest_.push_bool(value);
    return true;
  }
  bool on_null(error_code&) override {
    refuse_in_tables("null");
    rest_.push_null();
    return true;
  }

 private:
  enum class part : std::uint8_t { rest, vocab, merges };

  void enter(part which, bool& seen) {
    if (seen) fault_.fail("model." + key_, "one such member", "two");
    seen = true;
    part_ = which;
  }

  void leave() {
    part_ = part::rest;
    rest_.push_bool(true);
  }

  bool collect(text piece) {
    pending_.append(piece.data(), piece.size());
    return true;
  }

  bool take_string(std::string_view text) {
    if (part_ == part::vocab) refuse_id(tokenizer_json_fault::quoted(text));
    if (part_ == part::rest) {
      rest_.push_string(text);
    } else if (depth_ == 3) {
      std::size_t const space = text.find(' ');
      bool const two = space != text.npos && text.find(' ', space + 1) == text.npos;
      if (!two) refuse_merge(tokenizer_json_fault::quoted(text));
      take_half(text.substr(0, space), false);
      take_half(text.substr(space + 1), true);
    } else {
      if (texts_ == 2) refuse_merge("an array of more");
      take_half(text, ++texts_ == 2);
    }
    return true;
  }

  void take_half(std::string_view token, bool right) {
    std::size_t const before = result_.merge_bytes.size();
    if (!right) result_.merges.push_back({});
    if (token.empty() || !byte_level::append_bytes(token, result_.merge_bytes)) {
      fault_.fail("model.merges[" + std::to_string(result_.merges.size() - 1) + "]",
                  "letters that stand for bytes", tokenizer_json_fault::quoted(token));
    }
    auto const length = static_cast<std::uint32_t>(result_.merge_bytes.size() - before);
    (right ? result_.merges.back().right : result_.merges.back().left) = length;
  }

  void add_token(std::int64_t number) {
    if (number < 0 || number >= tokenizer_json_document::id_limit) refuse_id(std::to_string(number));
    auto const id = static_cast<token_id>(number);
    bytes_.clear();
    auto added = vocabulary::added::yes;
    if (!key_.empty() && byte_level::append_bytes(key_, bytes_)) {
      added = result_.tokens.add(id, bytes_);
    } else if (!result_.tokens.add_hidden(id, key_)) {
      added = vocabulary::added::id_is_taken;
    } else if (!result_.foreign.emplace(key_, id).second) {
      added = vocabulary::added::bytes_are_taken;
    }
    if (added == vocabulary::added::bytes_are_taken) {
      fault_.fail("model.vocab." + key_, "one id", "two, the second is " + std::to_string(id));
    }
    if (added == vocabulary::added::id_is_taken) {
      fault_.fail("model.vocab." + key_, "an id of its own",
                  "id " + std::to_string(id) + " of the token with bytes " +
                      tokenizer_json_fault::quoted(result_.tokens.bytes(id)));
    }
  }

  void refuse_in_tables(std::string const& found) const {
    if (part_ == part::vocab) refuse_id(found);
    if (part_ == part::merges) refuse_merge(found);
  }

  [[noreturn]] void refuse_id(std::string const& found) const {
    fault_.fail("model.vocab." + key_,
                "an integer from 0 to " + std::to_string(tokenizer_json_document::id_limit - 1), found);
  }

  [[noreturn]] void refuse_merge(std::string const& found) const {
    std::size_t const rank = result_.merges.size() - (depth_ == 4 && texts_ > 0 ? 1 : 0);
    fault_.fail("model.merges[" + std::to_string(rank) + "]", "\"left right\" or [\"left\", \"right\"]",
                found);
  }

  tokenizer_json_fault fault_;
  tokenizer_json_document result_;
  boost::json::value_stack rest_;
  part part_ = part::rest;
  std::size_t depth_ = 0;  // objects and arrays that are open
  std::string section_;    // the last key of the outermost object
  std::string key_;        // the last key of all
  std::string pending_;    // of a text that comes in parts
  std::string bytes_;
  int texts_ = 0;  // of the pair that is open
};

/// Throws load_error.
inline tokenizer_json_document parse_tokenizer_json(std::string_view json, tokenizer_json_fault fault) {
  constexpr std::size_t limit = 256U << 20;  // bytes; Qwen's files have 7 and 11 MB
  if (json.size() > limit) {
    fault.fail("the document", "at most " + std::to_string(limit) + " bytes", std::to_string(json.size()));
  }
  tokenizer_json_handler handler{fault, json.size()};
  boost::json::error_code error;
  std::size_t const read = detail::read_json_events(json, boost::json::parse_options{}, handler, error);
  if (error) fault.fail("the document", "JSON", error.message() + " at byte " + std::to_string(read));
  if (json.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    fault.fail("the document", "one JSON value", "more after byte " + std::to_string(read));
  }
  return handler.release();
}

}  // namespace tenon
