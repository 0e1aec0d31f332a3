// SPDX-License-Identifier: Apache-2.0
#include "server/openai/generation_fields.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace server {

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();

std::string indexed(std::string const& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

void read_bias(body_fields& fields, model_service const& service, tenon::sampling_parameters& sampling) {
  auto const* const bias = fields.object("logit_bias");
  if (bias == nullptr) return;
  expect_at_most("logit_bias", bias->size(), service.limits.logit_bias, "entries");
  auto const vocabulary = service.engine.description().vocabulary;
  for (auto const& entry : *bias) {
    std::string_view const key = entry.key();
    auto const path = "logit_bias." + std::string{key};
    tenon::token_id id = 0;
    auto const read = std::from_chars(key.data(), key.data() + key.size(), id);
    if (read.ec != std::errc{} || read.ptr != key.data() + key.size() || id < 0 || id >= vocabulary) {
      refuse(path, "invalid_value",
             "expected a token id from 0 to " + std::to_string(vocabulary - 1) + " as the key");
    }
    auto const value = to_number(entry.value(), path, {-100.0, 100.0});
    sampling.logit_bias.emplace_back(id, static_cast<float>(value));
  }
}

/// How ids are chosen; true if the request says anything about the distribution's shape.
bool read_sampling(body_fields& fields, model_service const& service, tenon::sampling_parameters& sampling) {
  bool named = false;
  auto const real = [&](std::string_view name, number_range range, float& value) {
    auto const found = fields.number(name, range);
    if (found) value = static_cast<float>(*found);
    return found.has_value();
  };
  named |= real("temperature", {0.0, 2.0}, sampling.temperature);
  named |= real("top_p", {0.0, 1.0}, sampling.top_p);
  sampling.top_p = std::max(sampling.top_p, 1e-6f);  // 0: the most likely id alone
  named |= real("min_p", {0.0, 1.0}, sampling.min_p);
  if (auto const top_k = fields.integer("top_k", {-1, largest})) {
    sampling.top_k = std::max(0, static_cast<std::int32_t>(*top_k));
    named = true;
  }
  real("presence_penalty", {-2.0, 2.0}, sampling.presence_penalty);
  real("frequency_penalty", {-2.0, 2.0}, sampling.frequency_penalty);
  real("repetition_penalty", {0.01, 100.0}, sampling.repetition_penalty);
  if (auto const seed = fields.integer("seed")) sampling.seed = static_cast<std::uint64_t>(*seed);
  read_bias(fields, service, sampling);
  return named;
}

void read_logprobs(body_fields& fields, route_set route, std::int64_t most,
                   tenon::sampling_parameters& sampling) {
  if (route == completions_route) {
    sampling.logprobs = static_cast<std::int32_t>(fields.integer("logprobs", {0, most}).value_or(-1));
    return;
  }
  bool const wanted = fields.boolean("logprobs").value_or(false);
  auto const top = fields.integer("top_logprobs", {0, most});
  if (top && !wanted && *top > 0)
    refuse("top_logprobs", "invalid_value", "expected logprobs to be true with it");
  sampling.logprobs = wanted ? static_cast<std::int32_t>(top.value_or(0)) : -1;
}

void read_stops(body_fields& fields, model_service const& service, generation_fields& result) {
  if (auto const* const stop = fields.value("stop")) {
    if (stop->is_array()) {
      auto const& stops = stop->get_array();
      expect_at_most("stop", stops.size(), service.limits.stops, "strings");
      for (auto const& each : stops)
        result.answer.stops.push_back(to_string(each, indexed("stop", result.answer.stops.size())));
    } else if (stop->is_string()) {
      result.answer.stops.push_back(to_string(*stop, "stop"));
    } else {
      refuse_type("stop", "a string or an array of strings", *stop);
    }
  }
  result.answer.include_stop = fields.boolean("include_stop_str_in_output").value_or(false);
  tenon::stop_matcher{result.answer.stops};  // refuses empty strings
  if (auto const* const stop_ids = fields.array("stop_token_ids")) {
    expect_at_most("stop_token_ids", stop_ids->size(), most_stop_ids, "ids");
    result.wish.stop_ids = to_tokens(*stop_ids, "stop_token_ids", service);
  }
  result.wish.ignore_stop_ids = fields.boolean("ignore_eos").value_or(false);
}

void read_lengths(body_fields& fields, route_set route, generation_fields& result) {
  std::int64_t const least = route == completions_route ? 0 : 1;  // 0: only the echo
  auto most = fields.integer("max_tokens", {least, largest});
  if (route == chat_route) {
    auto const newer = fields.integer("max_completion_tokens", {least, largest});
    if (newer && most && *newer != *most)
      refuse("max_completion_tokens", "invalid_value", "expected the value of max_tokens, its older name");
    if (newer) most = newer;
  }
  if (most) result.max_tokens = static_cast<std::int32_t>(*most);
  auto const fewest = fields.integer("min_tokens", {0, most.value_or(largest)}).value_or(0);
  result.wish.min_new_tokens = result.answer.min_tokens = static_cast<std::int32_t>(fewest);
}

void read_stream(body_fields& fields, generation_fields& result) {
  result.stream = fields.boolean("stream").value_or(false);
  auto const* const given = fields.object("stream_options");
  if (given == nullptr) return;
  if (!result.stream) refuse("stream_options", "invalid_value", "expected stream to be true with it");
  body_fields options{*given, "stream_options"};
  result.include_usage = options.boolean("include_usage").value_or(false);
  options.boolean("include_obfuscation");  // padding of chunks, which hides nothing on one's own machine
  if (options.boolean("continuous_usage_stats").value_or(false))
    refuse("stream_options.continuous_usage_stats", "unsupported_parameter", "is not supported");
  options.note_unread(result.ignored);
}

}  // namespace

