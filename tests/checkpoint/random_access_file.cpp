// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/random_access_file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "checkpoint/error_text.hpp"
#include "checkpoint/temporary_directory.hpp"

using tenon_test::check_error;

BOOST_AUTO_TEST_SUITE(random_access_file)

BOOST_AUTO_TEST_CASE(reads_at_any_offset) {
  tenon_test::temporary_directory const directory;
  tenon::random_access_file const file{directory.write("f", "0123456789")};
  BOOST_TEST(file.size() == 10u);
  std::string text(3, ' ');
  file.read(7, std::as_writable_bytes(std::span{text}));
  BOOST_TEST(text == "789");
  BOOST_TEST(tenon::read_text_file(directory.path() / "f", 10) == "0123456789");
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_after_opening_is_an_error) {
  tenon_test::temporary_directory const directory;
  auto const path = directory.write("f", "0123456789");
  tenon::random_access_file const file{path};
  std::filesystem::resize_file(path, 4);
  std::string text(8, ' ');
  check_error([&] { file.read(0, std::as_writable_bytes(std::span{text})); },
              "expected 4 bytes at offset 4, found the end of the file");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named) {
  tenon_test::temporary_directory const directory;
  auto const missing = directory.path() / "missing";
  check_error([&] { tenon::random_access_file{missing}; },
              missing.string() + ": cannot be opened: No such file");
  check_error([&] { tenon::random_access_file{directory.path()}; }, "expected a regular file");
  directory.write("f", "0123456789");
  check_error([&] { tenon::read_text_file(directory.path() / "f", 9); },
              "expected at most 9 bytes, found 10");
}

BOOST_AUTO_TEST_SUITE_END()
