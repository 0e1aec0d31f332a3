// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/text/added_tokens.hpp"
#include "tenon/text/byte_pair_merge.hpp"
#include "tenon/text/nfc.hpp"
#include "tenon/text/pre_tokenizer.hpp"
#include "tenon/text/tokenizer.hpp"
#include "tenon/text/tokenizer_json.hpp"
#include "tenon/text/utf8.hpp"

namespace tenon {

/// The tokenizer of Qwen2.5 and Qwen3: the ids of Hugging Face `tokenizers`, from the same `tokenizer.json`.
///
/// All members are const and may be called from many threads at once.
class byte_level_bpe {
 public:
  /// Reads `path`, or `path / "tokenizer.json"` if it is a directory. Throws load_error.
  static byte_level_bpe load(std::filesystem::path path) {
    std::error_code ignored;  // reading says what is wrong
    if (std::filesystem::is_directory(path, ignored)) path /= "tokenizer.json";
    return parse(read_file(path), path.string());
  }

  /// From the content of a `tokenizer.json`; `where` names its source in errors. Throws load_error.
  static byte_level_bpe parse(std::string_view json, std::string const& where) {
    return byte_level_bpe{tokenizer_json_reader::read(json, where)};
  }

  /// The ids of `text`, in which added tokens match everywhere.
  /// Throws request_error (parameter `text`, code `invalid_utf8`), naming the offset of the first bad byte.
  std::vector<token_id> encode(std::string_view text) const {
    std::vector<token_id> ids;
    encode(text, ids);
    return ids;
  }

  /// The same, appended to `out`, which is unchanged if this throws.
  void encode(std::string_view text, std::vector<token_id>& out) const {
    check_utf8(text);
    range const whole{0, text.size()};
    encode_checked(text, {&whole, 1}, out);
  }

  /// The ids of the spans' texts put together. Added tokens match only where all their bytes are trusted;
  /// everything else runs across the borders. Throws as above, with the offset in the whole.
  std::vector<token_id> encode(std::span<text_span const> spans) const {
    std::vector<token_id> ids;
    encode(spans, ids);
    return ids;
  }

  /// The same, appended to `out`, which is unchanged if this throws.
  void encode(std::span<text_span const> spans, std::vector<token_id>& out) const {
    std::string text;
    std::vector<range> trusted;
    for (text_span const& span : spans) {
      if (span.trusted && !span.text.empty()) {
        bool const adjacent = !trusted.empty() && trusted.back().end == text.size();
        if (!adjacent) trusted.push_back({text.size(), text.size()});
        trusted.back().end += span.text.size();
      }
      text += span.text;
    }
    check_utf8(text);
    encode_checked(text, trusted, out);
  }

  /// The text of some ids, U+FFFD for what is not UTF-8; ids that no token has give nothing.
  std::string decode(std::span<token_id const> ids, bool skip_special) const {
    std::string bytes;
    for (token_id const id : ids) {
      if (!(skip_special && is_special(id))) bytes += token_bytes(id);
    }
    std::string text;
    if (utf8::append_repaired(text, bytes) > 0) text += utf8::replacement;
    return text;
  }

  /// The bytes of a token, possibly half a code point; none for an id that no token has, as the rows that pad
  /// a model's vocabulary. Valid as long as the tokenizer lives.
  std::string_view token_bytes(token_id id) const noexcept { return tokens_.bytes(id); }

  /// Whether skip_special_tokens drops the token.
  bool is_special(token_id id) const noexcept {
    return std::binary_search(special_.begin(), special_.end(), id);
  }

  /// The added token of exactly this content.
  std::optional<token_id> added_token(std::string_view name) const noexcept {
    return added_.find_by_name(name);
  }

  /// One more than the highest id. Ids between may be unused.
  std::size_t vocabulary_size() const noexcept { return tokens_.id_space(); }

 private:
  struct range {
    std::size_t begin;
    std::size_t end;
  };

  /// Whether merging the bytes of a token gives that token: found out when it is first met.
  enum class reached : std::uint8_t { unknown, yes, no };

