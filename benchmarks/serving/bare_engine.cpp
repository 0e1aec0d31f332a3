// SPDX-License-Identifier: Apache-2.0
// The same load as `load` puts on a server, put on an engine in this process: what a server adds is the
// difference.
//
//   bare_engine --model examples/tiny_model --rows 64 --concurrency 1,64 --prompt-tokens 256 --output-tokens
//   128
//
// A client is a thread that hands token ids to the engine's thread and waits for the last event. Its clock
// starts when the request is submitted, with its prompt tokenized, and reads every event on the engine's
// thread.

#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <future>
#include <iostream>
#include <thread>

#include "benchmarks/serving/plan.hpp"
#include "engines/load_engine.hpp"
#include "tenon/engine/engine_thread.hpp"
#include "tenon/text.hpp"

namespace {

using namespace serving;
namespace json = boost::json;
namespace options = boost::program_options;

class bare_engine {
 public:
  bare_engine(engine_choice const& choice, plan const& wanted)
      : plan_{wanted},
        work_{wanted.work},
        tokenizer_{tenon::byte_level_bpe::load(choice.model)},
        format_{tenon::choose_chat_format(choice.model)} {
    auto loaded = load_engine(choice);
    if (!loaded.notice.empty()) std::cerr << "bare_engine: " << loaded.notice << "\n";
    sampling_ = loaded.sampling;
    if (wanted.greedy) sampling_.temperature = 0.0f;
    engine_.emplace(std::move(loaded.engine));
  }

  void run() {
    measurement ignored;
    client(ignored, plan_.warm_up);
    bool const open = !plan_.rates.empty();
    table rows;
    for (double const load : numbers(open ? plan_.rates : plan_.concurrency)) {
      measurement seen;
      auto const before = engine_->stats();
      auto const begin = tenon::steady_nanoseconds();
      std::vector<std::thread> clients;
      if (open) {
        for (double const at : arrivals(load, plan_.seconds, plan_.work.seed)) {
          auto const wait = begin + static_cast<std::int64_t>(at * 1e9) - tenon::steady_nanoseconds();
          std::this_thread::sleep_for(std::chrono::nanoseconds{wait});
          clients.emplace_back([&] { client(seen, 1); });
        }
      } else {
        for (int i = 0; i < static_cast<int>(load); ++i)
          clients.emplace_back([&] { client(seen, plan_.per_client); });
      }
      for (auto& one : clients) one.join();
      auto line = seen.summary(plan_.about("serving/bare_engine", open, load));
      line["model"] = engine_->description().model;
      add_state(line, before, engine_->stats(), tenon::steady_nanoseconds() - begin);
      print(line);
      rows.add(line);
    }
  }

 private:
  void client(measurement& seen, int users) {
    for (int i = 0; i < users; ++i) converse(seen);
  }

  void converse(measurement& seen) {
    auto const asked = work_.make(next_.fetch_add(1));
    std::vector<tenon::chat_message> messages;
    auto const say = [&](tenon::chat_role role, std::string text) {
      messages.emplace_back();
      messages.back().role = role;
      messages.back().content = std::move(text);
    };
    if (!asked.system.empty()) say(tenon::chat_role::system, asked.system);
    for (auto const& turn : asked.turns) {
      say(tenon::chat_role::user, turn.text);
      auto const chat = tenon::render(format_, messages, {.tools = {}, .enable_thinking = false});
      auto [record, ids] = ask({.prompt = tokenizer_.encode(chat.spans()),
                                .max_new_tokens = turn.max_tokens,
                                .ignore_stop_ids = true,
                                .sampling = sampling_});
      bool const failed = !record.failure.empty();
      seen.add(std::move(record));
      if (failed) return;
      std::string answer;
      for (auto const id : ids)
        if (!tokenizer_.is_special(id)) answer += tokenizer_.token_bytes(id);
      say(tenon::chat_role::assistant, std::move(answer));
    }
  }

  std::pair<request_record, std::vector<tenon::token_id>> ask(tenon::request wish) {
    request_record record;
    std::vector<tenon::token_id> ids;
    std::promise<void> ended;
    record.arrivals.reserve(static_cast<std::size_t>(wish.max_new_tokens));
    auto const hear = [&](tenon::event const& happened) {
      if (happened.token) {
        record.arrivals.push_back(tenon::steady_nanoseconds());
        ids.push_back(*happened.token);
      }
      if (happened.finish == tenon::finish_reason::none) return;
      record.prompt_tokens = happened.usage.prompt;
      record.cached_tokens = happened.usage.cached;
      record.generated_tokens = happened.usage.generated;
      if (happened.finish == tenon::finish_reason::failed) record.failure = happened.message;
      record.ended = tenon::steady_nanoseconds();
      ended.set_value();
    };
    record.sent = tenon::steady_nanoseconds();
    try {
      engine_->submit(std::move(wish), hear);
      ended.get_future().wait();
    } catch (tenon::error const& refused) {
      record.failure = refused.what();
      record.ended = tenon::steady_nanoseconds();
    }
    return {std::move(record), std::move(ids)};
  }

  static void add_state(json::object& line, tenon::engine_stats const& before,
                        tenon::engine_stats const& after, std::int64_t nanoseconds) {
    line["busy"] = static_cast<double>(after.busy_nanoseconds - before.busy_nanoseconds) /
                   static_cast<double>(nanoseconds);
    auto const& memory = after.memory;
    line["memory_gb"] = static_cast<double>(memory.weights + memory.cache + memory.workspace) * 1e-9;
    auto const decode_only = static_cast<double>(after.steps.decode_only - before.steps.decode_only);
    if (decode_only > 0)
      line["replayed"] = static_cast<double>(after.steps.replayed - before.steps.replayed) / decode_only;
  }

  plan const& plan_;
  workload work_;
  tenon::byte_level_bpe tokenizer_;
  tenon::any_chat_format format_;
  tenon::sampling_parameters sampling_;
  std::optional<tenon::engine_thread> engine_;
  std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace

int main(int count, char** arguments) try {
  engine_choice choice;
  choice.rows = 64;
  plan wanted;
  options::options_description all{"bare_engine --model DIRECTORY [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("model", options::value(&choice.model)->required(), "a checkpoint's directory");
  add("device", options::value(&choice.device)->default_value("auto"), "cpu, cuda, or auto");
  add("precision", options::value(&choice.precision)->default_value("bf16"), "bf16 or fp32");
  add("threads", options::value(&choice.threads)->default_value(0), "of the CPU engine; 0: all");
  add("random-weights", options::bool_switch(&choice.random_weights),
      "of the model's shape, without its files");
  add("rows", options::value(&choice.rows)->default_value(64), "answers that are made at one time");
  add("step-tokens", options::value(&choice.step_tokens)->default_value(0),
      "of one step; 0: as the server's default");
  add("depth", options::value(&choice.depth)->default_value(0),
      "steps in flight; 0: as the server's default");
  add("context", options::value(&choice.context)->default_value(0), "longest prompt with its answer");
  add("memory-fraction", options::value(&choice.memory_fraction)->default_value(0),
      "of the GPU's free memory");
  wanted.add_to(all);
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  if (values.count("help")) {
    std::cout << all;
    return 0;
  }
  options::notify(values);
  bare_engine{choice, wanted}.run();
} catch (std::exception const& failed) {
  std::cerr << "bare_engine: " << failed.what() << "\n";
  return 1;
}
