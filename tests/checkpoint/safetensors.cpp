// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/safetensors.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/error_text.hpp"
#include "checkpoint/temporary_directory.hpp"
#include "checkpoint/write_safetensors.hpp"

using tenon_test::check_error;
using tenon_test::stored_tensor;
using tenon_test::temporary_directory;

namespace {

std::string file_of(std::vector<stored_tensor> const& tensors) {
  return tenon_test::safetensors_file(std::span{tensors});
}

stored_tensor bytes_named(std::string name, std::string bytes) {
  auto const size = static_cast<std::int64_t>(bytes.size());
  return {std::move(name), tenon::dtype::u8, {size}, std::move(bytes)};
}

std::string content(tenon::safetensors_checkpoint const& checkpoint, std::string const& name) {
  auto const* tensor = checkpoint.find(name);
  BOOST_REQUIRE(tensor != nullptr);
  std::string text(tensor->bytes, '\0');
  checkpoint.read(*tensor, 0, std::as_writable_bytes(std::span{text}));
  return text;
}

void write_two_shards(temporary_directory const& directory, std::string const& weight_map) {
  directory.write("one.safetensors", file_of({bytes_named("a", "aaa"), bytes_named("b", "bb")}));
  directory.write("two.safetensors", file_of({bytes_named("c", "c")}));
  directory.write("model.safetensors.index.json",
                  R"({"metadata":{"total_size":6},"weight_map":)" + weight_map + "}");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(one_file) {
  temporary_directory const directory;
  directory.write("model.safetensors", file_of({bytes_named("b", "12345"), bytes_named("a", "xyz")}));
  tenon::safetensors_checkpoint const checkpoint{directory.path()};
  BOOST_TEST(checkpoint.names() == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(content(checkpoint, "a") == "xyz");
  BOOST_TEST(content(checkpoint, "b") == "12345");
  BOOST_TEST(checkpoint.find("c") == nullptr);
  std::string part(2, ' ');
  checkpoint.read(*checkpoint.find("b"), 3, std::as_writable_bytes(std::span{part}));
  BOOST_TEST(part == "45");
  check_error([&] { checkpoint.read(*checkpoint.find("b"), 4, std::as_writable_bytes(std::span{part})); },
              "tensor 'b': asked for bytes 4 to 6 of 5");
}

BOOST_AUTO_TEST_CASE(shards_of_an_index) {
  temporary_directory const directory;
  write_two_shards(directory, R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  tenon::safetensors_checkpoint const checkpoint{directory.path()};
  BOOST_TEST(checkpoint.names().size() == 3u);
  BOOST_TEST(content(checkpoint, "b") == "bb");
  BOOST_TEST(content(checkpoint, "c") == "c");
}

BOOST_AUTO_TEST_CASE(one_file_goes_before_an_index) {
  temporary_directory const directory;
  write_two_shards(directory, R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  directory.write("model.safetensors", file_of({bytes_named("a", "other")}));
  tenon::safetensors_checkpoint const checkpoint{directory.path()};
  BOOST_TEST(checkpoint.names().size() == 1u);
  BOOST_TEST(content(checkpoint, "a") == "other");
}

BOOST_AUTO_TEST_CASE(an_index_that_does_not_match_its_shards) {
  temporary_directory const directory;
  auto const refused = [&](std::string const& weight_map, std::string const& part) {
    write_two_shards(directory, weight_map);
    check_error([&] { tenon::safetensors_checkpoint{directory.path()}; }, part);
  };
  refused(R"({"a":"one.safetensors","b":"one.safetensors","c":"one.safetensors"})",
          "tensor 'c': expected in shard 'one.safetensors', found in none");
  refused(R"({"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"})",
          "tensor 'b': expected in shard 'two.safetensors', found in ");
  refused(R"({"a":"one.safetensors","c":"two.safetensors"})", "tensor 'b' is not in the index");
  refused(R"({"a":"three.safetensors"})", "shard 'three.safetensors' is missing");
  refused(R"({"a":")" + std::string(5000, 'x') + "\"}", "is missing");
  refused(R"({"a":1})", "key 'weight_map.a': expected a plain file name, found 1");
  for (std::string const name : {"../one.safetensors", "/one.safetensors", "x/../one.safetensors", "..", "",
                                 ".", "a\\\\b", "one\\u0000"}) {
    refused(R"({"a":")" + name + "\"}", "key 'weight_map.a': expected a plain file name");
  }
  refused("[]", "key 'weight_map': expected an object");
}

BOOST_AUTO_TEST_CASE(a_tensor_in_two_shards) {
  temporary_directory const directory;
  write_two_shards(directory, R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  directory.write("two.safetensors", file_of({bytes_named("c", "c"), bytes_named("a", "aaa")}));
  check_error([&] { tenon::safetensors_checkpoint{directory.path()}; }, "tensor 'a' is also in ");
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_truncated_is_named) {
  temporary_directory const directory;
  check_error([&] { tenon::safetensors_checkpoint{directory.path()}; },
              directory.path().string() + ": expected model.safetensors or model.safetensors.index.json");
  auto const whole = file_of({bytes_named("b", "12345")});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    auto const path = directory.write("model.safetensors", whole.substr(0, size));
    check_error([&] { tenon::safetensors_checkpoint{directory.path()}; }, path.string() + ": expected");
  }
}

BOOST_AUTO_TEST_CASE(truncation_after_opening_is_an_error) {
  temporary_directory const directory;
  auto const path =
      directory.write("model.safetensors", file_of({bytes_named("b", std::string(100000, 'x'))}));
  tenon::safetensors_checkpoint const checkpoint{directory.path()};
  std::filesystem::resize_file(path, 50000);
  std::string text(100000, '\0');
  check_error([&] { checkpoint.read(*checkpoint.find("b"), 0, std::as_writable_bytes(std::span{text})); },
              "found the end of the file");
}

BOOST_AUTO_TEST_SUITE_END()
