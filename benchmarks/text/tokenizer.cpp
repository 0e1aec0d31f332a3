// SPDX-License-Identifier: Apache-2.0
//
// tokenizer TOKENIZER [TEXT...]: the C++ half of benchmarks/text/tokenizer.py, which says how to run it.
// Without a TEXT it times loading: the file read and parsed by Boost.JSON against the whole tokenizer, in
// turns. TEXT holds documents, each a 32-bit length and its bytes. Prints one JSON object a line.
#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/text/byte_level_bpe.hpp"

namespace {

constexpr int repetitions = 5;

/// Processor time of one thread: what others do on the machine counts little.
template <class Action> double seconds(Action&& action) {
  auto const begin = std::clock();
  action();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string read(std::string const& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{path + ": expected a readable file"};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  return content;
}

/// Reading with the size known, as the tokenizer itself reads: the baseline is not to be slow.
std::string read_at_once(std::string const& path) {
  std::ifstream file{path, std::ios::binary | std::ios::ate};
  std::string content(static_cast<std::size_t>(file.tellg()), '\0');
  file.seekg(0);
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

std::vector<std::string> documents_of(std::string const& path) {
  std::string const content = read(path);
  std::vector<std::string> documents;
  for (std::size_t at = 0; at + 4 <= content.size();) {
    std::uint32_t length = 0;
    std::memcpy(&length, content.data() + at, 4);
    documents.push_back(content.substr(at + 4, length));
    at += 4 + length;
  }
  return documents;
}

void time_loading(std::string const& directory) {
  std::string const path = directory + "/tokenizer.json";
  double parse_heap = 1e9;
  double parse_monotonic = 1e9;
  double load = 1e9;
  for (int i = 0; i < 4 * repetitions; ++i) {
    parse_heap = std::min(parse_heap, seconds([&] { boost::json::parse(read_at_once(path)); }));
    parse_monotonic = std::min(parse_monotonic, seconds([&] {
                                 boost::json::monotonic_resource memory;
                                 boost::json::parse(read_at_once(path), &memory);
                               }));
    load = std::min(load, seconds([&] { tenon::byte_level_bpe::load(directory); }));
  }
  std::cout << "{\"load_ms\": " << load * 1e3 << ", \"read_and_parse_ms\": " << parse_heap * 1e3
            << ", \"read_and_parse_in_one_arena_ms\": " << parse_monotonic * 1e3
            << ", \"ratio\": " << load / std::min(parse_heap, parse_monotonic) << "}\n";
}

void time_encoding(tenon::byte_level_bpe const& tokenizer, std::string const& path) {
  auto const documents = documents_of(path);
  std::size_t bytes = 0;
  std::size_t ids = 0;
  for (auto const& document : documents) bytes += document.size();
  double best = 1e9;
  double first = 0;
  for (int i = 0; i < repetitions; ++i) {
    ids = 0;
    double const took = seconds([&] {
      for (auto const& document : documents) ids += tokenizer.encode(document).size();
    });
    if (i == 0) first = took;
    best = std::min(best, took);
  }
  std::cout << "{\"bytes\": " << bytes << ", \"ids\": " << ids << ", \"first_seconds\": " << first
            << ", \"seconds\": " << best << "}\n";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: tokenizer TOKENIZER [TEXT...]\n";
    return 2;
  }
  if (argc == 2) {
    time_loading(argv[1]);
    return 0;
  }
  auto const tokenizer = tenon::byte_level_bpe::load(argv[1]);
  for (int i = 2; i < argc; ++i) time_encoding(tokenizer, argv[i]);
  return 0;
} catch (std::exception const& error) {
  std::cerr << "tokenizer: " << error.what() << '\n';
  return 1;
}
