// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <string_view>
#include <vector>

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
  static constexpr std::size_t scan_limit = 64;

  /// byte_tokens: the token of each byte.
  static void append(std::string_view piece, merge_table const& merges,
                     std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    if (piece.size() <= scan_limit) {
      append_by_scan(piece, merges, byte_tokens, out);
    } else {
      append_by_heap(piece, merges, byte_tokens, out);
    }
  }

  static void append_by_scan(std::string_view piece, merge_table const& merges,
                             std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    std::array<token_id, scan_limit> tokens;
    std::array<merge, scan_limit> pairs;  // pairs[i]: tokens[i] with tokens[i + 1]
    std::size_t count = piece.size();
    for (std::size_t i = 0; i < count; ++i) tokens[i] = byte_tokens[static_cast<unsigned char>(piece[i])];
    for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = merges.find(tokens[i], tokens[i + 1]);
    while (count > 1) {
      std::size_t const best = lowest(std::span{pairs.data(), count - 1});
      if (!pairs[best].exists()) break;
      tokens[best] = pairs[best].merged();
      --count;
      std::copy(tokens.begin() + best + 2, tokens.begin() + count + 1, tokens.begin() + best + 1);
      if (best + 1 < count) {
        std::copy(pairs.begin() + best + 2, pairs.begin() + count, pairs.begin() + best + 1);
        pairs[best] = merges.find(tokens[best], tokens[best + 1]);
      }
      if (best > 0) pairs[best - 1] = merges.find(tokens[best - 1], tokens[best]);
    }
    out.insert(out.end(), tokens.begin(), tokens.begin() + count);
  }

  static void append_by_heap(std::string_view piece, merge_table const& merges,
                             std::array<token_id, 256> const& byte_tokens, std::vector<token_id>& out) {
    linked_tokens tokens{piece, byte_tokens};
    std::vector<candidate> start;
    start.reserve(piece.size());
    for (std::size_t i = 0; i + 1 < piece.size(); ++i) {
      if (merge const m = tokens.pair(i, merges); m.exists()) start.push_back({m, i});
    }
    std::priority_queue waiting{std::greater<candidate>{}, std::move(start)};
    while (!waiting.empty()) {
      candidate const best = waiting.top();
      waiting.pop();
      if (tokens.pair(best.position, merges) != best.value) continue;  // a neighbour merged meanwhile
      tokens.join(best.position, best.value.merged());
      std::size_t const before = tokens.nodes[best.position].previous;
      for (std::size_t const at : {before, best.position}) {
        if (merge const m = tokens.pair(at, merges); m.exists()) waiting.push({m, at});
      }
    }
    for (std::size_t i = 0; i != none; i = tokens.nodes[i].next) out.push_back(tokens.nodes[i].token);
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  struct candidate {
    merge value;
    std::size_t position;  // of the left token

    friend auto operator<=>(candidate const&, candidate const&) = default;
  };

  struct node {
    token_id token;  // -1: swallowed by its left neighbour
    std::size_t previous;
    std::size_t next;
  };

  struct linked_tokens {
    std::vector<node> nodes;

    linked_tokens(std::string_view piece, std::array<token_id, 256> const& byte_tokens) {
      nodes.reserve(piece.size());
      for (std::size_t i = 0; i < piece.size(); ++i) {
        nodes.push_back({byte_tokens[static_cast<unsigned char>(piece[i])], i == 0 ? none : i - 1,
                         i + 1 == piece.size() ? none : i + 1});
      }
    }

    merge pair(std::size_t at, merge_table const& merges) const noexcept {
      if (at == none || nodes[at].token < 0 || nodes[at].next == none) return {};
      return merges.find(nodes[at].token, nodes[nodes[at].next].token);
    }

    void join(std::size_t at, token_id merged) noexcept {
      std::size_t const right = nodes[at].next;
      nodes[at].token = merged;
      nodes[at].next = nodes[right].next;
      nodes[right].token = -1;
      if (nodes[at].next != none) nodes[nodes[at].next].previous = at;
    }
  };

  static std::size_t lowest(std::span<merge const> pairs) noexcept {
    std::size_t best = 0;
    for (std::size_t i = 1; i < pairs.size(); ++i) best = pairs[i] < pairs[best] ? i : best;
    return best;
  }
};

}  // namespace tenon
