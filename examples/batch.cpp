// SPDX-License-Identifier: Apache-2.0
// Answers a file of questions with continuous batching: JSON lines in, JSON lines out, in the order of the
// input.
//
//   batch --model examples/tiny_model --in questions.jsonl --out answers.jsonl
//
// A question   {"id"?, "messages", "tools"?, "enable_thinking"?, "max_tokens"?, "stop"?, and sampling as in
// OpenAI's API} An answer    {"id", "content", "reasoning_content", "tool_calls", "finish_reason", "usage"}
// A bad line   {"id", "line", "error": {"message", "param", "code"}}: the others are answered, and the exit
// status is 1

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/load_engine.hpp"
#include "tenon/core/error.hpp"
#include "tenon/text.hpp"

namespace {

namespace json = boost::json;
namespace options = boost::program_options;

struct settings {
  engine_choice engine;
  std::string in;
  std::string out;
  std::int32_t max_tokens = 2048;
};

/// A line of the input, from reading it to writing its answer.
struct question {
  std::size_t line = 0;
  json::value id;
  tenon::request wish;
  bool has_tools = false;
  tenon::reasoning_mode reasoning = tenon::reasoning_mode::none;
  std::optional<tenon::stop_matcher> stop;
  tenon::stream_decoder decoder;
  std::string text;
  std::optional<json::object> answer;
};

/// A field of a question, if it is there and not null. Throws request_error that names it.
template <class Read>
void read_field(json::object const& fields, std::string_view name, std::string_view expected,
                Read const& read) {
  auto const* value = fields.if_contains(name);
  if (value == nullptr || value->is_null()) return;
  if (read(*value)) return;
  throw tenon::request_error{
      std::string{name}, "invalid_type",
      std::string{name} + ": expected " + std::string{expected} + ", found " + json::serialize(*value)};
}

void read_number(json::object const& fields, std::string_view name, float& to) {
  read_field(fields, name, "a number", [&](json::value const& value) {
    if (value.is_number()) to = value.to_number<float>();
    return value.is_number();
  });
}

void read_integer(json::object const& fields, std::string_view name, std::int32_t& to) {
  read_field(fields, name, "an integer of 32 bits", [&](json::value const& value) {
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    auto const* number = value.if_int64();
    if (number == nullptr || *number < -most || *number > most) return false;
    to = static_cast<std::int32_t>(*number);
    return true;
  });
}

std::vector<std::string> read_stops(json::object const& fields) {
  std::vector<std::string> stops;
  auto const add = [&](json::value const& value) {
    if (value.is_string()) stops.emplace_back(value.get_string());
    return value.is_string();
  };
  read_field(fields, "stop", "a string or an array of strings", [&](json::value const& value) {
    return value.is_array() ? std::ranges::all_of(value.get_array(), add) : add(value);
  });
  return stops;
}

void read_sampling(json::object const& fields, tenon::sampling_parameters& sampling) {
  read_number(fields, "temperature", sampling.temperature);
  read_number(fields, "top_p", sampling.top_p);
  read_number(fields, "min_p", sampling.min_p);
  read_number(fields, "repetition_penalty", sampling.repetition_penalty);
  read_number(fields, "presence_penalty", sampling.presence_penalty);
  read_number(fields, "frequency_penalty", sampling.frequency_penalty);
  read_integer(fields, "top_k", sampling.top_k);
  read_field(fields, "seed", "an integer of 64 bits", [&](json::value const& value) {
    if (value.is_int64()) sampling.seed = static_cast<std::uint64_t>(value.get_int64());
    return value.is_int64();
  });
}

json::object error_of(tenon::request_error const& refused) {
  return {{"message", refused.what()}, {"param", refused.parameter()}, {"code", refused.code()}};
}

/// A line of progress on a terminal, and nothing elsewhere.
class progress {
 public:
  explicit progress(std::size_t total) : total_{total} {}

  void show(std::size_t done, std::int64_t tokens) {
    auto const now = clock::now();
    if (!terminal_ || (done < total_ && now - shown_ < std::chrono::milliseconds{100})) return;
    shown_ = now;
    constexpr std::size_t cells = 30;
    std::string bar(total_ == 0 ? cells : done * cells / total_, '#');
    bar.resize(cells, '.');
    std::fprintf(stderr, "\ranswers [%s] %zu of %zu, %.0f tokens/s ", bar.c_str(), done, total_,
                 static_cast<double>(tokens) / seconds());
  }

