// SPDX-License-Identifier: Apache-2.0
// Any bytes as text, cut into spans. Encoding throws exactly for what is not UTF-8, loses nothing but what
// normalisation changes, and does not depend on where trusted text is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/text/byte_level_bpe.hpp"
#include "tests/text/small_tokenizer.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The text cut at bytes below 8 of `cuts`, which also say what is trusted: never, always, or by turns.
std::vector<tenon::text_span> cut(std::string_view text, unsigned cuts) {
  std::vector<tenon::text_span> spans;
  bool trusted = (cuts & 1U) != 0;
  while (!text.empty()) {
    std::size_t const size = std::min<std::size_t>(text.size(), 1 + (cuts >> 2U) % 17);
    spans.push_back({text.substr(0, size), trusted});
    text.remove_prefix(size);
    cuts = cuts * 31 + 7;
    if ((cuts & 2U) != 0) trusted = !trusted;
  }
  return spans;
}

/// U+FFFD never appears where the text is whole, and the text comes back from its ids in form C.
void check_round_trip(tenon::byte_level_bpe const& tokenizer, std::string_view text,
                      std::vector<tenon::token_id> const& ids) {
  std::string storage;
  std::string const once{tenon::nfc_normaliser{}.normalise(text, storage)};
  std::string const decoded = tokenizer.decode(ids, false);
  std::string decoded_storage;
  require(tenon::nfc_normaliser{}.normalise(decoded, decoded_storage) == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto const tokenizer = tenon::byte_level_bpe::parse(tenon::tests::small_tokenizer_json(), "small");
  if (size == 0) return 0;
  unsigned const cuts = data[0];
  std::string_view const text{reinterpret_cast<char const*>(data) + 1, size - 1};
  auto spans = cut(text, cuts);
  std::vector<tenon::token_id> ids;
  try {
    ids = tokenizer.encode(text);
  } catch (tenon::request_error const&) {
    require(tenon::utf8::find_invalid(text) != std::string_view::npos);
    try {
      tokenizer.encode(spans);
    } catch (tenon::request_error const&) {
      return 0;
    }
    std::abort();
  }
  require(tenon::utf8::find_invalid(text) == std::string_view::npos);
  check_round_trip(tokenizer, text, ids);
  check_round_trip(tokenizer, text, tokenizer.encode(spans));
  for (auto& span : spans) span.trusted = true;
  require(tokenizer.encode(spans) == ids);
  return 0;
}
