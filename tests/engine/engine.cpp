// SPDX-License-Identifier: Apache-2.0
#include "tenon/engine/engine.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "small_engines.hpp"

namespace {

using namespace tenon;
using cpu_recipe = recipes::reference<small::qwen3_model>;
using small::answer;
using small::greedy_request;

engine<cpu_recipe> make(engine_options options = small::options(), std::vector<token_id> stop_ids = {}) {
  return engine<cpu_recipe>{small::weights<cpu_recipe>(std::move(stop_ids)), options};
}

bool everything_is_back(engine_stats const& now) {
  return now.pages.held == 0 && now.pages.free + now.pages.cached == now.pages.total;
}

void expect_refused(engine<cpu_recipe>& engine, request wish, std::string const& parameter,
                    std::string const& words) {
  bool heard = false;
  BOOST_CHECK_EXCEPTION(engine.submit(std::move(wish), [&](event const&) { heard = true; }), request_error,
                        [&](request_error const& refusal) {
                          BOOST_TEST_INFO("message: " << refusal.what());
                          BOOST_CHECK_EQUAL(refusal.parameter(), parameter);
                          return std::string{refusal.what()}.find(words) != std::string::npos;
                        });
  BOOST_CHECK(!engine.run_one_step());
  BOOST_CHECK(!heard);
}

/// Never finds anything to do.
struct idler : chunked_prefill {
  static constexpr std::string_view name = "idler";
  using chunked_prefill::chunked_prefill;
  template <class Ledger> std::optional<step> next(Ledger&) { return std::nullopt; }
};

/// A device that fails at the fourth step.
struct failing_launch : eager<> {
  template <class Context, class Record>
  void run(Context& context, batch_shape const& shape, Record&& record) {
    if (++steps == 4) throw device_error{"cudaErrorIllegalAddress: planted"};
    eager<>::run(context, shape, record);
  }
  int steps = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(a_device_error_ends_every_choice_and_comes_out) {
  using recipe_type = compose<small::qwen3_model, failing_launch>;
  tenon::engine<recipe_type> engine{small::weights<recipe_type>(), small::options()};
  std::vector<event> ends;
  for (int i = 0; i < 3; ++i) {
    engine.submit(greedy_request({1, 2, 3}, 10), [&](event const& happened) {
      if (happened.finish != finish_reason::none) ends.push_back(happened);
    });
  }
  BOOST_CHECK_THROW(while (engine.run_one_step()){}, device_error);
  BOOST_REQUIRE_EQUAL(ends.size(), 3u);
  for (auto const& end : ends) {
    BOOST_CHECK(end.finish == finish_reason::failed);
    BOOST_CHECK_NE(end.message.find("planted"), std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_fraction_of_memory_needs_a_backend_that_tells_what_is_free) {
  auto options = small::options();
  options.memory_fraction = 0.5;
  BOOST_CHECK_THROW(make(options), options_error);
  options.memory_fraction = 1.5;
  BOOST_CHECK_THROW(make(options), options_error);
}

BOOST_AUTO_TEST_CASE(a_request_gets_as_many_ids_as_it_asked_for) {
  auto engine = make();
  auto const heard = answer(engine, greedy_request({1, 2, 3}, 10));
  BOOST_CHECK_EQUAL(heard.ids.at(0).size(), 10u);
  BOOST_CHECK(heard.finish.at(0) == finish_reason::length);
  BOOST_CHECK((heard.usage.at(0) == token_usage{.prompt = 3, .cached = 0, .generated = 10}));
  BOOST_CHECK(engine.idle());
  BOOST_CHECK(everything_is_back(engine.stats()));
}

BOOST_AUTO_TEST_CASE(a_stop_id_of_the_request_or_of_the_checkpoint_ends_a_choice) {
  auto plain = make();
  auto const free_run = answer(plain, greedy_request({5, 6}, 12)).ids.at(0);
  auto const expected = std::vector<token_id>(free_run.begin(), std::ranges::find(free_run, free_run[4]) + 1);

  auto wish = greedy_request({5, 6}, 12);
  wish.stop_ids = {free_run[4]};
  auto const stopped = answer(plain, wish);
  BOOST_TEST(stopped.ids.at(0) == expected, boost::test_tools::per_element());
  BOOST_CHECK(stopped.finish.at(0) == finish_reason::stop);

  auto with_checkpoint = make(small::options(), {free_run[4]});
  BOOST_TEST(answer(with_checkpoint, greedy_request({5, 6}, 12)).ids.at(0) == expected,
             boost::test_tools::per_element());
  auto ignoring = greedy_request({5, 6}, 12);
  ignoring.ignore_stop_ids = true;
  BOOST_TEST(answer(with_checkpoint, ignoring).ids.at(0) == free_run, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(stop_ids_cannot_be_sampled_before_the_least_number_of_tokens) {
  auto plain = make();
  auto const free_run = answer(plain, greedy_request({5, 6}, 12)).ids.at(0);
  auto wish = greedy_request({5, 6}, 12);
  wish.stop_ids = {free_run[0], free_run[1]};
  wish.min_new_tokens = 6;
  auto const heard = answer(plain, wish);
  BOOST_CHECK_GE(heard.ids.at(0).size(), 6u);
  for (std::size_t i = 0; i < 6; ++i)
    BOOST_CHECK(std::ranges::find(wish.stop_ids, heard.ids.at(0)[i]) == wish.stop_ids.end());
}

BOOST_AUTO_TEST_CASE(forced_ids_come_first_and_steer_what_follows) {
  auto engine = make();
  auto wish = greedy_request({9}, 8);
  wish.forced = {42, 43, 44};
  auto const heard = answer(engine, wish).ids.at(0);
  auto const told = answer(engine, greedy_request({9, 42, 43, 44}, 5)).ids.at(0);
  BOOST_TEST((std::vector<token_id>(heard.begin(), heard.begin() + 3)) == wish.forced,
             boost::test_tools::per_element());
  BOOST_TEST((std::vector<token_id>(heard.begin() + 3, heard.end())) == told,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(equal_seeds_give_equal_ids_whatever_else_runs) {
  request const wish{
      .prompt = {3, 1, 4}, .max_new_tokens = 20, .sampling = {.temperature = 1.3f, .seed = 99}};
  auto alone = make();
  auto const expected = answer(alone, wish).ids.at(0);
  auto busy = make();
  std::mt19937_64 random{5};
  for (int i = 0; i < 6; ++i)
    small::submit(busy, {.prompt = small::random_prompt(random, 5 + i), .max_new_tokens = 15});
  BOOST_TEST(answer(busy, wish).ids.at(0) == expected, boost::test_tools::per_element());

  auto other = wish;
  other.sampling.seed = 100;
  BOOST_CHECK(answer(alone, other).ids.at(0) != expected);
}

BOOST_AUTO_TEST_CASE(choices_share_the_prompt_and_differ_in_what_they_draw) {
  auto engine = make(small::options(4, 64));
  std::mt19937_64 random{11};
  request const wish{.prompt = small::random_prompt(random, 70),
                     .max_new_tokens = 12,
                     .sampling = {.temperature = 1.5f, .seed = 3},
                     .choices = 4};
  auto const heard = small::submit(engine, wish);
  std::int64_t most_held = 0;
  while (engine.run_one_step()) most_held = std::max(most_held, engine.stats().pages.held);
  BOOST_CHECK_EQUAL(heard->ids.size(), 4u);
  std::set<std::vector<token_id>> different;
  for (auto const& [choice, ids] : heard->ids) different.insert(ids);
  BOOST_CHECK_EQUAL(different.size(), 4u);
  BOOST_CHECK_LT(most_held,
                 4 * 6);  // 70 + 12 positions take 6 pages; alone each choice would hold all of them
  BOOST_CHECK(everything_is_back(engine.stats()));

  for (std::int32_t choice = 0; choice < 4; ++choice) {  // and greedily all choices are the single answer
    auto greedy = wish;
    greedy.sampling = {.temperature = 0.0f};
    auto const same = answer(engine, greedy);
    BOOST_TEST(same.ids.at(choice) == answer(engine, greedy_request(wish.prompt, 12)).ids.at(0),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_cancelled_request_hears_so_once_and_gives_its_pages_back) {
  auto engine = make();
  small::outcome heard;
  auto const id = engine.submit(greedy_request({1, 2}, 100), [&](event const& happened) { heard(happened); });
  for (int i = 0; i < 5; ++i) engine.run_one_step();
  BOOST_CHECK_GT(engine.stats().pages.held, 0);
  BOOST_CHECK(engine.cancel(id));
  BOOST_CHECK(heard.finish.at(0) == finish_reason::cancelled);
  BOOST_CHECK(everything_is_back(engine.stats()));
  BOOST_CHECK(!engine.cancel(id));
  BOOST_CHECK(!engine.run_one_step());
}

BOOST_AUTO_TEST_CASE(one_choice_can_be_cancelled_and_the_others_do_not_notice) {
  for (std::int32_t const depth : {1, 2}) {
    auto options = small::options();
    options.depth = depth;
    auto wish = greedy_request({1, 2, 3}, 12);
    wish.choices = 3;
    wish.sampling = {.temperature = 1.0f, .seed = 5};
    auto undisturbed = make(options);
    auto const whole = answer(undisturbed, wish);

    auto engine = make(options);
    small::outcome heard;
    request_id id{};
    bool ended_once = false;
    id = engine.submit(wish, [&](event const& happened) {
      heard(happened);
      if (happened.choice != 1 || !happened.token || heard.ids[1].size() != 4) return;
      ended_once = engine.cancel(id, 1);
      BOOST_CHECK(!engine.cancel(id, 1));
      BOOST_CHECK(!engine.cancel(id, 3));
    });
    while (engine.run_one_step()) {
    }
    BOOST_CHECK(ended_once);
    BOOST_CHECK(heard.finish.at(1) == finish_reason::cancelled);
    BOOST_CHECK_EQUAL(heard.ids.at(1).size(), 4u);
    for (std::int32_t const other : {0, 2}) {
      BOOST_CHECK(heard.finish.at(other) == finish_reason::length);
      BOOST_TEST(heard.ids.at(other) == whole.ids.at(other), boost::test_tools::per_element());
    }
    BOOST_CHECK(everything_is_back(engine.stats()));
  }
}

BOOST_AUTO_TEST_CASE(a_handler_may_cancel_and_submit) {
  for (std::int32_t const depth : {1, 2}) {
    auto options = small::options();
    options.depth = depth;
    auto engine = make(options);
    small::outcome first;
    small::outcome second;
    request_id id{};
    id = engine.submit(greedy_request({1, 2}, 100), [&](event const& happened) {
      first(happened);
      if (first.ids[0].size() == 3 && happened.finish == finish_reason::none) {
        engine.submit(greedy_request({7}, 4), [&](event const& later) { second(later); });
        engine.cancel(id);
      }
    });
    while (engine.run_one_step()) {
    }
    BOOST_CHECK_EQUAL(first.ids.at(0).size(), 3u);
    BOOST_CHECK(first.finish.at(0) == finish_reason::cancelled);
    BOOST_CHECK_EQUAL(second.ids.at(0).size(), 4u);
    BOOST_CHECK(everything_is_back(engine.stats()));
  }
}

BOOST_AUTO_TEST_CASE(a_throwing_handler_ends_its_own_request_only) {
  auto engine = make();
  auto const other = small::submit(engine, greedy_request({4}, 6));
  engine.submit(greedy_request({1, 2}, 100), [](event const&) { throw std::runtime_error{"handler"}; });
  int thrown = 0;
  for (bool more = true; more;) {
    try {
      more = engine.run_one_step();
    } catch (std::runtime_error const&) {
      ++thrown;
    }
  }
  BOOST_CHECK_GE(thrown, 1);
  BOOST_CHECK_EQUAL(other->ids.at(0).size(), 6u);
  BOOST_CHECK(everything_is_back(engine.stats()));
}

BOOST_AUTO_TEST_CASE(the_context_bounds_what_is_generated) {
  auto options = small::options();
  options.max_context = 24;
  auto engine = make(options);
  auto const heard = answer(engine, greedy_request(std::vector<token_id>(20, 1), 100));
  BOOST_CHECK_EQUAL(heard.ids.at(0).size(),
                    5u);  // positions 20 … 23 hold four of them; the last is never fed back
  BOOST_CHECK(heard.finish.at(0) == finish_reason::length);
  auto const full = answer(engine, greedy_request(std::vector<token_id>(24, 1), 100));
  BOOST_CHECK_EQUAL(full.ids.at(0).size(), 1u);
}

BOOST_AUTO_TEST_CASE(a_request_that_can_never_be_served_is_refused_by_name) {
  auto options = small::options();
  options.max_context = 24;
  auto engine = make(options);
  expect_refused(engine, greedy_request({}, 4), "prompt", "at least one token");
  expect_refused(engine, greedy_request(std::vector<token_id>(25, 1), 4), "prompt",
                 "at most 24 tokens, the longest context, found 25");
  expect_refused(engine, greedy_request({1, 131}, 4), "prompt",
                 "prompt[1]: expected a token id from 0 to 130, found 131");
  expect_refused(engine, greedy_request({1, -1}, 4), "prompt", "found -1");
  expect_refused(engine, greedy_request({1}, 0), "max_new_tokens", "expected 1 to");
  auto wish = greedy_request({1}, 4);
  wish.min_new_tokens = 5;
  expect_refused(engine, wish, "min_new_tokens", "expected 0 to 4, found 5");
  wish = greedy_request({1}, 4);
  wish.choices = 0;
  expect_refused(engine, wish, "choices", "found 0");
  wish = greedy_request({1}, 4);
  wish.stop_ids = {500};
  expect_refused(engine, wish, "stop_ids", "found 500");
  wish = greedy_request({1}, 4);
  wish.sampling.top_p = 1.5f;
  expect_refused(engine, wish, "top_p", "found 1.5");
  wish = greedy_request({1}, 4);
  wish.sampling.temperature = std::numeric_limits<float>::quiet_NaN();
  expect_refused(engine, wish, "temperature", "found");
}

BOOST_AUTO_TEST_CASE(a_cache_too_small_for_one_request_is_said_at_submission) {
  auto options = small::options(1, 8);
  std::size_t least = 0;
  try {
    options.memory_bytes = 1;
    make(options);
  } catch (options_error const& refusal) {
    std::string const text = refusal.what();
    BOOST_CHECK(text.find("are missing") != std::string::npos);
    least = std::stoull(text.substr(text.find("at least ") + 9));
  }
  BOOST_REQUIRE_GT(least, 1u);
  options.memory_bytes = least - 1;
  BOOST_CHECK_THROW(make(options), options_error);
  options.max_context = 256;
  BOOST_CHECK_EQUAL(tenon::engine<cpu_recipe>::memory_for(options, 16), least);
  options.memory_bytes = least;  // exactly one page of 16 positions
  auto engine = make(options);
  BOOST_CHECK_EQUAL(engine.stats().pages.total, 1);
  expect_refused(engine, greedy_request({1, 2, 3}, 100), "max_new_tokens", "whole cache holds fewer");
  BOOST_CHECK_EQUAL(answer(engine, greedy_request({1, 2, 3}, 14)).ids.at(0).size(), 14u);
}

BOOST_AUTO_TEST_CASE(options_that_do_not_fit_together_are_refused) {
  auto const refused = [](engine_options options, std::string const& words) {
    BOOST_CHECK_EXCEPTION(make(options), options_error, [&](options_error const& refusal) {
      BOOST_TEST_INFO("message: " << refusal.what());
      return std::string{refusal.what()}.find(words) != std::string::npos;
    });
  };
  auto options = small::options();
  options.max_context = 257;
  refused(options, "max_context: expected 1 to 256, the checkpoint's max_position_embeddings, found 257");
  options = small::options();
  options.max_rows = 0;
  refused(options, "max_rows");
  options = small::options(8, 7);
  refused(options, "max_tokens: expected at least max_rows (8), found 7");
  options = small::options();
  options.depth = 0;
  refused(options, "depth");
}

BOOST_AUTO_TEST_CASE(statistics_add_up) {
  auto engine = make(small::options(4, 32));
  std::mt19937_64 random{2};
  auto const shared = small::random_prompt(random, 40);
  answer(engine, greedy_request(shared, 5));
  answer(engine, greedy_request(shared, 5));
  auto const now = engine.stats();
  BOOST_CHECK_EQUAL(now.finished_choices, 2);
  BOOST_CHECK_EQUAL(now.prompt_tokens, 80);
  BOOST_CHECK_EQUAL(now.cached_tokens, 32);  // two whole pages of 16 of the second prompt
  BOOST_CHECK_EQUAL(now.generated_tokens, 10);
  BOOST_CHECK_GT(now.steps.eager, 10);
  BOOST_CHECK_EQUAL(now.steps.replayed, 0);
  BOOST_CHECK_EQUAL(now.memory.cache + now.memory.workspace + now.memory.unused,
                    engine.options().memory_bytes);
}

BOOST_AUTO_TEST_CASE(events_say_when_a_choice_got_on) {
  for (std::int32_t depth : {1, 2}) {
    auto sizes = small::options(1);
    sizes.depth = depth;
    auto engine = make(sizes);
    std::map<request_id, std::vector<event>> heard;
    auto const before = steady_nanoseconds();
    auto const hear = [&](event const& happened) { heard[happened.request].push_back(happened); };
    auto const first = engine.submit(greedy_request({1, 2, 3}, 6), hear);
    auto const second = engine.submit(greedy_request({4, 5}, 6), hear);
    while (engine.run_one_step()) {
    }
    for (auto const& [id, events] : heard) {
      BOOST_TEST_REQUIRE(events.size() == 6u);
      std::int64_t earlier = before;
      for (auto const& happened : events) {
        BOOST_CHECK_GT(happened.at, earlier);
        earlier = happened.at;
      }
      auto const& times = events.back().times;
      BOOST_CHECK_GE(times.submitted, before);
      BOOST_CHECK_GT(times.admitted, times.submitted);
      BOOST_CHECK_GT(times.first_token, times.admitted);
      BOOST_CHECK_LE(times.first_token, events.front().at);
      BOOST_CHECK(events.front().times == times);
      BOOST_CHECK(events[1].times == choice_times{});
    }
    // There is one row: the second had to wait for the first.
    BOOST_CHECK_GT(heard[second].back().times.admitted, heard[first].back().times.first_token);
  }
}

BOOST_AUTO_TEST_CASE(a_choice_that_never_ran_says_so) {
  auto engine = make();
  event last;
  auto const id =
      engine.submit(greedy_request({1, 2, 3}, 6), [&](event const& happened) { last = happened; });
  engine.cancel(id);
  BOOST_CHECK(last.finish == finish_reason::cancelled);
  BOOST_CHECK_GT(last.times.submitted, 0);
  BOOST_CHECK_EQUAL(last.times.admitted, 0);
  BOOST_CHECK_EQUAL(last.times.first_token, 0);
}

BOOST_AUTO_TEST_CASE(the_engine_is_busy_while_a_step_is_on_its_way_and_only_then) {
  for (std::int32_t depth : {1, 2}) {
    auto sizes = small::options();
    sizes.depth = depth;
    auto engine = make(sizes);
    BOOST_CHECK_EQUAL(engine.stats().busy_nanoseconds, 0);
    auto const begin = steady_nanoseconds();
    small::answer(engine, greedy_request({1, 2, 3}, 20));
    auto const once = engine.stats().busy_nanoseconds;
    BOOST_CHECK_GT(once, 0);
    constexpr std::int64_t pause = 20'000'000;
    std::this_thread::sleep_for(std::chrono::nanoseconds{pause});
    small::answer(engine, greedy_request({1, 2, 3}, 20));
    auto const twice = engine.stats().busy_nanoseconds;
    BOOST_CHECK_GT(twice, once);
    BOOST_CHECK_LE(twice, steady_nanoseconds() - begin - pause);
  }
}

BOOST_AUTO_TEST_CASE(abandoning_ends_every_open_request_with_the_reason) {
  auto engine = make();
  auto const first = small::submit(engine, greedy_request({1}, 50));
  auto const second = small::submit(engine, {.prompt = {2}, .max_new_tokens = 50, .choices = 2});
  engine.run_one_step();
  engine.abandon("the device is gone");
  BOOST_CHECK(first->finish.at(0) == finish_reason::failed);
  BOOST_CHECK_EQUAL(first->message.at(0), "the device is gone");
  BOOST_CHECK(second->finish.at(0) == finish_reason::failed && second->finish.at(1) == finish_reason::failed);
}

BOOST_AUTO_TEST_CASE(a_scheduler_that_plans_nothing_is_named_instead_of_waited_for) {
  struct lazy_recipe : cpu_recipe {
    using scheduler = idler;
  };
  tenon::engine<lazy_recipe> lazy{small::weights<lazy_recipe>(), small::options()};
  BOOST_CHECK(!lazy.run_one_step());
  small::submit(lazy, greedy_request({1}, 2));
  BOOST_CHECK_EXCEPTION(lazy.run_one_step(), error, [](error const& stalled) {
    return std::string{stalled.what()}.find("'idler' has requests but planned no step") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(log_probabilities_are_those_of_the_logits) {
  auto engine = make();
  request wish{
      .prompt = {8, 9}, .max_new_tokens = 6, .sampling = {.temperature = 0.9f, .seed = 4, .logprobs = 5}};
  std::vector<event> heard;
  engine.submit(wish, [&](event const& happened) { heard.push_back(happened); });
  while (engine.run_one_step()) {
    auto const* const logits = engine.runner().last_logits()[0];
    double sum = 0;
    for (int i = 0; i < 131; ++i) sum += std::exp(static_cast<double>(logits[i]));
    auto const& last = heard.back();
    BOOST_REQUIRE(last.token);
    BOOST_CHECK_SMALL(
        static_cast<double>(last.logprob) - (static_cast<double>(logits[*last.token]) - std::log(sum)), 1e-4);
    BOOST_REQUIRE_EQUAL(last.alternatives.size(), 5u);
    BOOST_CHECK_EQUAL(last.alternatives[0].id, std::max_element(logits, logits + 131) - logits);
    for (std::size_t i = 1; i < 5; ++i)
      BOOST_CHECK_GE(last.alternatives[i - 1].logprob, last.alternatives[i].logprob);
  }
  BOOST_CHECK_EQUAL(heard.size(), 6u);
}

BOOST_AUTO_TEST_SUITE_END()
