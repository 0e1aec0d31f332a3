// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "tenon/text/utf8.hpp"

namespace tenon {

/// Turns the bytes of a token stream into text that is well-formed UTF-8 at every moment.
///
/// A token may end in the middle of a code point: such bytes are held back until the next token completes or
/// breaks them. Broken sequences become U+FFFD. All that was returned, put together, equals Python's
/// `bytes.decode("utf-8", errors="replace")` of all bytes put together, however they were cut.
class stream_decoder {
 public:
  /// Appends to `out` what can be said for sure after these bytes.
  void push(std::string_view bytes, std::string& out) {
    while (held_size_ > 0 && !bytes.empty()) {
      held_[held_size_++] = bytes.front();
      std::string_view const held{held_.data(), held_size_};
      utf8::sequence const next = utf8::first_sequence(held);
      if (next.state == utf8::sequence_state::broken) {
        out += utf8::replacement;
        held_size_ = 0;  // the byte that broke it was not consumed: it may start the next sequence
        break;
      }
      bytes.remove_prefix(1);
      if (next.state == utf8::sequence_state::whole) {
        out += held;
        held_size_ = 0;
      }
    }
    std::size_t const partial = utf8::append_repaired(out, bytes);
    if (partial > 0) held_size_ = bytes.copy(held_.data(), partial, bytes.size() - partial);
  }

  std::string push(std::string_view bytes) {
    std::string out;
    push(bytes, out);
    return out;
  }

  /// Ends the text: a code point that is still incomplete becomes U+FFFD. The decoder can then start anew.
  void flush(std::string& out) {
    if (held_size_ > 0) out += utf8::replacement;
    held_size_ = 0;
  }

  std::string flush() {
    std::string out;
    flush(out);
    return out;
  }

  /// Bytes held back: 0 to 3.
  std::size_t held_bytes() const noexcept { return held_size_; }

 private:
  std::array<char, 4> held_{};
  std::size_t held_size_ = 0;
};

}  // namespace tenon
