// SPDX-License-Identifier: Apache-2.0
#include "server/settings.hpp"

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string_view>

#include "server/limit_options.hpp"
#include "tenon/version.hpp"

namespace server {

namespace {

namespace options = boost::program_options;

constexpr std::string_view introduction =
    "server --model DIRECTORY [options]\n\n"
    "Serves a model over the OpenAI API: /v1/chat/completions, /v1/completions,\n"
    "/v1/models, /tokenize and /detokenize; beside it /health, /health/ready,\n"
    "/version, /metrics, and a chat page at /.\n\n"
    "  server --model examples/tiny_model\n"
    "  curl http://127.0.0.1:8000/v1/chat/completions \\\n"
    "    -H 'Content-Type: application/json' \\\n"
    "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"What is 123 + 456?\"}]}'\n\n"
    "SIGTERM lets open requests finish; a second one ends the program at once.\n"
    "Exit status: 0 all were answered, 1 some were cut off, 2 wrong options, 3 no\n"
    "port or no model, 4 the engine failed, 5 a step of the engine did not end.\n"
    "There is no TLS here: put a proxy in front (docs/how_to/run_the_server.md).\n\n";

constexpr std::int64_t mib = 1 << 20;

// What needs a second look once everything is read.
struct raw_settings {
  settings chosen{};
  std::vector<std::string> keys{};
  std::string key_file{};
  std::int64_t requests_per_key = 0;
  std::string log_level = "info";
  std::string model{};
  bool no_prefix_cache = false;
};

option_group model_options(raw_settings& raw) {
  auto& engine = raw.chosen.engine;
  option_group group{"Model"};
  group.text("model", raw.model, "a checkpoint's directory (needed); its config.json says which model it is");
  group.list(
      "served-model-name", raw.chosen.names,
      "what requests call it; may be repeated, answers carry the first. Default: the directory's name");
  group.text("device", engine.device, "cpu, cuda, or auto: the GPU where there is one");
  group.text("precision", engine.precision, "bf16 or fp32 (CPU only)");
  group.count("threads", engine.threads, 0, "of the CPU engine; 0: all");
  group.count("rows", engine.rows, 1, "answers that are made at one time");
  group.count("step-tokens", engine.step_tokens, 0, "tokens of one step; 0: 512 on the CPU, 2048 on the GPU");
  group.count("context", engine.context, 0,
              "longest prompt with its answer, in tokens; 0: the model's, at most 8192");
  group.count("memory-mib", engine.memory_bytes, 0, "for cache and workspace; 0: enough for --rows", mib);
  group.fraction("memory-fraction", engine.memory_fraction,
                 "of the GPU's free memory, in place of --memory-mib");
  group.count("depth", engine.depth, 0, "steps in flight; 0: as the device does best");
  group.flag("random-weights", engine.random_weights,
             "of the model's shape, without its weights' files: to measure speed");
  group.flag("no-prefix-cache", raw.no_prefix_cache, "compute every prompt anew");
  return group;
}

option_group answer_options(raw_settings& raw) {
  auto& chosen = raw.chosen;
  option_group group{"Answers"};
  group.count("max-tokens", chosen.default_max_tokens, 0,
              "longest answer to a chat that names none; 0: what the context leaves");
  group.number("temperature", chosen.temperature, 0, 100,
               "for requests without one. Default of these four: the checkpoint's");
  group.number("top-p", chosen.top_p, 0, 1, "the same");
  group.number("top-k", chosen.top_k, 0, 1e9, "the same");
  group.number("min-p", chosen.min_p, 0, 1, "the same");
  group.flag("strict", chosen.strict,
             "refuse unknown fields (400) instead of naming them in x-tenon-ignored");
  group.flag("reasoning-alias", chosen.reasoning_alias, "send reasoning text as `reasoning`, too");
  return group;
}

option_group access_options(raw_settings& raw) {
  auto& chosen = raw.chosen;
  option_group group{"Access"};
  group.text("host", chosen.host, "the address to listen on; 0.0.0.0 or :: for all");
  group.count("port", chosen.port, 0, "0: a free one, which the log names");
  group.count("io-threads", chosen.io_threads, 1, "for connections, JSON and tokenizing");
  group.list("allow-origin", chosen.allowed_origins,
             "a web page's origin (https://example.com) that may call this server, or *; may be repeated");
  group.list("api-key", raw.keys,
             "needed by every route but health and the page; may be repeated. Other users of the machine can "
             "see it: prefer a file, or the variable TENON_API_KEY");
  group.text("api-key-file", raw.key_file, "one key a line");
  group.count("max-requests-per-key", raw.requests_per_key, 0, "at one time, else 429; 0: any number");
  return group;
}

option_group life_options(raw_settings& raw) {
  option_group group{"Life"};
  group.seconds("drain-seconds", raw.chosen.drain_time, "for open requests to finish after SIGTERM");
  group.seconds("step-seconds", raw.chosen.step_time,
                "for one step of the engine; a longer one ends the program");
  group.text("log-level", raw.log_level, "debug, info, warning or error; one line an event, on stderr");
  return group;
}

severity read_severity(std::string_view name) {
  if (name == "debug") return severity::debug;
  if (name == "info") return severity::info;
  if (name == "warning") return severity::warning;
  if (name == "error") return severity::error;
  throw std::invalid_argument{"--log-level: expected debug, info, warning or error"};
}

api_keys read_keys(raw_settings const& raw) {
  api_keys keys{raw.requests_per_key};
  for (auto const& key : raw.keys) keys.add(key);
  if (auto const* const variable = std::getenv("TENON_API_KEY")) keys.add(variable);
  if (raw.key_file.empty()) return keys;
  std::ifstream file{raw.key_file};
  if (!file) throw std::invalid_argument{"--api-key-file: cannot read " + raw.key_file};
  for (std::string line; std::getline(file, line); keys.add(line)) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
  }
  // Asked for keys, a server without any would be open to everybody.
  if (keys.empty()) throw std::invalid_argument{"--api-key-file: no key in " + raw.key_file};
  return keys;
}

settings finish(raw_settings& raw) {
  auto& chosen = raw.chosen;
  chosen.engine.model = raw.model;
  chosen.engine.prefix_caching = !raw.no_prefix_cache;
  chosen.keys = read_keys(raw);
  chosen.log_level = read_severity(raw.log_level);
  if (chosen.names.empty()) {
    auto const directory = std::filesystem::absolute(chosen.engine.model).lexically_normal();
    auto const last = directory.has_filename() ? directory.filename() : directory.parent_path().filename();
    chosen.names.push_back(last.string());
  }
  return chosen;
}

}  // namespace

std::optional<settings> read_settings(int count, char const* const* arguments) {
  raw_settings raw;
  raw.chosen.engine.rows = 16;
  bool help = false;
  bool version = false;
  option_group about{"About"};
  about.flag("help", help, "this page");
  about.flag("version", version, "the version");
  options::options_description all;
  option_group const groups[] = {model_options(raw),        answer_options(raw), access_options(raw),
                                 limit_options(raw.chosen), life_options(raw),   about};
  for (auto const& group : groups) all.add(group.page());
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  options::notify(values);
  if (help) std::cout << introduction << all;
  if (version)
    std::cout << TENON_VERSION / 10000 << '.' << TENON_VERSION / 100 % 100 << '.' << TENON_VERSION % 100
              << '\n';
  if (help || version) return std::nullopt;
  if (raw.model.empty()) throw std::invalid_argument{"--model: expected a checkpoint's directory"};
  return finish(raw);
}

}  // namespace server
