// SPDX-License-Identifier: Apache-2.0
// What becomes of every field: none is dropped in silence.
#include "server/openai/known_fields.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "server/openai/chat_body.hpp"
#include "server/openai/completion_body.hpp"
#include "server/openai_client.hpp"
#include "server/openai_service.hpp"

namespace {

using namespace openai_test;
using server::field_use;

constexpr std::string_view chats = "/v1/chat/completions";

object good_body(server::route_set route) {
  if (route == server::chat_route) return boost::json::parse(chat("Hi", R"({"max_tokens": 2})")).as_object();
  if (route == server::completions_route) return {{"prompt", "Hi"}, {"max_tokens", 2}};
  if (route == server::tokenize_route) return {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  return {{"tokens", {1}}};
}

std::string_view path_of(server::route_set route) {
  if (route == server::chat_route) return chats;
  if (route == server::completions_route) return "/v1/completions";
  return route == server::tokenize_route ? "/tokenize" : "/detokenize";
}

/// A value that no field takes, and no refused one lets pass.
value const odd = boost::json::array{boost::json::array{1.5, "value"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(openai_fields)

BOOST_AUTO_TEST_CASE(every_row_of_the_table_is_true) {
  std::set<std::pair<std::string_view, server::route_set>> seen;
  for (auto const& field : server::known_fields()) {
    for (server::route_set route = 1; route <= server::detokenize_route; route *= 2) {
      if ((field.routes & route) == 0) continue;
      BOOST_TEST_CONTEXT(path_of(route) << ' ' << field.name) {
        BOOST_TEST(seen.emplace(field.name, route).second);  // one row says what becomes of it
        auto body = good_body(route);
        body[field.name] = odd;
        if (route == server::tokenize_route && field.name == "prompt") body.erase("messages");
        auto const answer = ask(path_of(route), boost::json::serialize(body));
        BOOST_TEST(answer.header("x-tenon-ignored") == "");
        if (field.use == field_use::no_effect) {
          BOOST_TEST(answer.status == 200);
          continue;
        }
        BOOST_REQUIRE(answer.status == 400);
        auto const param = std::string{std::string_view{answer.error().at("param").as_string().subview()}};
        if (field.name == "stream_options") continue;  // which is refused before it is looked into
        BOOST_TEST(param.starts_with(field.name));
        bool const named = answer.error().at("code") == "unsupported_parameter";
        BOOST_TEST(named == (field.use == field_use::refused));
        body[field.name] = nullptr;
        bool const needed =
            field.name == "messages" || field.name == "tokens" || (field.name == "prompt" && route == 2);
        if (!needed)
          BOOST_TEST(ask(path_of(route), boost::json::serialize(body)).status ==
                     (field.name == "prompt" ? 400 : 200));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(values_that_ask_for_nothing_are_accepted) {
  for (auto const* const more :
       {R"({"response_format": {"type": "text"}})",
        R"({"store": false})",
        R"({"service_tier": "auto"})",
        R"({"service_tier": "default"})",
        R"({"modalities": ["text"]})",
        R"({"use_beam_search": false})",
        R"({"length_penalty": 1})",
        R"({"length_penalty": 1.0})",
        R"({"functions": []})",
        R"({"bad_words": []})",
        R"({"user": "me", "metadata": {"a": "b"}, "safety_identifier": "x", "prompt_cache_key": "y"})",
        R"({"add_special_tokens": true})",
        R"({"tools": [], "tool_choice": "none"})",
        R"({"tool_choice": "auto"})",
        R"({"temperature": null, "n": null, "stop": null})",
        R"({"stop": []})",
        R"({"top_k": -1, "top_p": 0})",
        R"({"n": 1.0})",
        R"({"seed": -9223372036854775808})",
        R"({"logit_bias": {}})",
        R"({"logprobs": false, "top_logprobs": 0})",
        R"({"stream": false, "stream_options": null})"}) {
    BOOST_TEST_CONTEXT(more) {
      auto const answer = ask(chats, chat("Hi", with(more, R"({"max_tokens": 1})")));
      BOOST_TEST(answer.status == 200, answer.body);
      BOOST_TEST(answer.header("x-tenon-ignored") == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_named) {
  std::string noted;
  auto listening = service();
  listening.note = [&](server::http_request const&, std::string_view line) { noted = line; };
  auto const body = chat(
      "Hi",
      R"({"max_tokens": 1, "frobnicate": 1, "chat_template_kwargs": {"x": 2}, "y\r\nz: 1": 3, "off": null})");
  auto const answer = ask(chats, body, {}, listening);
  BOOST_TEST(answer.status == 200);
  BOOST_TEST(answer.header("x-tenon-ignored") == "frobnicate, y??z: 1, chat_template_kwargs.x");
  BOOST_TEST(noted == "ignored: frobnicate, y??z: 1, chat_template_kwargs.x");
  auto const stream = ask(chats, with(body, R"({"stream": true})"), {}, listening);
  BOOST_TEST(stream.header("x-tenon-ignored") == answer.header("x-tenon-ignored"));
  auto const nested = ask(
      chats, chat("Hi", R"({"max_tokens": 1, "stream": true, "stream_options": {"colour": 1, "none": null},
    "tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "f", "x": 1}, "y": 2}})"));
  BOOST_TEST(nested.header("x-tenon-ignored") ==
             "tool_choice.y, tool_choice.function.x, stream_options.colour");
  auto const message =
      ask(chats, R"({"max_tokens": 1, "messages": [{"role": "user", "content": "x", "mood": "good"}]})");
  BOOST_TEST(message.header("x-tenon-ignored") == "messages[0].mood");
  auto const tool =
      ask(chats, chat("Hi", R"({"max_tokens": 1, "tools": [{"function": {"name": "f", "strict": true}}]})"));
  BOOST_TEST(tool.status == 200);
  BOOST_TEST(tool.header("x-tenon-ignored") == "tools[0].function.strict");
  auto const long_name =
      ask(chats, chat("Hi", R"({"max_tokens": 1, ")" + std::string(5000, 'x') + R"(": 1})"));
  BOOST_TEST(long_name.header("x-tenon-ignored").size() < 1100u);
}

BOOST_AUTO_TEST_CASE(unknown_fields_are_errors_to_a_strict_server) {
  auto strict = service();
  strict.strict = true;
  for (auto const* const more : {R"({"frobnicate": 1})", R"({"chat_template_kwargs": {"frobnicate": 2}})",
                                 R"({"stream": true, "stream_options": {"frobnicate": 4}})",
                                 R"({"messages": [{"role": "user", "content": "x", "frobnicate": 3}]})"}) {
    auto const answer = ask(chats, chat("Hi", more), {}, strict);
    BOOST_TEST(answer.status == 400);
    BOOST_TEST(answer.error().at("code") == "unknown_parameter");
    BOOST_TEST(std::string_view{answer.error().at("param").as_string().subview()}.ends_with("frobnicate"));
  }
  BOOST_TEST(ask(chats, chat("Hi", R"({"max_tokens": 1, "frobnicate": null})"), {}, strict).status == 200);
}

BOOST_AUTO_TEST_CASE(sampling_follows_the_request_the_mode_and_the_model) {
  auto sampled = service();
  sampled.sampling = {.temperature = 0.6f, .top_k = 20, .top_p = 0.95f};
  auto const read = [&](std::string_view more) {
    return server::read_chat_body(boost::json::parse(chat("Hi", more)).as_object(), sampled).generation;
  };
  BOOST_TEST(read("{}").wish.sampling.temperature == 0.6f);
  BOOST_TEST(!read(R"({"enable_thinking": false, "seed": 1, "presence_penalty": 1})").names_sampling);
  for (auto const* const more :
       {R"({"temperature": 1})", R"({"top_p": 1})", R"({"top_k": 0})", R"({"min_p": 0})"})
    BOOST_TEST(read(more).names_sampling);
}

// github.com/nst/JSONTestSuite: what must be accepted, must be rejected, and may be either.
BOOST_AUTO_TEST_CASE(bodies_are_read_strictly) {
  char const* const data = std::getenv("TENON_TEST_DATA");
  auto const folder = std::filesystem::path{data == nullptr ? "" : data} / "json_test_suite" / "test_parsing";
  if (!std::filesystem::is_directory(folder)) {
    BOOST_TEST_MESSAGE("skipped: no json_test_suite below TENON_TEST_DATA");
    return;
  }
  std::size_t cases = 0;
  for (auto const& entry : std::filesystem::directory_iterator{folder}) {
    ++cases;
    auto const name = entry.path().filename().string();
    std::ifstream file{entry.path(), std::ios::binary};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    BOOST_TEST_CONTEXT(name) {
      auto const answer = ask(chats, text);
      BOOST_TEST(answer.status == 400);  // none has messages
      auto const code = std::string{std::string_view{answer.error().at("code").as_string().subview()}};
      bool const duplicate = name.find("duplicated_key") != std::string::npos;
      if (name.starts_with("y_") && !duplicate) BOOST_TEST(code != "invalid_json");
      if (name.starts_with("n_") || duplicate) BOOST_TEST(code == "invalid_json");
    }
  }
  BOOST_TEST(cases == 318u);
}

BOOST_AUTO_TEST_SUITE_END()
