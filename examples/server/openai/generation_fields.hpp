// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/openai/body_fields.hpp"
#include "server/openai/known_fields.hpp"
#include "server/openai/model_service.hpp"
#include "tenon/text/answer_stream.hpp"
#include "tenon/work/request.hpp"

namespace server {

inline constexpr std::int64_t most_stop_ids = 32;

/// What chats and completions ask for in the same words.
struct generation_fields {
  tenon::request wish{};           ///< without prompt and max_new_tokens
  tenon::answer_options answer{};  ///< without what only a chat has
  std::optional<std::int32_t> max_tokens{};
  bool names_sampling = false;  ///< temperature, top_p, top_k or min_p is given
  bool skip_special_tokens = true;
  bool return_token_ids = false;
  bool stream = false;
  bool include_usage = false;
  std::string cache_salt{};
  std::vector<std::string> ignored{};  ///< paths inside of its fields that nobody knows
};

/// Reads them, with the service's values for what is left out. Throws tenon::request_error.
generation_fields read_generation(body_fields& fields, model_service const& service, route_set route);

/// The name that answers carry; the request's `model` must be one of the service's, if it has one.
/// Throws tenon::request_error with the code "model_not_found".
std::string read_model(body_fields& fields, model_service const& service);

/// An id of the model's vocabulary.
tenon::token_id to_token(boost::json::value const& value, std::string const& path,
                         model_service const& service);
std::vector<tenon::token_id> to_tokens(boost::json::array const& values, std::string const& path,
                                       model_service const& service);

/// The most positions that one request's prompt and answer can have.
std::int32_t max_model_len(model_service const& service);

}  // namespace server
