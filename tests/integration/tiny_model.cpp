// SPDX-License-Identifier: Apache-2.0
// The shipped model through the whole engine: greedy ids in fp32 are those that transformers found, stored in
// examples/tiny_model/expected_ids.jsonl by make_expected_ids.py.

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/small_engines.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/text.hpp"

namespace {

using namespace tenon;
using tiny = recipes::reference<qwen3_tiny>;

std::string model_directory() {
  char const* const source = std::getenv("TENON_SOURCE_DIR");
  BOOST_REQUIRE_MESSAGE(source != nullptr, "TENON_SOURCE_DIR must name the repository");
  return std::string{source} + "/examples/tiny_model";
}

double test_scale() {
  char const* const given = std::getenv("TENON_TEST_SCALE");
  return given != nullptr ? std::stod(given) : 1.0;
}

struct answered {
  std::string id;
  std::vector<token_id> prompt;
  std::vector<token_id> greedy;
};

std::vector<answered> stored_answers() {
  std::ifstream lines{model_directory() + "/expected_ids.jsonl"};
  BOOST_REQUIRE_MESSAGE(lines, "expected_ids.jsonl is missing");
  std::vector<answered> all;
  for (std::string line; std::getline(lines, line);) {
    auto const parsed = boost::json::parse(line);
    all.push_back({boost::json::value_to<std::string>(parsed.at("id")),
                   boost::json::value_to<std::vector<token_id>>(parsed.at("prompt")),
                   boost::json::value_to<std::vector<token_id>>(parsed.at("greedy"))});
  }
  return all;
}

engine<tiny> load(std::int32_t rows) {
  engine_options options{.max_rows = rows, .max_tokens = 512, .max_context = 2048};
  options.memory_bytes = engine<tiny>::memory_for(options, 1024 * rows);
  return engine<tiny>{load_weights<tiny>(model_directory(), {.context = {.threads = 2}}), options};
}

/// How far the two best logits lie apart after `prompt` and the first `count` of `ids`.
float gap_after(engine<tiny>& engine, answered const& line, std::size_t count) {
  auto wish = small::greedy_request(line.prompt, 1);
  wish.prompt.insert(wish.prompt.end(), line.greedy.begin(),
                     line.greedy.begin() + static_cast<std::ptrdiff_t>(count));
  wish.sampling.logprobs = 2;
  float gap = 0;
  engine.submit(wish, [&](event const& happened) {
    if (happened.token) gap = happened.alternatives.at(0).logprob - happened.alternatives.at(1).logprob;
  });
  while (engine.run_one_step()) {
  }
  return gap;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tiny_model)

BOOST_AUTO_TEST_CASE(greedy_ids_are_those_of_the_reference) {
  auto all = stored_answers();
  BOOST_REQUIRE_GE(all.size(), 1000u);
  // Every task is a run of neighbouring lines: a smaller count takes lines from all of them.
  auto const stride = static_cast<std::size_t>(std::max(1.0, 1.0 / test_scale()));
  std::vector<answered> lines;
  for (std::size_t i = 0; i < all.size(); i += stride) lines.push_back(std::move(all[i]));

  auto engine = load(16);
  std::vector<std::shared_ptr<small::outcome>> heard;
  for (auto const& line : lines)
    heard.push_back(small::submit(engine, small::greedy_request(line.prompt, 256)));
  while (engine.run_one_step()) {
  }
  std::size_t different = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto const& found = heard[i]->ids.at(0);
    if (found == lines[i].greedy) continue;
    ++different;
    auto const at =
        static_cast<std::size_t>(std::ranges::mismatch(found, lines[i].greedy).in1 - found.begin());
    auto const gap = gap_after(engine, lines[i], at);
    BOOST_CHECK_MESSAGE(gap < 1e-4f, lines[i].id << ": id " << at << " differs where the two best logits are "
                                                 << gap << " apart");
  }
  BOOST_TEST_MESSAGE(lines.size() - different << " of " << lines.size()
                                              << " prompts give the reference's ids");
  BOOST_CHECK_LE(static_cast<double>(different), 0.001 * static_cast<double>(lines.size()));
}

BOOST_AUTO_TEST_CASE(a_chat_is_answered_right) {
  auto const tokenizer = byte_level_bpe::load(model_directory());
  auto const format = choose_chat_format(model_directory());
  auto engine = load(1);
  auto const ask = [&](std::string const& question, bool thinking) {
    std::vector<chat_message> messages(1);
    messages[0].content = question;
    auto const rendered = render(format, messages, {.tools = {}, .enable_thinking = thinking});
    auto const heard = small::answer(engine, small::greedy_request(tokenizer.encode(rendered.spans()), 200));
    BOOST_CHECK(heard.finish.at(0) == finish_reason::stop);
    return tokenizer.decode(heard.ids.at(0), true);
  };
  BOOST_CHECK_EQUAL(ask("What is 123 + 456?", false), "123 + 456 = 579");
  auto const thought = ask("What is 123 + 456?", true);
  BOOST_CHECK(thought.starts_with("<think>\n"));
  BOOST_CHECK(thought.ends_with("</think>\n\n123 + 456 = 579"));
}

BOOST_AUTO_TEST_SUITE_END()
