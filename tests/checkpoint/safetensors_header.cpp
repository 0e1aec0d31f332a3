// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/safetensors_header.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/error_text.hpp"
#include "checkpoint/write_safetensors.hpp"

namespace {

std::vector<tenon::tensor_info> parse(std::string const& header, std::uint64_t buffer_bytes) {
  return tenon::parse_safetensors_header(header, buffer_bytes, "m.safetensors");
}

void check_refused(std::string const& header, std::uint64_t buffer_bytes, std::string const& part) {
  BOOST_TEST_CONTEXT(header) {
    tenon_test::check_error([&] { parse(header, buffer_bytes); }, "m.safetensors: ");
    tenon_test::check_error([&] { parse(header, buffer_bytes); }, part);
  }
}

void check_file_refused(std::string const& file, std::string const& part) {
  tenon_test::check_error([&] { tenon::parse_safetensors(std::as_bytes(std::span{file}), "m.safetensors"); },
                          part);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_header)

BOOST_AUTO_TEST_CASE(tensors_come_sorted_by_offset) {
  auto const tensors = parse(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[8,20]},)"
      R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"e":{"dtype":"F32","shape":[4,0],"data_offsets":[8,8]}} )",
      20);
  BOOST_REQUIRE(tensors.size() == 3u);
  BOOST_TEST(tensors[0].name == "a");
  BOOST_TEST(tensors[1].name == "e");
  BOOST_TEST(tensors[2].name == "b");
  BOOST_TEST(tensors[2].offset == 8u);
  BOOST_TEST(tensors[2].bytes == 12u);
  BOOST_TEST(tenon::spelled(tensors[2]) == "F16 [2, 3]");
  BOOST_TEST(parse("{}", 0).empty());
}

BOOST_AUTO_TEST_CASE(the_buffer_is_tiled_without_hole_or_overlap) {
  auto const two = [](std::string const& a, std::string const& b) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  BOOST_TEST(parse(two("[4,8]", "[0,4]"), 8).size() == 2u);
  check_refused(two("[0,4]", "[3,7]"), 7,
                "tensor 'b': expected to begin at byte 4 of the buffer, found 3 (overlap)");
  check_refused(two("[0,4]", "[0,4]"), 4, "(overlap)");
  check_refused(two("[0,4]", "[5,9]"), 9,
                "tensor 'b': expected to begin at byte 4 of the buffer, found 5 (hole)");
  check_refused(two("[1,5]", "[5,9]"), 9,
                "tensor 'a': expected to begin at byte 0 of the buffer, found 1 (hole)");
  check_refused(two("[0,4]", "[4,8]"), 7,
                "tensors of 8 bytes to fill the buffer, found 7 bytes in the file (truncated)");
  check_refused(two("[0,4]", "[4,8]"), 9, "found 9 bytes in the file (trailing bytes)");
}

BOOST_AUTO_TEST_CASE(a_tensor_is_what_its_byte_range_says) {
  auto const one = [](std::string const& type, std::string const& shape, std::string const& range) {
    return R"({"t":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + range + "}}";
  };
  check_refused(one("F16", "[2,3]", "[0,11]"), 11,
                "tensor 't': expected 12 bytes for F16 [2, 3], found data_offsets [0, 11] of 11");
  check_refused(one("F16", "[2,3]", "[0,13]"), 13, "expected 12 bytes for F16 [2, 3]");
  check_refused(one("F4", "[2]", "[0,2]"), 2, "tensor 't': dtype 'F4' is unknown");
  check_refused(one("F32", "[4294967296,4294967296]", "[0,0]"), 0,
                "F32 [4294967296, 4294967296] has more bytes than 2^64");
  check_refused(one("F64", "[9223372036854775807]", "[0,8]"), 8, "has more bytes than 2^64");
  check_refused(one("U8", "[-1]", "[0,1]"), 1, "key 'shape': expected an integer of at least 0, found -1");
  check_refused(one("U8", "[1.5]", "[0,1]"), 1, "key 'shape': expected an integer, found 1.5");
  check_refused(one("U8", "[18446744073709551615]", "[0,1]"), 1, "key 'shape': expected an integer");
  check_refused(one("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "key 'shape': expected at most 8 extents");
  check_refused(one("U8", "3", "[0,3]"), 3, "key 'shape': expected an array, found 3");
  check_refused(one("U8", "[3]", "[3,0]"), 3,
                "key 'data_offsets': expected [begin, end] with begin <= end, found [3,0]");
  check_refused(one("U8", "[3]", "[0,1,3]"), 3, "key 'data_offsets': expected [begin, end]");
  check_refused(one("U8", "[3]", "[-3,0]"), 3, "key 'data_offsets': expected an integer of at least 0");
}

BOOST_AUTO_TEST_CASE(errors_name_the_file_apart_from_the_tensor) {
  try {
    parse(R"({"a\u001b":{}})", 0);
    BOOST_FAIL("accepted");
  } catch (tenon::load_error const& failure) {
    BOOST_TEST(failure.where() == "m.safetensors");
    BOOST_TEST(failure.what() == std::string{"m.safetensors: tensor 'a\\x1b': key 'dtype' is missing"});
  }
}

BOOST_AUTO_TEST_CASE(the_header_is_strict_json_of_known_form) {
  check_refused("", 0, "expected a header that begins with '{', found an empty one");
  check_refused(" {}", 0, "expected a header that begins with '{', found byte 32");
  check_refused("[]", 0, "expected a header that begins with '{', found byte 91");
  check_refused("{", 0, "expected strict JSON");
  check_refused("{}x", 0, "expected strict JSON");
  check_refused(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      2, "duplicate key 'a'");
  check_refused(R"({"a":1})", 0, "tensor 'a': expected an object");
  check_refused(R"({"a":{}})", 0, "tensor 'a': key 'dtype' is missing");
  check_refused(R"({"a":{"dtype":"U8","data_offsets":[0,0]}})", 0, "tensor 'a': key 'shape' is missing");
  check_refused(R"({"a":{"dtype":"U8","shape":[0]}})", 0, "tensor 'a': key 'data_offsets' is missing");
  check_refused(R"({"__metadata__":{"k":1}})", 0, "key '__metadata__.k': expected a string, found 1");
  check_refused(R"({"__metadata__":7})", 0, "key '__metadata__': expected an object");
}

BOOST_AUTO_TEST_CASE(the_length_word_is_checked_before_it_is_used) {
  auto const file =
      tenon_test::safetensors_file(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xy");
  BOOST_TEST(tenon::parse_safetensors(std::as_bytes(std::span{file}), "m").size() == 1u);
  check_file_refused("", "expected at least 8 bytes, found 0");
  check_file_refused("1234567", "expected at least 8 bytes, found 7");
  check_file_refused(std::string{"\x03\0\0\0\0\0\0\0{}", 10},
                     "expected a header of 3 bytes, found a file of 10 (truncated)");
  check_file_refused(std::string{"\x10\0\0\0\0\0\0\0{}", 10},
                     "expected a header of 16 bytes, found a file of 10 (truncated)");
  check_file_refused(std::string(16, '\xff'),
                     "expected a header of at most 100000000 bytes, found a length of 18446744073709551615");
  check_file_refused(std::string{"\x01\xe1\xf5\x05\0\0\0\0{}", 10}, "found a length of 100000001");
  check_file_refused(file.substr(0, file.size() - 1), "(truncated)");
  check_file_refused(file + "z", "(trailing bytes)");
}

BOOST_AUTO_TEST_SUITE_END()
