// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/openai/generation.hpp"
#include "server/openai/model_service.hpp"

namespace server {

/// What every object of one answer says of itself.
struct answer_identity {
  std::string id;  ///< "chatcmpl-…", "cmpl-…"
  std::int64_t created = 0;
  std::string model;
};

/// A new identity: `prefix` and 128 random bits.
answer_identity new_identity(std::string_view prefix, std::string model);

/// {"id", "object", "created", "model"}
boost::json::object answer_object(answer_identity const& identity, std::string_view object);

boost::json::object to_json(generation_usage const& usage);
/// OpenAI's word; null while the choice goes on.
boost::json::value to_json(finish ended);
boost::json::array to_json(std::span<tenon::token_id const> ids);
boost::json::array ids_of(std::span<tenon::event const> tokens);

/// Appends "data: {…}\n\n".
void append_event(std::string& events, boost::json::object const& data);

/// JSON has no infinity: a token that could not be sampled has the least value that others use for it.
double shown_logprob(float logprob);

/// The text of a token alone, U+FFFD for what is no UTF-8.
std::string token_text(std::string_view bytes);

/// How answers are written. One object writes one answer, streamed or whole: the whole is the sum of what the
/// stream would have been.
class answer_writer {
 public:
  virtual ~answer_writer() = default;

  /// What is there before the first token: an echoed prompt.
  virtual void begin(std::string& events) = 0;
  /// Appends the events of one delta.
  virtual void stream(choice_delta const& delta, std::string& events) = 0;
  /// Appends the last event of a stream whose client asked for usage.
  virtual void stream_usage(generation_usage const& usage, std::string& events) = 0;

  /// Adds one delta to the whole.
  virtual void add(choice_delta const& delta) = 0;
  virtual boost::json::object whole(generation_usage const& usage) = 0;
};

}  // namespace server
