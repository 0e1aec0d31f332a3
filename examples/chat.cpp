// SPDX-License-Identifier: Apache-2.0
// A chat in the terminal: streamed answers, several turns, thinking shown dimmed.
//
//   chat --model examples/tiny_model
//   chat --model examples/tiny_model --ask "What is 123 + 456?"

#include <unistd.h>

#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engines/load_engine.hpp"
#include "tenon/core/error.hpp"
#include "tenon/text.hpp"

namespace {

namespace options = boost::program_options;
using clock_type = std::chrono::steady_clock;

constexpr std::string_view commands =
    "/reset    forget the conversation\n"
    "/think    let the model think, or stop it from thinking\n"
    "/help     this list\n"
    "/exit     end (so does Ctrl-D)\n";

struct settings {
  engine_choice engine;
  std::vector<std::string> questions;
  std::optional<std::string> system;
  std::optional<float> temperature;
  std::optional<float> top_p;
  std::optional<std::int32_t> top_k;
  std::optional<std::uint64_t> seed;
  std::optional<bool> thinking;
  std::int32_t max_tokens = 2048;
};

/// What a model writes, on its way to the terminal: thinking dimmed, control characters left out.
class printer {
 public:
  void print(tenon::reasoning_delta const& piece) {
    if (!piece.reasoning.empty()) show(piece.reasoning, true);
    if (!piece.content.empty()) show(piece.content, false);
    std::cout << std::flush;
  }

  void end() {
    if (dimmed_) std::cout << (terminal_ ? "\x1b[0m" : " </think>");
    std::cout << std::endl;
    dimmed_ = false;
  }

 private:
  void show(std::string_view text, bool dimmed) {
    if (dimmed != dimmed_) {
      std::cout << (dimmed ? (terminal_ ? "\x1b[2m" : "<think> ")
                           : (terminal_ ? "\x1b[0m\n\n" : " </think>\n"));
      dimmed_ = dimmed;
    }
    for (char const letter : text) {
      auto const byte = static_cast<unsigned char>(letter);
      if ((byte >= 0x20 && byte != 0x7f) || letter == '\n' || letter == '\t') std::cout << letter;
    }
  }

  bool terminal_ = isatty(STDOUT_FILENO) == 1;
  bool dimmed_ = false;
};

class conversation {
 public:
  explicit conversation(settings const& wanted) : conversation{wanted, load_engine(wanted.engine)} {}

  tenon::engine_description const& description() const { return engine_.description(); }

  void reset() {
    messages_.clear();
    if (system_) say(tenon::chat_role::system, *system_);
  }

  /// Turns thinking off, or back on; says whether it is on now.
  bool toggle_thinking() {
    options_.enable_thinking = !options_.enable_thinking.value_or(true);
    return *options_.enable_thinking;
  }

  /// Prints the answer while it is made. A question that cannot be asked leaves the conversation as it was.
  void ask(std::string const& question) {
    say(tenon::chat_role::user, question);
    try {
      messages_.push_back(answer());
    } catch (tenon::error const&) {
      messages_.pop_back();
      throw;
    }
  }

 private:
  conversation(settings const& wanted, loaded_engine loaded)
      : engine_{std::move(loaded.engine)},
        sampling_{std::move(loaded.sampling)},
        tokenizer_{tenon::byte_level_bpe::load(wanted.engine.model)},
        format_{tenon::choose_chat_format(wanted.engine.model)},
        system_{wanted.system},
        max_tokens_{wanted.max_tokens} {
    if (wanted.temperature) sampling_.temperature = *wanted.temperature;
    if (wanted.top_p) sampling_.top_p = *wanted.top_p;
    if (wanted.top_k) sampling_.top_k = *wanted.top_k;
    sampling_.seed = wanted.seed;
    options_.enable_thinking = wanted.thinking;
    if (!loaded.notice.empty()) std::cerr << "chat: " << loaded.notice << "\n";
    reset();
  }

  void say(tenon::chat_role role, std::string const& content) {
    auto& message = messages_.emplace_back();
    message.role = role;
    message.content = content;
  }

  tenon::chat_message answer() {
    auto const rendered = tenon::render(format_, messages_, options_);
    tenon::request const wish{
        .prompt = tokenizer_.encode(rendered.spans()), .max_new_tokens = max_tokens_, .sampling = sampling_};
    tenon::chat_message said;
    said.role = tenon::chat_role::assistant;
    tenon::stream_decoder decoder;
    tenon::reasoning_splitter splitter{tenon::reasoning(format_, options_)};
    printer out;
    tenon::event last;
    auto const take = [&](tenon::reasoning_delta const& piece) {
      if (!piece.reasoning.empty())
        said.reasoning_content = said.reasoning_content.value_or("") + piece.reasoning;
      said.content += piece.content;
      out.print(piece);
    };

    auto const asked = clock_type::now();
    auto first = asked;
    engine_.submit(wish, [&](tenon::event const& happened) {
      if (happened.token) {
        if (first == asked) first = clock_type::now();
        if (!tokenizer_.is_special(*happened.token)) {
          take(splitter.push(decoder.push(tokenizer_.token_bytes(*happened.token))));
        }
      }
      if (happened.finish != tenon::finish_reason::none) last = happened;
    });
    while (engine_.run_one_step()) {
    }
    take(splitter.push(decoder.flush()));
    take(splitter.flush());
    out.end();
    if (last.finish == tenon::finish_reason::failed) throw tenon::error{last.message};
    report(last, first - asked, clock_type::now() - first);
    return said;
  }

