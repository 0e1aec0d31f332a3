// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/norm_qkv.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <random>

#include "cpu/oracle.hpp"
#include "cpu/random_batch.hpp"
#include "tenon/cache/paged_view.hpp"

using namespace tenon;
using testing::as_doubles;
using testing::matrix_of_doubles;

namespace {

/// One layer of either family, with random weights, and where its results go.
template <class P, std::int32_t HeadDim> struct qkv_case {
  static constexpr std::int32_t hidden = 80;
  static constexpr std::int32_t layer_number = 1;
  static constexpr std::int32_t kv_heads = 2;
  static constexpr std::int32_t longest = 60;
  static constexpr float epsilon = 0.02f;
  using view_type = paged_view<typename P::cache, HeadDim>;

  std::int32_t group;
  std::int64_t query_width, width;
  testing::random_matrix<float> norm, bias, query_norm, key_norm, angles;
  testing::random_matrix<typename P::weight> weights;
  bool has_bias, has_head_norm;

  qkv_case(std::mt19937_64& random, std::int32_t heads_a_group, bool with_bias, bool with_head_norm)
      : group{heads_a_group},
        query_width{static_cast<std::int64_t>(group) * kv_heads * HeadDim},
        width{query_width + 2 * kv_heads * HeadDim},
        norm{random, 1, hidden, 1.0f, 0.3f},
        bias{random, 1, width, 0.0f, 2.0f},
        query_norm{random, 1, HeadDim, 1.0f, 0.3f},
        key_norm{random, 1, HeadDim, 1.0f, 0.3f},
        angles{random, 2 * longest, HeadDim},
        weights{random, width, hidden, 0.0f, 0.3f},
        has_bias{with_bias},
        has_head_norm{with_head_norm} {}

  layer_weights<P> layer() const {
    layer_weights<P> result;
    result.attention_norm = norm.vector();
    result.qkv = weights.weights();
    if (has_bias) result.qkv_bias = bias.vector();
    if (has_head_norm) result.query_norm = query_norm.vector(), result.key_norm = key_norm.vector();
    return result;
  }

  rope_view rope() const { return {angles.values.data(), longest, HeadDim}; }

  struct result {
    std::vector<typename P::activation> queries;
    std::vector<typename P::cache> cache;
  };

  result run(cpu::context& ctx, testing::random_batch& batch, matrix_view<float const> x) const {
    auto const view = batch.view();
    view_type kv{nullptr, 2, kv_heads, batch.page_tokens};
    result out;
    out.queries.resize(static_cast<std::size_t>(view.shape.tokens * query_width));
    out.cache.resize(static_cast<std::size_t>(batch.pages() * kv.page_size()));
    kv.data = out.cache.data();
    cpu::norm_qkv<P>(
        ctx, view, x, layer(), rope(), epsilon, layer_number, kv,
        matrix_view<typename P::activation>{out.queries.data(), {view.shape.tokens, query_width}});
    return out;
  }

  /// Queries, keys and values of every token, [tokens, width].
  matrix_of_doubles expected(testing::random_batch const& batch,
                             testing::random_matrix<float> const& x) const {
    auto const n =
        testing::rms_norm<typename P::activation>(as_doubles(x), norm, static_cast<double>(epsilon));
    matrix_of_doubles all = n * as_doubles(weights).transpose();
    if (has_bias) all.rowwise() += as_doubles(bias).row(0);
    for (std::int64_t t = 0; t < all.rows(); ++t) {
      auto const token = static_cast<std::size_t>(t);
      auto const row = static_cast<std::size_t>(batch.token_rows[token]);
      Eigen::RowVectorXd const angle =
          as_doubles(angles).row(batch.rope_sets[row] * longest + batch.positions[token]);
      for (std::int64_t begin = 0; begin < width - kv_heads * HeadDim; begin += HeadDim) {
        Eigen::RowVectorXd head = all.row(t).segment(begin, HeadDim);
        if (has_head_norm) {
          head /= std::sqrt(head.squaredNorm() / HeadDim + static_cast<double>(epsilon));
          head.array() *= as_doubles(begin < query_width ? query_norm : key_norm).row(0).array();
        }
        for (std::int64_t i = 0; i < HeadDim / 2; ++i) {
          double const first = head[i];
          double const second = head[i + HeadDim / 2];
          all(t, begin + i) = first * angle[i] - second * angle[HeadDim / 2 + i];
          all(t, begin + HeadDim / 2 + i) = second * angle[i] + first * angle[HeadDim / 2 + i];
        }
      }
    }
    return all;
  }

  /// What `run` gave, in the same form.
  matrix_of_doubles found(testing::random_batch& batch, result& out) const {
    auto const view = batch.view();
    view_type const kv{out.cache.data(), 2, kv_heads, batch.page_tokens};
    matrix_of_doubles all(view.shape.tokens, width);
    all.leftCols(query_width) = as_doubles(
        matrix_view<typename P::activation const>{out.queries.data(), {view.shape.tokens, query_width}});
    for (std::int64_t t = 0; t < all.rows(); ++t) {
      for (std::int32_t head = 0; head < kv_heads; ++head) {
        auto const run = kv.run(view, layer_number, view.token_rows[t], head, view.positions[t]);
        for (std::int32_t d = 0; d < HeadDim; ++d) {
          auto const column = query_width + head * HeadDim + d;
          all(t, column) = static_cast<double>(static_cast<float>(run.keys[d]));
          all(t, column + kv_heads * HeadDim) = static_cast<double>(static_cast<float>(run.values[d]));
        }
      }
    }
    return all;
  }
};

template <class P, std::int32_t HeadDim>
void check_family(cpu::instruction_set set, std::int32_t group, bool bias, bool head_norm,
                  std::int32_t tokens) {
  std::mt19937_64 random{testing::seed() + static_cast<std::uint64_t>(tokens)};
  cpu::context ctx{{.threads = 3, .at_most = set}};
  qkv_case<P, HeadDim> const test{random, group, bias, head_norm};
  ctx.reserve(test.hidden, 1, static_cast<std::int32_t>(test.width), 300);
  testing::random_batch batch{random, tokens, 10, std::max(tokens, test.longest / 2), 5};
  for (auto& position : batch.positions) position %= test.longest;
  testing::random_matrix<float> const x{random, tokens, test.hidden, 0.2f, 2.0f};
  auto out = test.run(ctx, batch, x.view());
  BOOST_TEST_CONTEXT(P::name << ", " << name_of(set) << ", head_dim " << HeadDim << ", group " << group
                             << ", tokens " << tokens) {
    BOOST_TEST(testing::error(test.found(batch, out), test.expected(batch, x)) < testing::tolerance<P>());
    int different = 0;
    for (std::int64_t t = 0; t < tokens; t += std::max(1, tokens / 12)) {
      auto one = batch.only(static_cast<std::size_t>(t));
      auto alone = test.run(ctx, one, {x.view()[t], {1, test.hidden}});
      different += test.found(one, alone).row(0) != test.found(batch, out).row(t);
    }
    BOOST_TEST(different == 0);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(norm_qkv)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision_and_with_itself_alone) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    for (std::int32_t const tokens : {1, 2, 9, 60}) {
      check_family<policy, 64>(set, 7, true, false, tokens);
      check_family<policy, 128>(set, 2, false, true, tokens);
    }
    check_family<policy, 64>(set, 1, true, true, 3);
    check_family<policy, 128>(set, 6, false, false, 3);
  });
}

BOOST_AUTO_TEST_SUITE_END()
