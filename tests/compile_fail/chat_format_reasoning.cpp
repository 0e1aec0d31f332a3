// SPDX-License-Identifier: Apache-2.0
// expect: tells_how_answers_think

#include <span>
#include <string_view>

#include "tenon/text/chat_format.hpp"

/// A format must say how its answers think, or streams cannot be split.
struct my_format {
  static constexpr std::string_view name = "mine";
  static tenon::rendered_chat render(std::span<tenon::chat_message const>, tenon::chat_options const&) {
    return {};
  }
#ifndef TENON_COMPILE_FAIL
  static tenon::reasoning_mode reasoning(tenon::chat_options const&) { return tenon::reasoning_mode::none; }
#endif
};

template <tenon::chat_format F> inline constexpr bool is_chat_format = true;

static_assert(is_chat_format<my_format>);
