// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/weight_layout.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/memory_backend.hpp"
#include "checkpoint/small_models.hpp"
#include "tenon/precision/bf16.hpp"

using tenon_test::memory_backend;

namespace {

template <class Model> void check_layout() {
  tenon_test::memory_account account;
  tenon::model_weights<Model, tenon::bf16, memory_backend> weights;
  weights.context = std::make_unique<memory_backend::context>(memory_backend::context_options{&account});
  auto const layout = tenon::allocate_weights(weights);
  BOOST_TEST(account.allocations == 1u);

  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> pieces;
  auto const add = [&](void const* begin, std::size_t bytes) {
    auto const address = reinterpret_cast<std::uintptr_t>(begin);
    BOOST_TEST(address % tenon::buffer_alignment == 0u);
    pieces.emplace_back(address, address + bytes);
  };
  add(layout.embedding.data, static_cast<std::size_t>(layout.embedding.out_features) *
                                 static_cast<std::size_t>(layout.embedding.in_features) * 2);
  for (auto const& slot : layout.matrices) {
    add(slot.to.data,
        static_cast<std::size_t>(slot.to.out_features) * static_cast<std::size_t>(slot.to.in_features) * 2);
  }
  for (auto const& slot : layout.vectors) {
    std::size_t count = 0;
    for (auto const& part : slot.parts) count += static_cast<std::size_t>(part.count);
    add(slot.to, count * sizeof(float));
  }
  std::ranges::sort(pieces);
  auto const begin = reinterpret_cast<std::uintptr_t>(weights.storage.front().data());
  BOOST_TEST(pieces.front().first == begin);
  BOOST_TEST(pieces.back().second <= begin + weights.bytes());
  for (std::size_t i = 1; i < pieces.size(); ++i) BOOST_TEST(pieces[i - 1].second <= pieces[i].first);

  std::set<std::string> expected;
  for (auto const& tensor : tenon::expected_tensors(layout)) BOOST_TEST(expected.insert(tensor.name).second);
  std::set<std::string> stored;
  for (auto const& tensor : tenon_test::checkpoint_tensors<Model>(tenon::dtype::bf16))
    stored.insert(tensor.name);
  BOOST_TEST((expected == stored));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_layout)

BOOST_AUTO_TEST_CASE(one_allocation_of_disjoint_aligned_pieces_for_each_family) {
  check_layout<tenon_test::small_qwen3>();
  check_layout<tenon_test::small_qwen2>();
}

BOOST_AUTO_TEST_SUITE_END()
