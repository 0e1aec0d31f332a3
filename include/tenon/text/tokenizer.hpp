// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// A piece of text and whether added tokens (`<|im_start|>`, `<think>`, …) may match in it.
///
/// Templates produce trusted spans, users' words are untrusted ones. Normalisation, splitting and merging run
/// across span borders as if the pieces were one string: only the matching of added tokens asks where a
/// character came from.
struct text_span {
  std::string_view text;
  bool trusted = false;

  friend bool operator==(text_span const&, text_span const&) = default;
};

namespace requirement {

template <class T>
concept encodes_text = requires(T const& tokenizer, std::string_view text, std::span<text_span const> spans) {
  { tokenizer.encode(text) } -> std::same_as<std::vector<token_id>>;
  { tokenizer.encode(spans) } -> std::same_as<std::vector<token_id>>;
};

template <class T>
concept decodes_tokens = requires(T const& tokenizer, token_id id) {
  { tokenizer.token_bytes(id) } -> std::same_as<std::string_view>;  // raw bytes, possibly half a code point
  { tokenizer.is_special(id) } -> std::same_as<bool>;               // dropped by skip_special_tokens
};

template <class T>
concept finds_tokens_by_name = requires(T const& tokenizer, std::string_view name) {
  { tokenizer.added_token(name) } -> std::same_as<std::optional<token_id>>;
};

}  // namespace requirement

/// Text to ids and back. `encode(text)` matches added tokens everywhere, as completions and tools expect;
/// `encode(spans)` matches them in trusted spans only, as chats need.
template <class T>
concept tokenizer =
    requirement::encodes_text<T> && requirement::decodes_tokens<T> && requirement::finds_tokens_by_name<T>;

}  // namespace tenon
