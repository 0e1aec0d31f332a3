// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "tenon/text/byte_level.hpp"
#include "tenon/text/pre_tokenizer.hpp"
#include "tenon/text/utf8.hpp"

namespace tenon::tests {

/// A tokenizer.json small enough to read: the id of a byte's token is the byte, merges give ids from 256 on
/// in the order of their ranks, added tokens ids from 300 on.
inline boost::json::object small_tokenizer_object() {
  namespace json = boost::json;
  json::object vocab;
  for (unsigned b = 0; b < 256; ++b) {
    std::string letter;
    utf8::append(letter, byte_level::letter(static_cast<unsigned char>(b)));
    vocab[letter] = b;
  }
  json::array merges;
  int next = 256;
  for (auto const& [left, right] : {std::pair<std::string, std::string>{"l", "l"},
                                    {"h", "e"},
                                    {"he", "ll"},
                                    {"hell", "o"},
                                    {"Ġ", "w"},
                                    {"Ċ", "Ċ"},
                                    {"ĊĊ", "Ċ"},
                                    {"Ġw", "o"},
                                    {"r", "l"},
                                    {"Ã", "©"}}) {
    merges.push_back(json::array{json::string{left}, json::string{right}});
    vocab[left + right] = next++;
  }
  json::array added;
  next = 300;
  for (auto const& [content, special] :
       {std::pair<char const*, bool>{"<|end|>", true}, {"<|end", true}, {"<think>", false}, {"[x]", false}}) {
    added.push_back(json::object{{"id", next++},
                                 {"content", content},
                                 {"single_word", false},
                                 {"lstrip", false},
                                 {"rstrip", false},
                                 {"normalized", false},
                                 {"special", special}});
  }
  json::object const byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  json::object const split{{"type", "Split"},
                           {"pattern", json::object{{"Regex", json::string{qwen_pre_tokenizer::pattern}}}},
                           {"behavior", "Isolated"},
                           {"invert", false}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", json::object{{"type", "NFC"}}},
          {"pre_tokenizer",
           json::object{{"type", "Sequence"}, {"pretokenizers", json::array{split, byte_level}}}},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model", json::object{{"type", "BPE"},
                                 {"dropout", nullptr},
                                 {"unk_token", nullptr},
                                 {"continuing_subword_prefix", ""},
                                 {"end_of_word_suffix", ""},
                                 {"fuse_unk", false},
                                 {"byte_fallback", false},
                                 {"ignore_merges", false},
                                 {"vocab", vocab},
                                 {"merges", merges}}}};
}

inline std::string small_tokenizer_json() {
  return boost::json::serialize(small_tokenizer_object());
}

}  // namespace tenon::tests