  void end(std::size_t errors, std::int64_t prompt_tokens, std::int64_t tokens) const {
    std::fprintf(
        stderr,
        "%s%zu lines, %zu errors; %lld prompt tokens and %lld of answers in %.1f s: %.0f and %.0f a second\n",
        terminal_ ? "\n" : "", total_, errors, static_cast<long long>(prompt_tokens),
        static_cast<long long>(tokens), seconds(), static_cast<double>(prompt_tokens) / seconds(),
        static_cast<double>(tokens) / seconds());
  }

 private:
  using clock = std::chrono::steady_clock;

  double seconds() const { return std::chrono::duration<double>(clock::now() - begin_).count() + 1e-9; }

  std::size_t total_;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  clock::time_point begin_ = clock::now();
  clock::time_point shown_{};
};

class batch {
 public:
  explicit batch(settings const& wanted)
      : wanted_{wanted},
        loaded_{load_engine(wanted.engine)},
        tokenizer_{tenon::byte_level_bpe::load(wanted.engine.model)},
        format_{tenon::choose_chat_format(wanted.engine.model)} {
    if (!loaded_.notice.empty()) std::cerr << "batch: " << loaded_.notice << "\n";
  }

  /// Says how many lines got an error in place of an answer.
  std::size_t run(std::istream& in, std::ostream& out, std::size_t lines) {
    progress bar{lines};
    // Twice the rows: so that a row that ends finds its successor waiting.
    auto const window = static_cast<std::size_t>(2 * wanted_.engine.rows);
    for (std::string line; in || !open_.empty();) {
      while (unanswered_ < window && std::getline(in, line)) take(line);
      if (!loaded_.engine.run_one_step() && !in && unanswered_ > 0) {
        throw tenon::error{"the engine has stopped before the last answer"};
      }
      write_answers(out);
      bar.show(written_, tokens_);
    }
    bar.end(errors_, loaded_.engine.stats().prompt_tokens, tokens_);
    return errors_;
  }

 private:
  void take(std::string const& line) {
    ++line_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    auto const asked = std::make_shared<question>();
    asked->line = line_;
    open_.push_back(asked);
    ++unanswered_;
    try {
      read(line, *asked);
      loaded_.engine.submit(asked->wish,
                            [this, asked](tenon::event const& happened) { hear(*asked, happened); });
    } catch (tenon::request_error const& refused) {
      fail(*asked, error_of(refused));
    }
  }

  void read(std::string const& line, question& asked) const {
    auto const value = tenon::parse_strict_json(line);
    if (!value.is_object())
      throw tenon::request_error{"", "invalid_type", "expected a JSON object in the line"};
    auto const& fields = value.get_object();
    if (auto const* id = fields.if_contains("id")) asked.id = *id;
    auto const* messages = fields.if_contains("messages");
    if (messages == nullptr)
      throw tenon::request_error{"messages", "missing_required_parameter", "messages: missing"};
    auto const* tools = fields.if_contains("tools");

    tenon::chat_options chat;
    if (tools != nullptr) chat.tools = tenon::parse_tools(*tools);
    read_field(fields, "enable_thinking", "true or false", [&](json::value const& on) {
      if (on.is_bool()) chat.enable_thinking = on.get_bool();
      return on.is_bool();
    });
    auto const rendered = tenon::render(format_, tenon::parse_messages(*messages), chat);
    asked.has_tools = !chat.tools.empty();
    asked.reasoning = tenon::reasoning(format_, chat);
    asked.wish.prompt = tokenizer_.encode(rendered.spans());
    asked.wish.max_new_tokens = wanted_.max_tokens;
    read_integer(fields, "max_tokens", asked.wish.max_new_tokens);
    asked.wish.sampling = loaded_.sampling;
    read_sampling(fields, asked.wish.sampling);
    asked.stop.emplace(read_stops(fields));
  }

  void hear(question& asked, tenon::event const& happened) {
    if (asked.answer) return;
    if (happened.token) {
      ++tokens_;
      if (!tokenizer_.is_special(*happened.token)) {
        asked.text += asked.stop->push(asked.decoder.push(tokenizer_.token_bytes(*happened.token)));
      }
    }
    if (happened.finish == tenon::finish_reason::failed) {
      fail(asked, {{"message", happened.message}, {"param", nullptr}, {"code", "engine_failed"}});
    } else if (happened.finish != tenon::finish_reason::none) {
      answer(asked, happened);
    } else if (asked.stop->stopped()) {
      loaded_.engine.cancel(happened.request);  // its last event is heard at once, and says the usage
    }
  }

