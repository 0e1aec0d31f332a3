// SPDX-License-Identifier: Apache-2.0
//
// An answer's bytes, cut into tokens at will, through answer_stream: what a client puts together must be what
// it gets in one piece. Input: a byte of settings, a byte that seeds the cuts, a stop string up to a zero
// byte, the answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "tenon/text/answer_stream.hpp"
#include "tenon/text/utf8.hpp"

namespace {

/// Ends the program where a promise is broken, so that the fuzzer keeps the input.
void demand(bool kept, char const* promise) {
  if (kept) return;
  std::cerr << "broken promise: " << promise << '\n';
  std::abort();
}

bool is_utf8(std::string_view text) {
  return tenon::utf8::find_invalid(text) == std::string_view::npos;
}

/// All that an answer says, in one text. seed: of the cuts; 0 for one piece.
std::string run(std::string_view answer, tenon::answer_options const& options, bool cut, unsigned seed) {
  tenon::answer_stream stream{options};
  bool const in_one_piece = seed == 0;
  tenon::whole_answer whole;
  std::size_t pushed = 0;
  std::size_t stood_for = 0;
  auto const take = [&](tenon::answer_delta const& delta) {
    demand(is_utf8(delta.reasoning) && is_utf8(delta.content), "deltas are UTF-8");
    whole.add(delta);
    stood_for += delta.tokens;
  };
  while (!answer.empty() && !stream.ended()) {
    seed = seed * 1103515245u + 12345u;
    auto const size = in_one_piece ? answer.size() : 1 + (seed >> 16) % 7;
    take(stream.push(answer.substr(0, size)));
    answer.remove_prefix(std::min(size, answer.size()));
    ++pushed;
  }
  take(stream.finish(cut));
  demand(stood_for == pushed, "every token belongs to one delta");
  std::string all = whole.reasoning + '\1' + whole.content;
  for (auto const& call : whole.calls) {
    all += '\1' + call.id + '\1' + call.name + '\1';
    all += std::string_view{call.arguments.get_string().subview()};
  }
  return all + '\1' + std::to_string(stream.completed_calls()) +
         std::to_string(static_cast<int>(stream.end())) + (stream.without_content() ? "null" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view input{reinterpret_cast<char const*>(data), size};
  if (input.size() < 3) return 0;
  auto const settings = static_cast<unsigned char>(input[0]);
  auto const seed = static_cast<unsigned char>(input[1]);
  input.remove_prefix(2);
  auto const zero = std::min(input.find('\0'), input.size());
  std::string const stop{input.substr(0, zero)};
  auto const answer = input.substr(std::min(zero + 1, input.size()));
  tenon::answer_options options{.include_stop = (settings & 1) != 0,
                                .reasoning = static_cast<tenon::reasoning_mode>((settings >> 1) % 3),
                                .tool_calls = (settings & 8) != 0,
                                .single_call = (settings & 16) != 0};
  if (!stop.empty() && is_utf8(stop)) options.stops.push_back(stop);
  bool const cut = (settings & 32) != 0;
  demand(run(answer, options, cut, 0) == run(answer, options, cut, seed + 1u), "cuts do not matter");
  return 0;
}
