// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/generation_config.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "checkpoint/error_text.hpp"
#include "checkpoint/temporary_directory.hpp"

using tenon_test::check_error;

namespace {

tenon::generation_config parse(std::string const& text) {
  return tenon::parse_generation_config(text, 100, "generation_config.json");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(generation_config)

BOOST_AUTO_TEST_CASE(values_of_the_file_and_nothing_else) {
  auto const config = parse(
      R"({"do_sample":true,"temperature":0.6,"top_p":0.95,"top_k":20,"min_p":0,"repetition_penalty":1.05,
          "eos_token_id":[9,8],"pad_token_id":8,"transformers_version":"4.51.0"})");
  BOOST_TEST(config.do_sample.value());
  BOOST_TEST(config.temperature.value() == 0.6f);
  BOOST_TEST(config.top_p.value() == 0.95f);
  BOOST_TEST(config.top_k.value() == 20);
  BOOST_TEST(config.min_p.value() == 0.0f);
  BOOST_TEST(config.repetition_penalty.value() == 1.05f);
  BOOST_TEST(config.stop_ids == (std::vector<tenon::token_id>{9, 8}), boost::test_tools::per_element());
  BOOST_TEST(config.pad_id.value() == 8);

  auto const empty = parse("{}");
  BOOST_TEST((!empty.do_sample && !empty.temperature && !empty.top_p && !empty.top_k && !empty.min_p));
  BOOST_TEST((!empty.repetition_penalty && empty.stop_ids.empty() && !empty.pad_id));
}

BOOST_AUTO_TEST_CASE(wrong_values_are_named) {
  check_error([] { parse(R"({"temperature":-1})"); },
              "generation_config.json: key 'temperature': expected a number from 0 to 100, found -1");
  check_error([] { parse(R"({"top_p":1.5})"); }, "key 'top_p': expected a number from 0 to 1, found");
  check_error([] { parse(R"({"top_k":2.5})"); }, "key 'top_k': expected an integer, found");
  check_error([] { parse(R"({"repetition_penalty":0})"); }, "key 'repetition_penalty': expected");
  check_error([] { parse(R"({"eos_token_id":100})"); },
              "key 'eos_token_id': expected an integer from 0 to 99, found 100");
  check_error([] { parse(R"({"do_sample":1})"); }, "key 'do_sample': expected true or false, found 1");
  check_error([] { parse("[]"); }, "expected a JSON object");
}

BOOST_AUTO_TEST_CASE(stop_ids_fall_back_on_those_of_the_model) {
  tenon_test::temporary_directory const directory;
  tenon::model_config model;
  model.shape.vocabulary = 100;
  model.stop_ids = {42};
  BOOST_TEST(tenon::load_generation_config(directory.path(), model).stop_ids.front() == 42);
  directory.write("generation_config.json", R"({"top_k":3})");
  auto const config = tenon::load_generation_config(directory.path(), model);
  BOOST_TEST(config.stop_ids.front() == 42);
  BOOST_TEST(config.top_k.value() == 3);
  directory.write("generation_config.json", R"({"eos_token_id":7})");
  BOOST_TEST(tenon::load_generation_config(directory.path(), model).stop_ids.front() == 7);
}

BOOST_AUTO_TEST_CASE(published_files) {
  auto const* data = std::getenv("TENON_TEST_DATA");
  if (data == nullptr) {
    BOOST_TEST_MESSAGE("skipped: TENON_TEST_DATA is not set");
    return;
  }
  auto const directory = std::filesystem::path{data} / "qwen" / "configs";
  auto const read = [&](std::string const& name) {
    auto const path = directory / (name + ".generation_config.json");
    return tenon::parse_generation_config(tenon::read_text_file(path, 1 << 20), 151936, path.string());
  };
  auto const qwen3 = read("Qwen3");
  BOOST_TEST(qwen3.temperature.value() == 0.6f);
  BOOST_TEST(qwen3.stop_ids == (std::vector<tenon::token_id>{151645, 151643}),
             boost::test_tools::per_element());
  BOOST_TEST(read("Qwen2.5-Instruct").repetition_penalty.value() == 1.05f);
}

BOOST_AUTO_TEST_SUITE_END()