generation_fields read_generation(body_fields& fields, model_service const& service, route_set route) {
  generation_fields result;
  result.wish.sampling = service.sampling;
  result.names_sampling = read_sampling(fields, service, result.wish.sampling);
  read_logprobs(fields, route, service.limits.logprobs, result.wish.sampling);
  read_stops(fields, service, result);
  read_lengths(fields, route, result);
  read_stream(fields, result);
  result.wish.choices = static_cast<std::int32_t>(fields.integer("n", {1, service.limits.n}).value_or(1));
  auto const priority = fields.integer("priority", {-1'000'000, 1'000'000}).value_or(0);
  result.wish.priority = static_cast<std::int32_t>(priority);
  result.skip_special_tokens = fields.boolean("skip_special_tokens").value_or(true);
  fields.boolean("add_special_tokens");  // such as a BOS: no tokenizer that is loaded here adds any
  result.return_token_ids = fields.boolean("return_token_ids").value_or(false);
  result.cache_salt = fields.string("cache_salt").value_or("");
  return result;
}

std::string read_model(body_fields& fields, model_service const& service) {
  auto const wanted = fields.string("model");
  if (wanted && std::find(service.names.begin(), service.names.end(), *wanted) == service.names.end())
    throw tenon::request_error{"model", "model_not_found", "the model '" + *wanted + "' does not exist"};
  return wanted.value_or(service.names.empty() ? "" : service.names.front());
}

tenon::token_id to_token(boost::json::value const& value, std::string const& path,
                         model_service const& service) {
  auto const last = service.engine.description().vocabulary - 1;
  return static_cast<tenon::token_id>(to_integer(value, path, {0, last}));
}

std::vector<tenon::token_id> to_tokens(boost::json::array const& values, std::string const& path,
                                       model_service const& service) {
  std::vector<tenon::token_id> ids;
  ids.reserve(values.size());
  auto const vocabulary = service.engine.description().vocabulary;
  for (auto const& value : values) {
    auto const* const id = value.if_int64();
    bool const plain = id != nullptr && *id >= 0 && *id < vocabulary;  // no path is spelled for these
    ids.push_back(plain ? static_cast<tenon::token_id>(*id)
                        : to_token(value, indexed(path, ids.size()), service));
  }
  return ids;
}

std::int32_t max_model_len(model_service const& service) {
  auto const& engine = service.engine.description();
  auto const cached = engine.cache_blocks * engine.cache_block_tokens;
  return static_cast<std::int32_t>(std::min<std::int64_t>(engine.max_context, cached));
}

}  // namespace server
