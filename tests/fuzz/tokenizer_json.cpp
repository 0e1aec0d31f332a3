// SPDX-License-Identifier: Apache-2.0
// Any bytes as a tokenizer.json: either a load_error that names the file, or a tokenizer that works.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tenon/text/byte_level_bpe.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const json{reinterpret_cast<char const*>(data), size};
  try {
    auto const tokenizer = tenon::byte_level_bpe::parse(json, "fuzz");
    std::string_view const text = "hello world<|end|>[x] caf\xC3\xA9\n\n\n";
    auto const ids = tokenizer.encode(text);
    for (auto const id : ids) {
      if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocabulary_size()) std::abort();
    }
    if (tokenizer.decode(ids, false).empty()) std::abort();
  } catch (tenon::load_error const& error) {
    if (error.where() != "fuzz") std::abort();
  }
  return 0;
}
