// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/instruction_set.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>
#include <string>

using namespace tenon;

BOOST_AUTO_TEST_SUITE(instruction_set)

BOOST_AUTO_TEST_CASE(agrees_with_what_the_operating_system_says) {
  std::ifstream file{"/proc/cpuinfo"};
  std::stringstream text;
  text << file.rdbuf();
  if (text.str().find("flags") == std::string::npos) {
    BOOST_TEST_MESSAGE("skipped: no flags in /proc/cpuinfo");
    BOOST_TEST(cpu::name_of(cpu::best_instruction_set()) != "?");
    return;
  }
  auto const has = [&](std::string const& flag) {
    return text.str().find(" " + flag + " ") != std::string::npos;
  };
  auto expected = cpu::instruction_set::scalar;
  if (has("avx2") && has("fma")) expected = cpu::instruction_set::avx2;
  if (has("avx512f") && has("avx512bw") && has("avx512vl")) expected = cpu::instruction_set::avx512;
  BOOST_TEST(cpu::name_of(cpu::best_instruction_set()) == cpu::name_of(expected));
}

BOOST_AUTO_TEST_CASE(has_a_name_for_each) {
  BOOST_TEST(cpu::name_of(cpu::instruction_set::scalar) == "scalar");
  BOOST_TEST(cpu::name_of(cpu::instruction_set::avx2) == "avx2");
  BOOST_TEST(cpu::name_of(cpu::instruction_set::avx512) == "avx512");
}

BOOST_AUTO_TEST_SUITE_END()
