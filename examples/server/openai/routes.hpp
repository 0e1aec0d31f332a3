// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/exchange.hpp"
#include "server/openai/model_service.hpp"

namespace server {

/// The routes' work. Each throws tenon's errors, which `answer_errors` turns into answers.
boost::asio::awaitable<void> chat_completions(model_service const& service, http_request const& request,
                                              reply& out);
boost::asio::awaitable<void> completions(model_service const& service, http_request const& request,
                                         reply& out);
boost::asio::awaitable<void> tokenize(model_service const& service, http_request const& request, reply& out);
boost::asio::awaitable<void> detokenize(model_service const& service, http_request const& request,
                                        reply& out);
boost::asio::awaitable<void> list_models(model_service const& service, http_request const& request,
                                         reply& out);
boost::asio::awaitable<void> show_model(model_service const& service, http_request const& request,
                                        reply& out);

}  // namespace server
