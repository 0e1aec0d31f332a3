// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Tokens as bytes, both ways: id to bytes, bytes to id. The bytes of all tokens lie in one block.
class vocabulary {
 public:
  vocabulary() { rehash(64); }

  /// Makes room for `tokens` tokens of `bytes` bytes in all.
  void reserve(std::size_t tokens, std::size_t bytes) {
    places_.reserve(tokens);
    bytes_.reserve(bytes);
    std::size_t const slots = std::bit_ceil(tokens + tokens / 2 + 64);
    if (slots > slots_.size()) rehash(slots);
  }

  enum class added : std::uint8_t { yes, id_is_taken, bytes_are_taken };

  /// Gives `id` its bytes, which `find` will then lead to it. Ids may come in any order and leave holes.
  added add(token_id id, std::string_view token) {
    if (contains(id)) return added::id_is_taken;
    if (4 * (found_ + 1) > 3 * slots_.size()) rehash(2 * slots_.size());
    slot const entry{hash(token), static_cast<std::uint32_t>(id) + 1};
    std::size_t i = entry.tag & mask_;
    for (; slots_[i].id_plus_1 != 0; i = (i + 1) & mask_) {
      if (is_at(i, entry.tag, token)) return added::bytes_are_taken;
    }
    slots_[i] = entry;
    ++found_;
    store(id, token);
    return added::yes;
  }

  /// Gives `id` its bytes, which `find` will not lead to it; false if the id has some already.
  bool add_hidden(token_id id, std::string_view token) {
    if (contains(id)) return false;
    store(id, token);
    return true;
  }

  /// Whether `id` has bytes.
  bool contains(token_id id) const noexcept {
    return id >= 0 && static_cast<std::size_t>(id) < places_.size() &&
           places_[static_cast<std::size_t>(id)].length != unused.length;
  }

  /// The bytes of a token; none for an id that no token has. Valid as long as the vocabulary is unchanged.
  std::string_view bytes(token_id id) const noexcept {
    if (!contains(id)) return {};
    place const at = places_[static_cast<std::size_t>(id)];
    return {bytes_.data() + at.offset, at.length};
  }

  std::optional<token_id> find(std::string_view token) const noexcept {
    std::uint32_t const tag = hash(token);
    for (std::size_t i = tag & mask_; slots_[i].id_plus_1 != 0; i = (i + 1) & mask_) {
      if (is_at(i, tag, token)) return static_cast<token_id>(slots_[i].id_plus_1 - 1);
    }
    return std::nullopt;
  }

  /// One more than the highest id.
  std::size_t id_space() const noexcept { return places_.size(); }

 private:
  struct place {
    std::uint32_t offset;
    std::uint32_t length;
  };
  struct slot {
    std::uint32_t tag = 0;
    std::uint32_t id_plus_1 = 0;  // 0: free
  };
  static constexpr place unused{0, 0xFFFFFFFFU};

  static std::uint32_t hash(std::string_view token) noexcept {
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
    std::uint64_t state = token.size() * odd;
    char const* at = token.data();
    std::size_t left = token.size();
    for (; left >= 8; at += 8, left -= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      state = mix(state ^ word);
    }
    std::uint64_t tail = 0;
    for (std::size_t i = 0; i < left; ++i) tail = tail << 8 | static_cast<unsigned char>(at[i]);
    return static_cast<std::uint32_t>(mix(state ^ tail) >> 32);
  }

  static std::uint64_t mix(std::uint64_t x) noexcept {
    x *= 0xD6E8FEB86659FD93U;
    x ^= x >> 32;
    return x * 0xD6E8FEB86659FD93U;
  }

  bool is_at(std::size_t i, std::uint32_t tag, std::string_view token) const noexcept {
    if (slots_[i].tag != tag) return false;
    place const at = places_[slots_[i].id_plus_1 - 1];
    return std::string_view{bytes_.data() + at.offset, at.length} == token;
  }

  void store(token_id id, std::string_view token) {
    auto const index = static_cast<std::size_t>(id);
    if (index >= places_.size()) places_.resize(index + 1, unused);
    places_[index] = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(token.size())};
    bytes_ += token;
  }

  void rehash(std::size_t slots) {
    std::vector<slot> old(slots);
    old.swap(slots_);
    mask_ = slots - 1;
    for (slot const& entry : old) {
      if (entry.id_plus_1 == 0) continue;
      std::size_t i = entry.tag & mask_;
      while (slots_[i].id_plus_1 != 0) i = (i + 1) & mask_;
      slots_[i] = entry;
    }
  }

  std::string bytes_;
  std::vector<place> places_;  // [id_space]
  std::vector<slot> slots_;    // open addressing, a power of two, at most 3/4 full
  std::size_t mask_ = 0;
  std::size_t found_ = 0;  // slots that are not free
};

}  // namespace tenon
