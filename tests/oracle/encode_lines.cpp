// SPDX-License-Identifier: Apache-2.0
//
// encode_lines TOKENIZER: the C++ half of the oracle run (tests/oracle/tokenizer.py).
// Standard input: texts, each a 32-bit length and its bytes. Standard output: for each a 32-bit count and as
// many 32-bit ids. All numbers are little-endian.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "tenon/text/byte_level_bpe.hpp"

static_assert(std::endian::native == std::endian::little);

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: encode_lines TOKENIZER\n";
    return 2;
  }
  std::ios::sync_with_stdio(false);
  auto const tokenizer = tenon::byte_level_bpe::load(argv[1]);
  std::string text;
  std::vector<tenon::token_id> ids;
  std::uint32_t length = 0;
  while (std::cin.read(reinterpret_cast<char*>(&length), sizeof length)) {
    text.resize(length);
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(length))) {
      std::cerr << "encode_lines: the last text is cut short\n";
      return 1;
    }
    ids.clear();
    tokenizer.encode(text, ids);
    auto const count = static_cast<std::uint32_t>(ids.size());
    std::cout.write(reinterpret_cast<char const*>(&count), sizeof count);
    std::cout.write(reinterpret_cast<char const*>(ids.data()),
                    static_cast<std::streamsize>(ids.size() * sizeof(tenon::token_id)));
  }
  return std::cout.flush() ? 0 : 1;
} catch (std::exception const& error) {
  std::cerr << "encode_lines: " << error.what() << '\n';
  return 1;
}
