// SPDX-License-Identifier: Apache-2.0
// expect: deleted

#include "tenon/text/rendered_chat.hpp"

tenon::rendered_chat render();

/// Spans view the text of the chat that gives them: a temporary would leave them dangling.
bool first_is_trusted() {
#ifdef TENON_COMPILE_FAIL
  for (auto const& span : render().spans()) return span.trusted;
#else
  auto const chat = render();
  for (auto const& span : chat.spans()) return span.trusted;
#endif
  return false;
}