  static void report(tenon::event const& last, clock_type::duration waited, clock_type::duration decoded) {
    using seconds = std::chrono::duration<double>;
    double const rate = (last.usage.generated - 1) / std::max(seconds{decoded}.count(), 1e-9);
    bool const dim = isatty(STDERR_FILENO) == 1;
    std::fprintf(
        stderr, "%s%s%d tokens, %.0f tokens/s, the first after %.0f ms; %d of %d prompt tokens cached%s\n\n",
        dim ? "\x1b[2m" : "", last.finish == tenon::finish_reason::length ? "cut off at its limit; " : "",
        last.usage.generated, rate, seconds{waited}.count() * 1e3, last.usage.cached, last.usage.prompt,
        dim ? "\x1b[0m" : "");
  }

  tenon::any_engine engine_;
  tenon::sampling_parameters sampling_;
  tenon::byte_level_bpe tokenizer_;
  tenon::any_chat_format format_;
  tenon::chat_options options_;
  std::vector<tenon::chat_message> messages_;
  std::optional<std::string> system_;
  std::int32_t max_tokens_;
};

template <class T> std::optional<T> given(options::variables_map const& values, char const* name) {
  return values.count(name) ? std::optional<T>{values[name].as<T>()} : std::nullopt;
}

/// Nothing when only help was asked for.
std::optional<settings> read_settings(int count, char** arguments) {
  settings wanted;
  std::int64_t memory_mib = 0;
  options::options_description all{"chat --model DIRECTORY [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("model", options::value(&wanted.engine.model)->required(), "a checkpoint's directory");
  add("ask", options::value(&wanted.questions)->composing(), "ask this and end; may be repeated");
  add("system", options::value<std::string>(), "the system message");
  add("temperature", options::value<float>(), "0: always the most likely token");
  add("top-p", options::value<float>(), "keep the likeliest tokens up to this mass");
  add("top-k", options::value<std::int32_t>(), "keep this many of the likeliest tokens; 0: all");
  add("seed", options::value<std::uint64_t>(), "equal seeds give equal answers");
  add("max-tokens", options::value(&wanted.max_tokens)->default_value(2048), "the longest answer");
  add("thinking", "let the model think first");
  add("no-thinking", "let it answer at once");
  add("precision", options::value(&wanted.engine.precision)->default_value("bf16"), "bf16 or fp32");
  add("device", options::value(&wanted.engine.device)->default_value("auto"),
      "cpu, cuda, or auto: the GPU where there is one");
  add("threads", options::value(&wanted.engine.threads)->default_value(0), "0: all");
  add("context", options::value(&wanted.engine.context)->default_value(0), "longest conversation in tokens");
  add("memory", options::value(&memory_mib)->default_value(0), "MiB for cache and workspace; 0: enough");
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  if (values.count("help")) {
    std::cout << all;
    return std::nullopt;
  }
  options::notify(values);
  wanted.engine.memory_bytes = static_cast<std::size_t>(std::max<std::int64_t>(memory_mib, 0)) << 20;
  wanted.system = given<std::string>(values, "system");
  wanted.temperature = given<float>(values, "temperature");
  wanted.top_p = given<float>(values, "top-p");
  wanted.top_k = given<std::int32_t>(values, "top-k");
  wanted.seed = given<std::uint64_t>(values, "seed");
  if (values.count("thinking") || values.count("no-thinking")) wanted.thinking = !values.count("no-thinking");
  return wanted;
}

/// False when the conversation is to end.
bool obey(std::string const& line, conversation& talk) {
  if (line == "/exit" || line == "/quit") return false;
  if (line == "/reset") {
    talk.reset();
    std::cout << "The conversation is forgotten.\n";
  } else if (line == "/think") {
    std::cout << (talk.toggle_thinking() ? "Thinking is on.\n" : "Thinking is off.\n");
  } else {
    if (line != "/help") std::cout << "There is no command " << line << ".\n";
    std::cout << commands;
  }
  return true;
}

void talk_until_end(conversation& talk) {
  bool const terminal = isatty(STDIN_FILENO) == 1;
  if (terminal) {
    auto const& about = talk.description();
    std::cout << about.model << " in " << about.precision << " on " << about.backend << ", "
              << about.max_context << " tokens of context. /help lists the commands.\n\n";
  }
  for (std::string line;;) {
    if (terminal) std::cout << "> " << std::flush;
    if (!std::getline(std::cin, line)) break;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      if (line.front() != '/') {
        talk.ask(line);
      } else if (!obey(line, talk)) {
        return;
      }
    } catch (tenon::request_error const& refused) {
      std::cerr << refused.what() << "\n";
      if (refused.code() == "context_length_exceeded") std::cerr << "/reset starts a new conversation.\n";
    }
  }
  if (terminal) std::cout << "\n";
}

}  // namespace

int main(int count, char** arguments) try {
  auto const wanted = read_settings(count, arguments);
  if (!wanted) return 0;
  conversation talk{*wanted};
  for (auto const& question : wanted->questions) {
    std::cout << "> " << question << "\n";
    talk.ask(question);
    talk.reset();
  }
  if (wanted->questions.empty()) talk_until_end(talk);
  return 0;
} catch (options::error const& wrong) {
  std::cerr << "chat: " << wrong.what() << "\nchat --help lists the options\n";
  return 2;
} catch (std::exception const& failed) {
  std::cerr << "chat: " << failed.what() << "\n";
  return 1;
}
