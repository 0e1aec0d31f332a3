// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/weight_source.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct source_in_memory {
  std::map<std::string, tenon::tensor_info, std::less<>> tensors;
  std::string bytes;

  tenon::tensor_info const* find(std::string_view name) const {
    auto const found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const { return {}; }
  void read(tenon::tensor_info const& tensor, std::uint64_t first, std::span<std::byte> to) const {
    std::memcpy(to.data(), bytes.data() + tensor.offset + first, to.size());
  }
  std::string where() const { return "memory"; }
};

struct source_without_read {
  tenon::tensor_info const* find(std::string_view) const { return nullptr; }
  std::vector<std::string> names() const { return {}; }
  std::string where() const { return "nowhere"; }
};

static_assert(tenon::is_weight_source<source_in_memory>);
static_assert(!tenon::weight_source<source_without_read>);
static_assert(!tenon::requirement::reads_parts_of_tensors<source_without_read>);

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_source)

BOOST_AUTO_TEST_CASE(tensors_are_spelled_as_errors_want_them) {
  tenon::tensor_info tensor;
  tensor.type = tenon::dtype::bf16;
  BOOST_TEST(tenon::spelled(tensor) == "BF16 []");
  tensor.shape = {2048, 1024};
  BOOST_TEST(tenon::spelled(tensor) == "BF16 [2048, 1024]");
}

BOOST_AUTO_TEST_SUITE_END()
