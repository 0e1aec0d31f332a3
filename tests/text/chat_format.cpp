// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/chat_format.hpp"

#include <boost/test/unit_test.hpp>
#include <span>
#include <string_view>

namespace chat_format_test {

/// The smallest format of one's own.
struct plain_format {
  static constexpr std::string_view name = "plain";
  static tenon::rendered_chat render(std::span<tenon::chat_message const> messages,
                                     tenon::chat_options const&) {
    tenon::rendered_chat out;
    for (auto const& message : messages) {
      out.append_template("\n> ");
      out.append_content(message.content);
    }
    return out;
  }
  static tenon::reasoning_mode reasoning(tenon::chat_options const&) { return tenon::reasoning_mode::none; }
};

struct without_reasoning {
  static constexpr std::string_view name = "plain";
  static tenon::rendered_chat render(std::span<tenon::chat_message const>, tenon::chat_options const&) {
    return {};
  }
};

struct rendering_text {
  static constexpr std::string_view name = "plain";
  static std::string_view render(std::span<tenon::chat_message const>, tenon::chat_options const&) {
    return {};
  }
  static tenon::reasoning_mode reasoning(tenon::chat_options const&) { return tenon::reasoning_mode::none; }
};

}  // namespace chat_format_test

BOOST_AUTO_TEST_SUITE(chat_format)

BOOST_AUTO_TEST_CASE(a_format_of_ones_own_needs_three_members) {
  using namespace chat_format_test;
  static_assert(tenon::chat_format<plain_format>);
  static_assert(!tenon::chat_format<without_reasoning>);
  static_assert(!tenon::requirement::tells_how_answers_think<without_reasoning>);
  static_assert(!tenon::requirement::renders_chats<rendering_text>);
  static_assert(!tenon::requirement::names_its_family<int>);
  tenon::chat_message message;
  message.content = "hi";
  BOOST_TEST(plain_format::render({&message, 1}, {}).text() == "\n> hi");
}

BOOST_AUTO_TEST_SUITE_END()
