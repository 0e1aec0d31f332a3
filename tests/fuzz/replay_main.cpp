// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: fuzz_<stem> [--mutations N] FILE|DIRECTORY...
// Every file is one input; then N mutated inputs follow, drawn from the files with the seed TENON_TEST_SEED (default 1)
// and scaled by TENON_TEST_SCALE. The input that ends the process is left in the file fuzz_<stem>.crash.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

using input = std::vector<std::uint8_t>;

input read_file(std::filesystem::path const& path) {
  std::ifstream stream{path, std::ios::binary};
  if (!stream) throw std::runtime_error{path.string() + ": expected a readable file"};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// The files named by `path`: itself, or every file below it in the order of their names.
std::vector<input> read_inputs(std::filesystem::path const& path) {
  if (!std::filesystem::exists(path)) throw std::runtime_error{path.string() + ": expected a corpus, found nothing"};
  if (!std::filesystem::is_directory(path)) return {read_file(path)};
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::recursive_directory_iterator{path}) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<input> inputs;
  for (auto const& file : files) inputs.push_back(read_file(file));
  return inputs;
}

/// One input out of two: some bytes changed, a piece left out, or a piece of `other` put in.
input mutate(input data, input const& other, std::mt19937_64& random) {
  auto const below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>{0, end}(random); };
  auto const at = [](std::size_t offset) { return static_cast<std::ptrdiff_t>(offset); };
  for (auto rounds = below(4) + 1; rounds > 0; --rounds) {
    auto const begin = below(data.size());
    auto const end = begin + below(std::min<std::size_t>(data.size() - begin, 64));
    switch (below(3)) {
      case 0:
        for (auto i = begin; i < end; ++i) data[i] = static_cast<std::uint8_t>(below(255));
        break;
      case 1:
        data.erase(data.begin() + at(begin), data.begin() + at(end));
        break;
      case 2: {
        auto const from = below(other.size());
        auto const count = below(std::min<std::size_t>(other.size() - from, 64));
        data.insert(data.begin() + at(begin), other.begin() + at(from), other.begin() + at(from + count));
        break;
      }
      default:
        if (begin < data.size()) data[begin] ^= static_cast<std::uint8_t>(1U << below(7));
        break;
    }
  }
  return data;
}

/// Runs `data`; the copy at `crash_file` is what remains if the target ends the process.
void run(input const& data, std::filesystem::path const& crash_file) {
  {
    std::ofstream stream{crash_file, std::ios::binary};
    for (auto byte : data) stream.put(static_cast<char>(byte));
  }
  LLVMFuzzerTestOneInput(data.data(), data.size());
}

double environment_or(char const* name, double otherwise) {
  auto const* text = std::getenv(name);
  return text != nullptr ? std::stod(text) : otherwise;
}

int replay(std::filesystem::path const& crash_file, std::vector<std::string_view> const& arguments) {
  std::vector<input> inputs{input{}};
  double mutations = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--mutations" && i + 1 < arguments.size()) {
      mutations = std::stod(std::string{arguments[++i]}) * environment_or("TENON_TEST_SCALE", 1);
    } else {
      for (auto& data : read_inputs(arguments[i])) inputs.push_back(std::move(data));
    }
  }
  for (auto const& data : inputs) run(data, crash_file);

  auto const seed = static_cast<std::uint64_t>(environment_or("TENON_TEST_SEED", 1));
  std::mt19937_64 random{seed};
  auto const any = [&]() -> input const& { return inputs[random() % inputs.size()]; };
  auto const count = static_cast<std::uint64_t>(mutations);
  for (std::uint64_t i = 0; i < count; ++i) run(mutate(any(), any(), random), crash_file);
  std::filesystem::remove(crash_file);
  std::cout << inputs.size() << " inputs and " << count << " mutations of them (seed " << seed << ") passed\n";
  return 0;
}

}  // namespace

int main(int argc, char* argv[]) try {
  return replay(std::filesystem::path{argv[0]}.filename().string() + ".crash", {argv + 1, argv + argc});
} catch (std::exception const& failure) {
  std::cerr << argv[0] << ": " << failure.what() << '\n';
  return 1;
}