  void answer(question& asked, tenon::event const& last) {
    asked.text += asked.stop->push(asked.decoder.flush()) + asked.stop->flush();
    auto split = tenon::split_reasoning(asked.text, asked.reasoning);
    tenon::split_turn turn{.content = std::move(split.content), .calls = {}};
    if (asked.has_tools && turn.content) {
      turn = tenon::split_tool_calls(*turn.content, "call_" + std::to_string(asked.line) + "_");
    }
    json::array calls;
    for (auto const& call : turn.calls) {
      calls.push_back({{"id", call.id},
                       {"type", "function"},
                       {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    }
    auto const or_null = [](std::optional<std::string> const& text) {
      return text ? json::value(*text) : json::value(nullptr);
    };
    bool const stopped = asked.stop->stopped() || last.finish == tenon::finish_reason::stop;
    char const* const reason = !stopped ? "length" : calls.empty() ? "stop" : "tool_calls";
    asked.answer = {{"id", id_of(asked)},
                    {"content", or_null(turn.content)},
                    {"reasoning_content", or_null(split.reasoning)},
                    {"tool_calls", calls.empty() ? json::value(nullptr) : json::value(std::move(calls))},
                    {"finish_reason", reason},
                    {"usage",
                     {{"prompt_tokens", last.usage.prompt},
                      {"completion_tokens", last.usage.generated},
                      {"total_tokens", last.usage.prompt + last.usage.generated},
                      {"prompt_tokens_details", {{"cached_tokens", last.usage.cached}}}}}};
    --unanswered_;
  }

  void fail(question& asked, json::object error) {
    asked.answer = {{"id", id_of(asked)}, {"line", asked.line}, {"error", std::move(error)}};
    ++errors_;
    --unanswered_;
  }

  static json::value id_of(question const& asked) {
    return asked.id.is_null() ? json::value(asked.line) : asked.id;
  }

  void write_answers(std::ostream& out) {
    while (!open_.empty() && open_.front()->answer) {
      out << json::serialize(*open_.front()->answer) << "\n";
      open_.pop_front();
      ++written_;
    }
  }

  settings wanted_;
  loaded_engine loaded_;
  tenon::byte_level_bpe tokenizer_;
  tenon::any_chat_format format_;
  std::deque<std::shared_ptr<question>> open_;  // in the order of the input, until they are written
  std::size_t line_ = 0;
  std::size_t unanswered_ = 0;
  std::size_t written_ = 0;
  std::size_t errors_ = 0;
  std::int64_t tokens_ = 0;
};

/// Nothing when only help was asked for.
std::optional<settings> read_settings(int count, char** arguments) {
  settings wanted;
  wanted.engine.rows = 16;
  std::int64_t memory_mib = 0;
  options::options_description all{"batch --model DIRECTORY --in FILE --out FILE [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("model", options::value(&wanted.engine.model)->required(), "a checkpoint's directory");
  add("in", options::value(&wanted.in)->required(), "questions, one JSON object a line");
  add("out", options::value(&wanted.out)->required(), "answers, one JSON object a line");
  add("max-tokens", options::value(&wanted.max_tokens)->default_value(2048),
      "the longest answer, unless the line says");
  add("rows", options::value(&wanted.engine.rows)->default_value(16), "answers that are made at one time");
  add("precision", options::value(&wanted.engine.precision)->default_value("bf16"), "bf16 or fp32");
  add("device", options::value(&wanted.engine.device)->default_value("auto"),
      "cpu, cuda, or auto: the GPU where there is one");
  add("threads", options::value(&wanted.engine.threads)->default_value(0), "0: all");
  add("context", options::value(&wanted.engine.context)->default_value(0),
      "longest prompt and answer in tokens");
  add("memory", options::value(&memory_mib)->default_value(0), "MiB for cache and workspace; 0: enough");
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  if (values.count("help")) {
    std::cout << all;
    return std::nullopt;
  }
  options::notify(values);
  wanted.engine.memory_bytes = static_cast<std::size_t>(std::max<std::int64_t>(memory_mib, 0)) << 20;
  return wanted;
}

std::size_t count_lines(std::string const& path) {
  std::ifstream file{path};
  if (!file) throw tenon::load_error{path, "cannot be opened"};
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) ++lines;
  }
  return lines;
}

}  // namespace

int main(int count, char** arguments) try {
  auto const wanted = read_settings(count, arguments);
  if (!wanted) return 0;
  auto const lines = count_lines(wanted->in);
  batch all{*wanted};
  std::ifstream in{wanted->in};
  std::ofstream out{wanted->out};
  if (!out) throw tenon::load_error{wanted->out, "cannot be written"};
  auto const errors = all.run(in, out, lines);
  out.close();
  if (!out) throw tenon::load_error{wanted->out, "not everything could be written"};
  return errors == 0 ? 0 : 1;
} catch (options::error const& wrong) {
  std::cerr << "batch: " << wrong.what() << "\nbatch --help lists the options\n";
  return 2;
} catch (std::exception const& failed) {
  std::cerr << "batch: " << failed.what() << "\n";
  return 1;
}
