// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/model/model_spec.hpp"
#include "tenon/precision/fp32.hpp"

namespace tenon::conformance {

/// What an attention policy is held to.
struct attention_promises {
  double error = 1e-5;          ///< against double precision, of values of size 1
  bool batch_invariant = true;  ///< a token's bits do not depend on pages, chunks and neighbours
  std::int32_t rounds = 2;      ///< random batches a head shape
  std::int32_t longest = 600;   ///< positions of a sequence at most
};

/// A row of a test batch: tokens [first, first + count) of sequence `id`, whose contents follow from it.
struct attention_row {
  std::int32_t id = 0;
  std::int32_t first = 0;
  std::int32_t count = 1;
};

template <std::int32_t HeadDim, std::int32_t Group> struct attention_spec {
  static constexpr std::string_view model_type = "test";
  static constexpr std::string_view name = "attention test";
  static constexpr std::int32_t kv_heads = 3;
  static constexpr decoder_shape shape{.hidden = Group * kv_heads * HeadDim,
                                       .layers = 2,
                                       .query_heads = Group * kv_heads,
                                       .kv_heads = kv_heads,
                                       .head_dim = HeadDim,
                                       .ffn = 1,
                                       .vocabulary = 1};
};

/// Runs a policy on batches of sequences whose contents depend on (id, head, position) alone, so that one
/// sequence can be computed in many ways. Cache memory that no row has written is NaN.
template <class Attention, class B, class P, std::int32_t HeadDim, std::int32_t Group> class attention_bench {
 public:
  using spec = attention_spec<HeadDim, Group>;
  using view_type = paged_view<typename P::cache, HeadDim>;
  using element = typename P::activation;
  static_assert(is_attention_policy<Attention, spec, P, view_type, B>);

  static constexpr std::int32_t layer = 1;
  static constexpr std::int64_t width = spec::shape.query_width();

  attention_bench(typename B::context& context, std::uint64_t seed) : context_{context}, seed_{seed} {}

  /// Attention of every token, [tokens, width], as the policy computes it with pages of this size placed at
  /// random.
  std::vector<element> run(std::vector<attention_row> const& rows, std::int32_t page_tokens) {
    lay_out(rows, page_tokens);
    std::vector<typename P::cache> const cache = cache_contents(rows, page_tokens);
    std::vector<element> const queries = query_contents(rows);
    auto const tokens = static_cast<std::int64_t>(positions_.size());
    buffer<B> memory{context_,
                     (cache.size() * sizeof(typename P::cache) + 2 * queries.size() * sizeof(element) +
                      (positions_.size() * 2 + rows.size() * 4 + table_.size() + 1) * 4 + 16 * 256)};
    carver carving{memory.data(), memory.size()};
    view_type const kv{upload(carving, cache), spec::shape.layers, spec::kv_heads, page_tokens};
    auto* const device_queries = upload(carving, queries);
    auto* const device_out = upload(carving, queries);

    batch_view batch = host_batch(rows);
    batch_limits const limits{static_cast<std::int32_t>(rows.size()), static_cast<std::int32_t>(tokens),
                              longest_, page_tokens};
    std::vector<std::int32_t> words(Attention::plan_words(limits));
    Attention::plan(batch, words);
    buffer<B> const plan_memory{context_, words.size() * sizeof(std::int32_t) + 256};
    carver plan_carving{plan_memory.data(), plan_memory.size()};
    batch = device_batch(batch, carving);
    batch.plan = upload(plan_carving, words);
    Attention::template run<Group>(context_, batch, layer_index{layer}, kv,
                                   matrix_view<element const>{device_queries, {tokens, width}},
                                   matrix_view<element>{device_out, {tokens, width}});
    context_.wait();
    std::vector<element> out(queries.size());
    context_.copy_out(out.data(), static_cast<void const*>(device_out), out.size() * sizeof(element));
    return out;
  }

  /// The same in double precision, by definition.
  std::vector<double> expected(std::vector<attention_row> const& rows) const {
    std::vector<double> out;
    for (auto const& row : rows) {
      std::size_t const begin = out.size();
      out.resize(begin + static_cast<std::size_t>(row.count * width));
      for (std::int32_t head = 0; head < spec::shape.query_heads; ++head) {
        auto const keys = contents(part::key, row, head / Group);
        auto const values = contents(part::value, row, head / Group);
        for (std::int32_t t = 0; t < row.count; ++t) {
          auto const sums = expected_head(row.id, row.first + t, head, keys, values);
          std::copy(sums.begin(), sums.end(),
                    out.begin() + static_cast<std::ptrdiff_t>(begin) + t * width + head * HeadDim);
        }
      }
    }
    return out;
  }

 private:
  enum class part : std::uint64_t { query, key, value };

  /// A number in [-2, 2) that depends on its place alone.
  float content(part which, std::int32_t id, std::int32_t head, std::int32_t position, std::int32_t d) const {
    std::uint64_t word = seed_ + static_cast<std::uint64_t>(which);
    for (auto const piece : {id, head, position, d}) {
      word = (word ^ static_cast<std::uint64_t>(piece)) * 0x9e37'79b9'7f4a'7c15u;
      word ^= word >> 29;
    }
    return static_cast<float>(static_cast<std::int32_t>(word >> 40) - (1 << 23)) * 0x1p-22f;
  }

  /// Keys or values of a sequence, [positions, head_dim], as the cache holds them.
  std::vector<double> contents(part which, attention_row const& row, std::int32_t head) const {
    std::vector<double> all;
    for (std::int32_t p = 0; p < row.first + row.count; ++p) {
      for (std::int32_t d = 0; d < HeadDim; ++d) {
        float const stored = round_to<typename P::cache>(content(which, row.id, head, p, d));
        all.push_back(static_cast<double>(stored));
      }
    }
    return all;
  }

  std::array<double, HeadDim> expected_head(std::int32_t id, std::int32_t t, std::int32_t head,
                                            std::vector<double> const& keys,
                                            std::vector<double> const& values) const {
    std::array<double, HeadDim> query;
    for (std::int32_t d = 0; d < HeadDim; ++d) {
      float const rounded = round_to<element>(content(part::query, id, head, t, d));
      query[static_cast<std::size_t>(d)] = static_cast<double>(rounded);
    }
    std::vector<double> scores;
    for (std::int32_t p = 0; p <= t; ++p) {
      double const dot = std::inner_product(query.begin(), query.end(), keys.begin() + p * HeadDim, 0.0);
      scores.push_back(dot / std::sqrt(static_cast<double>(HeadDim)));
    }
    double const largest = *std::max_element(scores.begin(), scores.end());
    double total = 0.0;
    std::array<double, HeadDim> sums{};
    for (std::size_t p = 0; p < scores.size(); ++p) {
      double const weight = std::exp(scores[p] - largest);
      total += weight;
      for (std::size_t d = 0; d < HeadDim; ++d) sums[d] += weight * values[p * HeadDim + d];
    }
    for (auto& sum : sums) sum /= total;
    return sums;
  }

  /// Fills the batch's arrays and gives every row pages in random order.
  void lay_out(std::vector<attention_row> const& rows, std::int32_t page_tokens) {
    positions_.clear(), token_rows_.clear(), row_begin_.assign(1, 0), contexts_.clear(), page_begin_.clear();
    std::int32_t pages = 0;
    decode_rows_ = longest_ = 0;
    for (auto const& row : rows) {
      for (std::int32_t t = 0; t < row.count; ++t) {
        positions_.push_back(row.first + t);
        token_rows_.push_back(static_cast<std::int32_t>(contexts_.size()));
      }
      row_begin_.push_back(static_cast<std::int32_t>(positions_.size()));
      contexts_.push_back(row.first + row.count);
      page_begin_.push_back(pages);
      pages += (contexts_.back() + page_tokens - 1) / page_tokens;
      longest_ = std::max(longest_, contexts_.back());
      if (row.count == 1 && decode_rows_ + 1 == static_cast<std::int32_t>(contexts_.size())) ++decode_rows_;
    }
    table_.resize(static_cast<std::size_t>(pages));
    std::iota(table_.begin(), table_.end(), 1);  // page 0 belongs to nobody
    std::shuffle(table_.begin(), table_.end(), std::mt19937_64{seed_});
  }

  batch_view host_batch(std::vector<attention_row> const& rows) const {
    batch_view batch;
    batch.shape = {.rows = static_cast<std::int32_t>(rows.size()),
                   .decode_rows = decode_rows_,
                   .tokens = static_cast<std::int32_t>(positions_.size())};
    batch.positions = positions_.data();
    batch.token_rows = token_rows_.data();
    batch.row_begin = row_begin_.data();
    batch.context = contexts_.data();
    batch.page_begin = page_begin_.data();
    batch.table = table_.data();
    return batch;
  }

  batch_view device_batch(batch_view batch, carver& carving) {
    batch.positions = upload(carving, positions_);
    batch.token_rows = upload(carving, token_rows_);
    batch.row_begin = upload(carving, row_begin_);
    batch.context = upload(carving, contexts_);
    batch.page_begin = upload(carving, page_begin_);
    batch.table = upload(carving, table_);
    return batch;
  }

  std::vector<typename P::cache> cache_contents(std::vector<attention_row> const& rows,
                                                std::int32_t page_tokens) const {
    view_type view{nullptr, spec::shape.layers, spec::kv_heads, page_tokens};
    std::vector<typename P::cache> cache(
        static_cast<std::size_t>(view.page_size()) * (table_.size() + 1),
        round_to<typename P::cache>(std::numeric_limits<float>::quiet_NaN()));
    view.data = cache.data();
    auto const batch = host_batch(rows);
    std::array<float, HeadDim> keys;
    std::array<float, HeadDim> values;
    for (std::int32_t row = 0; row < batch.shape.rows; ++row) {
      std::int32_t const id = rows[static_cast<std::size_t>(row)].id;
      for (std::int32_t head = 0; head < spec::kv_heads; ++head) {
        for (std::int32_t p = 0; p < batch.context[row]; ++p) {
          for (std::int32_t d = 0; d < HeadDim; ++d) {
            keys[static_cast<std::size_t>(d)] = content(part::key, id, head, p, d);
            values[static_cast<std::size_t>(d)] = content(part::value, id, head, p, d);
          }
          view.store(batch, layer, row, head, p, keys.data(), values.data());
        }
      }
    }
    return cache;
  }

  std::vector<element> query_contents(std::vector<attention_row> const& rows) const {
    std::vector<element> queries;
    for (auto const& row : rows) {
      for (std::int32_t t = row.first; t < row.first + row.count; ++t) {
        for (std::int32_t i = 0; i < width; ++i) {
          queries.push_back(round_to<element>(content(part::query, row.id, i / HeadDim, t, i % HeadDim)));
        }
      }
    }
    return queries;
  }

  template <class T> T* upload(carver& carving, std::vector<T> const& values) {
    T* const device = carving.take<T>(values.size());
    context_.copy_in(device, values.data(), values.size() * sizeof(T));
    return device;
  }

  typename B::context& context_;
  std::uint64_t seed_;
  std::vector<std::int32_t> positions_, token_rows_, row_begin_, contexts_, page_begin_, table_;
  std::int32_t decode_rows_ = 0;
  std::int32_t longest_ = 0;
};

/// Rows of one token first, as batches are ordered; then chunks.
inline std::vector<attention_row> random_rows(std::mt19937_64& random, std::int32_t longest) {
  auto const below = [&](std::int32_t limit) {
    return static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(limit));
  };
  std::vector<attention_row> rows;
  std::int32_t id = 0;
  for (std::int32_t left = below(6); left > 0; --left) rows.push_back({id++, below(longest), 1});
  for (std::int32_t left = 1 + below(3); left > 0; --left) {
    std::int32_t const first = below(3) == 0 ? 0 : below(longest - 40);
    rows.push_back({id++, first, 2 + below(38)});
  }
  return rows;
}