  explicit byte_level_bpe(tokenizer_definition definition)
      : tokens_{std::move(definition.tokens)},
        merges_{std::move(definition.merges)},
        byte_tokens_{definition.byte_tokens},
        nfc_{definition.nfc},
        reached_{std::make_unique<std::atomic<reached>[]>(tokens_.id_space())} {
    for (tenon::added_token const& token : definition.added) {
      if (token.special) special_.push_back(token.id);
    }
    std::sort(special_.begin(), special_.end());
    added_ = added_token_matcher{std::move(definition.added)};
  }

  static std::string read_file(std::filesystem::path const& path) {
    constexpr std::uintmax_t limit = 256U << 20;  // bytes; Qwen's files have 7 and 11 MB
    std::error_code error;
    std::uintmax_t const size = std::filesystem::file_size(path, error);
    if (error) throw load_error{path.string(), "expected a file, found: " + error.message()};
    if (size > limit) {
      throw load_error{path.string(),
                       "expected at most " + std::to_string(limit) + " bytes, found " + std::to_string(size)};
    }
    std::string content(static_cast<std::size_t>(size), '\0');
    std::ifstream file{path, std::ios::binary};
    file.read(content.data(), static_cast<std::streamsize>(size));
    if (!file) {
      throw load_error{path.string(), "expected " + std::to_string(size) + " readable bytes, found " +
                                          std::to_string(file.gcount())};
    }
    return content;
  }

  static void check_utf8(std::string_view text) {
    std::size_t const offset = utf8::find_invalid(text);
    if (offset == std::string_view::npos) return;
    throw request_error{"text", "invalid_utf8",
                        "expected UTF-8, found bytes that are not at byte offset " + std::to_string(offset)};
  }

  void encode_checked(std::string_view text, std::span<range const> trusted,
                      std::vector<token_id>& out) const {
    std::string storage;
    std::size_t done = 0;
    for (range const& run : trusted) {
      std::string_view const run_text = text.substr(0, run.end);
      for (auto found = added_.find(run_text, run.begin); found; found = added_.find(run_text, found->end)) {
        encode_ordinary(text.substr(done, found->begin - done), storage, out);
        out.push_back(found->id);
        done = found->end;
      }
    }
    encode_ordinary(text.substr(done), storage, out);
  }

  void encode_ordinary(std::string_view text, std::string& storage, std::vector<token_id>& out) const {
    std::string_view const normal = nfc_ ? normaliser_.normalise(text, storage) : text;
    pre_tokenizer_.split(normal, [&](std::string_view piece) { encode_piece(piece, out); });
  }

  /// Most pieces are tokens. Whether merging gets there is asked once a token; threads that ask at the same
  /// time find the same answer, so relaxed order is enough.
  void encode_piece(std::string_view piece, std::vector<token_id>& out) const {
    std::optional<token_id> const whole = tokens_.find(piece);
    if (!whole) return byte_pair_merge::append(piece, merges_, byte_tokens_, out);
    std::atomic<reached>& state = reached_[static_cast<std::size_t>(*whole)];
    reached const known = state.load(std::memory_order_relaxed);
    if (known == reached::yes) return out.push_back(*whole);
    std::size_t const before = out.size();
    byte_pair_merge::append(piece, merges_, byte_tokens_, out);
    if (known == reached::unknown) {
      bool const same = out.size() == before + 1 && out.back() == *whole;
      state.store(same ? reached::yes : reached::no, std::memory_order_relaxed);
    }
  }

  vocabulary tokens_;
  merge_table merges_;
  std::array<token_id, 256> byte_tokens_;
  bool nfc_;
  nfc_normaliser normaliser_;
  qwen_pre_tokenizer pre_tokenizer_;
  added_token_matcher added_;
  std::vector<token_id> special_;                    // sorted
  std::unique_ptr<std::atomic<reached>[]> reached_;  // [vocabulary_size]
};

static_assert(tokenizer<byte_level_bpe>);

}  // namespace tenon
