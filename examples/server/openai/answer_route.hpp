// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.hpp"
#include "server/openai/answer_json.hpp"
#include "server/openai/generation.hpp"
#include "server/openai/generation_fields.hpp"
#include "server/openai/model_service.hpp"

namespace server {

/// One route's work, which may throw what `answer_errors` knows how to say.
using route_work =
    std::function<boost::asio::awaitable<void>(model_service const&, http_request const&, reply&)>;

/// Does a route's work; what it throws of tenon's own errors becomes an answer: 400, 404, 500 or 503, or an
/// event with `error` when the answer has begun.
boost::asio::awaitable<void> answer_errors(route_work const& work, model_service const& service,
                                           http_request const& request, reply& out);

/// Takes places in the engine's queue until there are `count`; the first before the work of tokenizing.
/// Throws tenon::overloaded_error, and tenon::request_error, which names `parameter`, for more than the queue
/// has.
void reserve(generation::places& places, std::size_t count, std::string const& parameter,
             model_service const& service);

/// The plan that chats and completions have in common; `prompts` and what belongs to a chat are the caller's
/// to add.
generation_plan make_plan(generation_fields const& fields, http_request const& request);

/// Sets max_new_tokens from what the request and the context allow. `parameter` holds the prompt: "messages",
/// say. Throws tenon::request_error with the code "context_length_exceeded".
void set_lengths(generation_plan& plan, generation_fields const& fields, std::string const& parameter,
                 std::int32_t without_limit, model_service const& service);

/// The headers that name fields nobody knows, which are also noted in the log.
std::vector<header> name_ignored(std::span<std::string const> ignored, model_service const& service,
                                 http_request const& request);

/// Runs the plan and writes its answers.
boost::asio::awaitable<void> send_answers(generation& running, answer_writer& writer,
                                          generation_fields const& fields, std::vector<header> headers,
                                          reply& out);

boost::asio::awaitable<void> send_json(boost::json::object const& body, std::vector<header> headers,
                                       reply& out);

}  // namespace server
