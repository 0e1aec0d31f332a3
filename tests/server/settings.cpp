// SPDX-License-Identifier: Apache-2.0
#include "server/settings.hpp"

#include <unistd.h>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

server::settings read(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), {"server", "--model", "models/tiny"});
  return server::read_settings(static_cast<int>(arguments.size()), arguments.data()).value();
}

struct key_file {
  explicit key_file(std::string const& text)
      : path{std::filesystem::temp_directory_path() / ("tenon_keys_" + std::to_string(::getpid()))} {
    std::ofstream{path} << text;
  }
  ~key_file() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(the_limits_have_their_documented_defaults) {
  auto const chosen = read({});
  BOOST_TEST(chosen.host == "127.0.0.1");
  BOOST_TEST(chosen.port == 8000);
  BOOST_TEST(chosen.names.at(0) == "tiny");
  auto const& limits = chosen.limits;
  BOOST_TEST((limits.header_time == 10s));
  BOOST_TEST(limits.header_bytes == 16u * 1024);
  BOOST_TEST(limits.header_count == 64u);
  BOOST_TEST(limits.body_bytes == 8u * 1024 * 1024);
  BOOST_TEST(limits.body_rate == 4096u);
  BOOST_TEST((limits.body_grace == 5s));
  BOOST_TEST(limits.send_buffer_bytes == 64 * 1024);
  BOOST_TEST(limits.out_buffer_bytes == 256u * 1024);
  BOOST_TEST((limits.stall_time == 30s));
  BOOST_TEST((limits.idle_time == 75s));
  BOOST_TEST(limits.requests_per_connection == 1000);
  BOOST_TEST(chosen.bodies.n == 16);
  BOOST_TEST(chosen.bodies.prompts == 64);
  BOOST_TEST(chosen.bodies.logprobs == 20);
  BOOST_TEST(chosen.bodies.stops == 4);
  BOOST_TEST(chosen.bodies.logit_bias == 1024);
  BOOST_TEST(chosen.keys.empty());
  BOOST_TEST(chosen.engine.prefix_caching);
}

BOOST_AUTO_TEST_CASE(options_are_read_in_their_units) {
  auto const chosen = read({"--max-body-kib",
                            "3",
                            "--header-seconds",
                            "0.25",
                            "--memory-mib",
                            "5",
                            "--port",
                            "0",
                            "--no-prefix-cache",
                            "--served-model-name",
                            "a",
                            "--served-model-name",
                            "b",
                            "--top-k",
                            "7",
                            "--api-key",
                            "k",
                            "--allow-origin",
                            "*",
                            "--strict",
                            "--log-level",
                            "error"});
  BOOST_TEST(chosen.limits.body_bytes == 3072u);
  BOOST_TEST((chosen.limits.header_time == 250ms));
  BOOST_TEST(chosen.engine.memory_bytes == std::size_t{5} << 20);
  BOOST_TEST(chosen.port == 0);
  BOOST_TEST(!chosen.engine.prefix_caching);
  BOOST_TEST(chosen.names == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(chosen.top_k.value_or(0) == 7);
  BOOST_TEST(!chosen.temperature.has_value());
  BOOST_TEST(chosen.keys.find("Bearer k").has_value());
  BOOST_TEST(chosen.strict);
  BOOST_TEST((chosen.log_level == server::severity::error));
}

BOOST_AUTO_TEST_CASE(what_a_body_may_ask_for_is_chosen_within_the_engines_room) {
  auto const chosen = read({"--max-n", "64", "--max-prompts", "1000", "--max-logprobs", "0", "--max-stops",
                            "1", "--max-logit-bias", "7"});
  BOOST_TEST(chosen.bodies.n == 64);
  BOOST_TEST(chosen.bodies.prompts == 1000);
  BOOST_TEST(chosen.bodies.logprobs == 0);
  BOOST_TEST(chosen.bodies.stops == 1);
  BOOST_TEST(chosen.bodies.logit_bias == 7);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
  for (auto const& [option, value] :
       std::vector<std::pair<char const*, char const*>>{{"--port", "70000"},
                                                        {"--port", "-1"},
                                                        {"--port", "x"},
                                                        {"--max-body-kib", "0"},
                                                        {"--max-body-kib", "99999999999999999999"},
                                                        {"--header-seconds", "0"},
                                                        {"--header-seconds", "nan"},
                                                        {"--memory-fraction", "2"},
                                                        {"--top-p", "-1"},
                                                        {"--log-level", "loud"},
                                                        {"--io-threads", "0"},
                                                        {"--max-n", "65"},
                                                        {"--max-n", "0"},
                                                        {"--max-prompts", "0"},
                                                        {"--max-logprobs", "21"},
                                                        {"--max-stops", "5"},
                                                        {"--max-logit-bias", "1025"},
                                                        {"--api-key-file", "no/such/file"},
                                                        {"--rows", "9999999999"}}) {
    try {
      read({option, value});
      BOOST_ERROR("expected " << option << " " << value << " to be refused");
    } catch (std::exception const& refused) {
      auto const text = std::string{refused.what()};
      BOOST_TEST(text.find(std::string{option}.substr(2)) != std::string::npos,
                 option << " is not in: " << text);
    }
  }
  char const* const bare[] = {"server"};
  BOOST_CHECK_THROW(server::read_settings(1, bare), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(keys_come_from_a_file) {
  key_file const two{"first\r\n\nsecond \n"};
  auto const chosen = read({"--api-key-file", two.path.c_str()});
  BOOST_TEST(chosen.keys.find("Bearer first").has_value());
  BOOST_TEST(chosen.keys.find("Bearer second").has_value());
}

BOOST_AUTO_TEST_CASE(a_file_without_keys_opens_nothing) {
  key_file const none{"\n \n"};
  BOOST_CHECK_THROW(read({"--api-key-file", none.path.c_str()}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