template <class Bench>
void check_attention_batch(Bench& bench, std::vector<attention_row> const& rows,
                           attention_promises const& promises) {
  auto const out = bench.run(rows, 16);
  auto const expected = bench.expected(rows);
  double worst = 0.0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    double const difference = std::abs(static_cast<double>(static_cast<float>(out[i])) - expected[i]);
    worst = difference <= worst ? worst : difference;  // NaN wins
  }
  BOOST_TEST(worst <= promises.error);
  if (!promises.batch_invariant) return;
  auto const same = [](auto const& a, auto const& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0;
  };
  BOOST_TEST(same(out, bench.run(rows, promises.longest)),
             "one page a sequence gives other bits than pages of 16");
  BOOST_TEST(same(out, bench.run(rows, 7)), "pages of 7 give other bits than pages of 16");
  std::size_t begin = 0;
  for (auto const& row : rows) {
    for (std::int32_t t = 0; t < row.count; ++t, begin += Bench::width) {
      if (t % 11 != 0) continue;
      auto const alone = bench.run({{row.id, row.first + t, 1}}, 16);
      std::remove_const_t<decltype(out)> const batched(
          out.begin() + static_cast<std::ptrdiff_t>(begin),
          out.begin() + static_cast<std::ptrdiff_t>(begin) + Bench::width);
      BOOST_TEST(same(batched, alone),
                 "position " << row.first + t << " alone gives other bits than in its batch");
    }
  }
}

