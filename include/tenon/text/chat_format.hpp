// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include "tenon/text/chat_message.hpp"
#include "tenon/text/reasoning.hpp"
#include "tenon/text/rendered_chat.hpp"

namespace tenon {
namespace requirement {

template <class F>
concept names_its_family = requires {
  { F::name } -> std::convertible_to<std::string_view>;
};

template <class F>
concept renders_chats = requires(std::span<chat_message const> messages, chat_options const& options) {
  { F::render(messages, options) } -> std::same_as<rendered_chat>;  // throws request_error
};

template <class F>
concept tells_how_answers_think = requires(chat_options const& options) {
  { F::reasoning(options) } -> std::same_as<reasoning_mode>;
};

}  // namespace requirement

/// How one family of models writes a conversation: a stateless type with static members. `render` equals the
/// family's chat template byte for byte; `reasoning` is what a reasoning_splitter over the answer needs to
/// know.
template <class F>
concept chat_format = requirement::names_its_family<F> && requirement::renders_chats<F> &&
                      requirement::tells_how_answers_think<F>;

}  // namespace tenon
