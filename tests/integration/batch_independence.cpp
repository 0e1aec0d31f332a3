// SPDX-License-Identifier: Apache-2.0
// A row's logits do not depend, in any bit, on what runs beside it: for 1 to 300 rows.

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <deque>
#include <vector>

#include "engine/small_engines.hpp"

namespace {

using namespace tenon;

/// A runner with one sequence a slot, each with its prompt computed, ready to decode its next position again
/// and again: the same position is computed each time, so nothing moves.
template <class Recipe> class bench {
 public:
  explicit bench(std::int32_t rows)
      : runner_{small::weights<Recipe>({}, 2),
                {.max_rows = rows,
                 .max_tokens = rows + 64,
                 .max_context = 64,
                 .memory_bytes = std::size_t{64} << 20}},
        ledger_{runner_.ledger(false)} {
    std::mt19937_64 random{17};
    for (std::int32_t i = 0; i < rows; ++i)
      add_sequence(small::random_prompt(random, 2 + static_cast<std::int32_t>(random() % 40)), i);
  }

  /// Logits of the given sequences' next position, computed in one step.
  std::vector<std::vector<float>> decode(std::vector<std::int32_t> const& which) {
    step planned{.decode_rows = static_cast<std::int32_t>(which.size()),
                 .tokens = static_cast<std::int32_t>(which.size())};
    for (auto i : which) {
      auto& seq = sequences_[static_cast<std::size_t>(i)];
      planned.rows.push_back(
          {.seq = &seq, .slot = seq.slot, .begin = seq.known() - 1, .count = 1, .samples = true});
    }
    return run(planned);
  }

  /// Logits of one sequence's last position with its whole prompt computed again, in chunks of `chunk`
  /// tokens.
  std::vector<float> prefill(std::int32_t which, std::int32_t chunk) {
    auto& seq = sequences_[static_cast<std::size_t>(which)];
    std::vector<std::vector<float>> logits;
    for (std::int32_t begin = 0; begin < seq.known(); begin += chunk) {
      std::int32_t const count = std::min(chunk, seq.known() - begin);
      step planned{.decode_rows = count == 1 ? 1 : 0, .tokens = count};
      planned.rows.push_back({.seq = &seq,
                              .slot = seq.slot,
                              .begin = begin,
                              .count = count,
                              .samples = begin + count == seq.known()});
      logits = run(planned);
    }
    return logits.at(0);
  }

 private:
  void add_sequence(std::vector<token_id> prompt, slot_id slot) {
    auto& seq = sequences_.emplace_back();
    seq.wish = std::make_shared<request const>(small::greedy_request(prompt, 1));
    seq.tokens = std::move(prompt);
    seq.prompt_tokens = seq.known();
    seq.slot = slot;
    BOOST_REQUIRE(ledger_.reserve(slot, seq.known()));
    prefill(slot, seq.known());
  }

  std::vector<std::vector<float>> run(step const& planned) {
    runner_.launch(planned, ledger_);
    auto const result = runner_.wait();
    std::vector<std::vector<float>> rows;
    for (std::size_t i = 0; i < result.ids.size(); ++i) {
      auto const* const row = runner_.last_logits()[static_cast<std::int64_t>(i)];
      rows.emplace_back(row, row + Recipe::model::shape.vocabulary);
    }
    return rows;
  }

  model_runner<Recipe> runner_;
  typename Recipe::cache::ledger ledger_;
  std::deque<sequence> sequences_;
};

bool same_bits(std::vector<float> const& a, std::vector<float> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <class Recipe> void expect_independence() {
  constexpr std::int32_t most = 300;
  bench<Recipe> rows{most};
  std::vector<std::vector<float>> alone;
  for (std::int32_t i = 0; i < most; ++i) alone.push_back(rows.decode({i}).at(0));
  for (std::int32_t count = 2; count <= most; ++count) {
    std::vector<std::int32_t> which;
    for (std::int32_t i = 0; i < count; ++i)
      which.push_back((i * 7 + count) % most);  // 7 and 300 share no factor
    auto const together = rows.decode(which);
    for (std::size_t i = 0; i < which.size(); ++i) {
      BOOST_REQUIRE_MESSAGE(
          same_bits(together[i], alone[static_cast<std::size_t>(which[i])]),
          "sequence " << which[i] << " in a batch of " << count << " rows differs from itself alone");
    }
  }
  for (std::int32_t i = 0; i < 40; ++i) {
    for (std::int32_t const chunk : {1, 3, 16, 64}) {
      BOOST_REQUIRE_MESSAGE(same_bits(rows.prefill(i, chunk), alone[static_cast<std::size_t>(i)]),
                            "sequence " << i << " in chunks of " << chunk << " differs from its decode");
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_independence)

BOOST_AUTO_TEST_CASE(fp32) {
  expect_independence<recipes::reference<small::qwen3_model>>();
}
BOOST_AUTO_TEST_CASE(bf16) {
  expect_independence<compose<small::qwen3_model, tenon::bf16>>();
}
BOOST_AUTO_TEST_CASE(fp16) {
  expect_independence<compose<small::qwen2_model, tenon::fp16>>();
}

BOOST_AUTO_TEST_SUITE_END()
