// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "cpu/random_matrix.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::testing {

/// A batch of `tokens` tokens in rows of random lengths and contexts, rows of one token first, with pages in
/// random order.
struct random_batch {
  std::int32_t page_tokens;
  std::vector<token_id> ids, slot_ids;
  std::vector<slot_id> id_slots;
  std::vector<std::int32_t> positions, token_rows, row_begin{0}, context, page_begin, rope_sets, logit_tokens,
      table;
  std::int32_t decode_rows = 0;

  random_batch(std::mt19937_64& random, std::int32_t tokens, std::int32_t vocabulary, std::int32_t longest,
               std::int32_t page)
      : page_tokens{page} {
    auto const below = [&](std::int32_t limit) {
      return static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(limit));
    };
    decode_rows = below(tokens + 1);
    std::int32_t pages = 0;
    for (std::int32_t begin = 0; begin < tokens;) {
      std::int32_t const left = tokens - begin;
      std::int32_t const count = begin < decode_rows ? 1 : std::min(left, 1 + below(left));
      std::int32_t const first = below(longest - count + 1);
      for (std::int32_t i = 0; i < count; ++i) {
        positions.push_back(first + i);
        token_rows.push_back(static_cast<std::int32_t>(context.size()));
        ids.push_back(below(vocabulary));
        id_slots.push_back(below(3) == 0 ? below(8) : no_slot);
        if (below(4) == 0) logit_tokens.push_back(begin + i);
      }
      begin += count;
      row_begin.push_back(begin);
      context.push_back(first + count);
      page_begin.push_back(pages);
      rope_sets.push_back(below(2));
      pages += (context.back() + page_tokens - 1) / page_tokens;
    }
    if (logit_tokens.empty()) logit_tokens.push_back(tokens - 1);
    table.resize(static_cast<std::size_t>(pages));
    std::iota(table.begin(), table.end(), 0);
    std::shuffle(table.begin(), table.end(), random);
    for (int i = 0; i < 8; ++i) slot_ids.push_back(below(vocabulary));
  }

  std::int32_t pages() const { return static_cast<std::int32_t>(table.size()); }

  batch_view view() {
    batch_view batch;
    batch.shape = {.rows = static_cast<std::int32_t>(context.size()),
                   .decode_rows = decode_rows,
                   .tokens = static_cast<std::int32_t>(ids.size()),
                   .logit_rows = static_cast<std::int32_t>(logit_tokens.size())};
    batch.ids = ids.data();
    batch.id_slots = id_slots.data();
    batch.positions = positions.data();
    batch.token_rows = token_rows.data();
    batch.row_begin = row_begin.data();
    batch.context = context.data();
    batch.page_begin = page_begin.data();
    batch.rope_sets = rope_sets.data();
    batch.logit_tokens = logit_tokens.data();
    batch.table = table.data();
    batch.slot_ids = slot_ids.data();
    return batch;
  }

  /// The batch of token t alone.
  random_batch only(std::size_t t) const {
    random_batch one = *this;
    auto const row = static_cast<std::size_t>(token_rows[t]);
    one.ids = {ids[t]};
    one.id_slots = {id_slots[t]};
    one.positions = {positions[t]};
    one.token_rows = {0};
    one.row_begin = {0, 1};
    one.context = {positions[t] + 1};
    one.page_begin = {page_begin[row]};
    one.rope_sets = {rope_sets[row]};
    one.logit_tokens = {0};
    one.decode_rows = 1;
    return one;
  }
};

}  // namespace tenon::testing
