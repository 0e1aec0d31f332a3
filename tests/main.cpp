// SPDX-License-Identifier: Apache-2.0
// The main function of every test program: compiled once, and named by the program that it became a part of.

#if defined(BOOST_TEST_DYN_LINK)
#define BOOST_TEST_NO_MAIN
#define BOOST_TEST_ALTERNATIVE_INIT_API
#endif
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

namespace {

/// Calls the suite of `test_<folder>` tenon.<folder>.
bool name_module() {
  auto& suite = boost::unit_test::framework::master_test_suite();
  auto program = std::filesystem::path{suite.argv[0]}.filename().string();
  if (program.starts_with("test_")) program.erase(0, 5);
  suite.p_name.value = "tenon." + program;
  return true;
}

}  // namespace

#if defined(BOOST_TEST_DYN_LINK)
int main(int argc, char* argv[]) {
  return boost::unit_test::unit_test_main(&name_module, argc, argv);
}
#else  // the static library has a main of its own, which calls this
boost::unit_test::test_suite* init_unit_test_suite(int, char*[]) {
  name_module();
  return nullptr;
}
#endif