template <class Attention, class B, class P, std::int32_t HeadDim, std::int32_t Group>
void check_attention_shape(typename B::context& context, std::uint64_t seed,
                           attention_promises const& promises) {
  if constexpr (Attention::template supports<HeadDim, Group>) {
    std::mt19937_64 random{seed};
    for (std::int32_t round = 0; round < promises.rounds; ++round) {
      attention_bench<Attention, B, P, HeadDim, Group> bench{context, random()};
      BOOST_TEST_CONTEXT("head_dim " << HeadDim << ", group " << Group << ", " << P::name << ", round "
                                     << round) {
        check_attention_batch(bench, random_rows(random, promises.longest), promises);
      }
    }
  }
}

/// Runs the policy on random batches for every head shape of the published models that it supports, and for
/// groups 1, 3, 5 and 8, against double precision and, if promised, against itself bit for bit.
template <class Attention, class B, class P = fp32>
void check_attention_policy(typename B::context& context, attention_promises promises = {}) {
  char const* const given = std::getenv("TENON_TEST_SEED");
  std::uint64_t const seed = given == nullptr ? 20261121u : std::strtoull(given, nullptr, 10);
  char const* const scale = std::getenv("TENON_TEST_SCALE");
  if (scale != nullptr && std::strtod(scale, nullptr) < 0.5) {
    promises.rounds = 1;
    promises.longest = std::min(promises.longest, 300);
  }
  BOOST_TEST_MESSAGE(Attention::name << ": TENON_TEST_SEED=" << seed);
  check_attention_shape<Attention, B, P, 64, 1>(context, seed, promises);
  check_attention_shape<Attention, B, P, 64, 2>(context, seed, promises);
  check_attention_shape<Attention, B, P, 64, 5>(context, seed, promises);
  check_attention_shape<Attention, B, P, 64, 7>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 2>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 3>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 4>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 6>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 7>(context, seed, promises);
  check_attention_shape<Attention, B, P, 128, 8>(context, seed, promises);
}

/// The same, with a context of the backend's default options.
template <class Attention, class B, class P = fp32>
void check_attention_policy(attention_promises promises = {}) {
  typename B::context context{typename B::context_options{}};
  check_attention_policy<Attention, B, P>(context, promises);
}

}  // namespace tenon::conformance
