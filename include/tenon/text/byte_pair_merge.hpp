// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <string_view>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/text/merge_table.hpp"

namespace tenon {

/// Merges the bytes of a piece into tokens: again and again the pair of lowest rank, the leftmost of equals
/// (Sennrich et al. 2016, section 3.2).
///
/// Two ways to the same ids: a scan over all pairs for short pieces, which is quadratic with a small
/// constant, and a heap for long ones, so that a megabyte of letters without a space takes no quadratic time.
class byte_pair_merge {
 public:
  /// Pieces up to this many bytes are scanned.
  static constexpr std::size_t scan_limit = 64;  // a multiple of 8 below 256

  /// byte_tokens: the token of each byte.
  static void append(std::string_view piece, merge_table const& merges,
                     std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    if (piece.size() <= scan_limit) {
      append_by_scan(piece, merges, byte_tokens, out);
    } else {
      append_by_heap(piece, merges, byte_tokens, out);
    }
  }

  /// piece: 1 to scan_limit bytes.
  static void append_by_scan(std::string_view piece, merge_table const& merges,
                             std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    scanned_tokens tokens{piece, merges, byte_tokens};
    for (std::size_t i = tokens.lowest(); i != none; i = tokens.lowest()) tokens.join(i, merges);
    for (std::size_t i = 0; i < piece.size(); i = tokens.next[i]) out.push_back(tokens.token[i]);
  }

  /// Memory: about 30 bytes for each of the piece.
  static void append_by_heap(std::string_view piece, merge_table const& merges,
                             std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    linked_tokens tokens{piece, byte_tokens};
    std::vector<std::uint64_t> start;
    start.reserve(piece.size());
    auto const size = static_cast<std::uint32_t>(piece.size());
    for (std::uint32_t i = 0; i + 1 < size; ++i) {
      if (merge const m = tokens.pair(i, merges); m.exists()) start.push_back(candidate(m, i));
    }
    std::priority_queue waiting{std::greater<std::uint64_t>{}, std::move(start)};
    while (!waiting.empty()) {
      std::uint64_t const best = waiting.top();
      waiting.pop();
      auto const position = static_cast<std::uint32_t>(best);
      merge const m = tokens.pair(position, merges);
      if (!m.exists() || candidate(m, position) != best) continue;  // a neighbour merged meanwhile
      tokens.join(position, m.merged());
      for (std::uint32_t const at : {tokens.nodes[position].previous, position}) {
        if (merge const next = tokens.pair(at, merges); next.exists()) waiting.push(candidate(next, at));
      }
    }
    for (std::uint32_t i = 0; i != nowhere; i = tokens.nodes[i].next) out.push_back(tokens.nodes[i].token);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::uint32_t nowhere = static_cast<std::uint32_t>(-1);

  /// The tokens of a short piece, each at the place of its first byte. A token's rank is that of the pair it
  /// forms with the next one; places inside tokens keep the rank of no pair, so that nothing ever moves.
  struct scanned_tokens {
    static constexpr std::size_t lanes = 8;  // compilers make vectors of the loops over them
    static constexpr std::int32_t no_rank = std::numeric_limits<std::int32_t>::max();

    std::array<std::int32_t, scan_limit> rank;
    std::array<token_id, scan_limit> token;
    std::array<token_id, scan_limit> merged;
    std::array<std::uint8_t, scan_limit> next;      // the size of the piece: none
    std::array<std::uint8_t, scan_limit> previous;  // of the first: unused
    std::size_t size;

    scanned_tokens(std::string_view piece, merge_table const& merges,
                   std::array<token_id, 256> const& byte_tokens)
        : size{piece.size()} {
      for (std::size_t i = 0; i < size; ++i) {
        token[i] = byte_tokens[static_cast<unsigned char>(piece[i])];
        next[i] = static_cast<std::uint8_t>(i + 1);
        previous[i] = static_cast<std::uint8_t>(i - 1);
      }
      for (std::size_t i = 0; i < size; ++i) rate(i, merges);
      for (std::size_t i = size; i % lanes != 0; ++i) rank[i] = no_rank;
    }

    void rate(std::size_t i, merge_table const& merges) noexcept {
      rank[i] = no_rank;
      if (next[i] == size) return;
      merge const found = merges.find(token[i], token[next[i]]);
      if (!found.exists()) return;
      rank[i] = static_cast<std::int32_t>(found.rank());
      merged[i] = found.merged();
    }

    void join(std::size_t i, merge_table const& merges) noexcept {
      std::size_t const right = next[i];
      token[i] = merged[i];
      next[i] = next[right];
      rank[right] = no_rank;
      if (next[i] != size) previous[next[i]] = static_cast<std::uint8_t>(i);
      rate(i, merges);
      if (i > 0) rate(previous[i], merges);
    }

    /// The first place of the lowest rank, or `none` if nothing merges.
    std::size_t lowest() const noexcept {
      std::array<std::int32_t, lanes> low;
      low.fill(no_rank);
      for (std::size_t i = 0; i < size; i += lanes) {
        for (std::size_t k = 0; k < lanes; ++k) low[k] = std::min(low[k], rank[i + k]);
      }
      std::int32_t const lowest_rank = *std::min_element(low.begin(), low.end());
      if (lowest_rank == no_rank) return none;
      return static_cast<std::size_t>(std::find(rank.begin(), rank.end(), lowest_rank) - rank.begin());
    }
  };

  /// Orders by rank, then by the position of the left token.
  static std::uint64_t candidate(merge value, std::uint32_t position) noexcept {
    return std::uint64_t{value.rank()} << 32 | position;
  }

  struct node {
    token_id token;  // -1: swallowed by its left neighbour
    std::uint32_t previous;
    std::uint32_t next;
  };

  struct linked_tokens {
    std::vector<node> nodes;

    linked_tokens(std::string_view piece, std::array<token_id, 256> const& byte_tokens) {
      if (piece.size() >= nowhere) {
        throw request_error{"text", "too_long", "expected less than 4 GiB without a space, found more"};
      }
      nodes.reserve(piece.size());
      for (std::uint32_t i = 0; i < piece.size(); ++i) {
        nodes.push_back({byte_tokens[static_cast<unsigned char>(piece[i])], i == 0 ? nowhere : i - 1,
                         i + 1 == piece.size() ? nowhere : i + 1});
      }
    }

    merge pair(std::uint32_t at, merge_table const& merges) const noexcept {
      if (at == nowhere || nodes[at].token < 0 || nodes[at].next == nowhere) return {};
      return merges.find(nodes[at].token, nodes[nodes[at].next].token);
    }

    void join(std::uint32_t at, token_id merged) noexcept {
      std::uint32_t const right = nodes[at].next;
      nodes[at].token = merged;
      nodes[at].next = nodes[right].next;
      nodes[right].token = -1;
      if (nodes[at].next != nowhere) nodes[nodes[at].next].previous = at;
    }
  };
};

}  // namespace tenon
