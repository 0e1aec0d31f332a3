// SPDX-License-Identifier: Apache-2.0
// How fast one token's projections stream their weights, against plain reading of the same bytes in the same
// run. Both take turns, so that a neighbour's load disturbs both; the best turn of each counts. Prints one
// JSON object a line.

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "benchmarks/cpu/read_stream.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cpu/linear_residual.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"

namespace {

using namespace tenon;

struct settings {
  int threads = 0;
  double gigabytes = 2.0;
  int rounds = 5;
  std::int32_t out_features = 6144;
  std::int32_t in_features = 2048;
  std::int64_t rows = 1;
};

template <class P> void measure(cpu::context& ctx, buffer<cpu::backend> const& memory, settings const& with) {
  using weight = typename P::weight;
  std::size_t const matrix_bytes = static_cast<std::size_t>(with.out_features) *
                                   static_cast<std::size_t>(with.in_features) * sizeof(weight);
  std::size_t const matrices = memory.size() / matrix_bytes;
  ctx.reserve(with.in_features, with.out_features, 1, static_cast<std::int32_t>(with.rows));
  std::vector<typename P::activation> in(static_cast<std::size_t>(with.rows * with.in_features),
                                         round_to<typename P::activation>(0.5f));
  std::vector<float> out(static_cast<std::size_t>(with.rows * with.out_features));
  double best_read = 1e30;
  double best_product = 1e30;
  std::uint64_t sum = 0;
  for (int round = 0; round < with.rounds; ++round) {
    best_read = std::min(best_read, benchmarks::seconds([&] {
                           sum ^= benchmarks::read_stream(ctx, memory.data(), matrices * matrix_bytes);
                         }));
    best_product = std::min(
        best_product, benchmarks::seconds([&] {
          for (std::size_t i = 0; i < matrices; ++i) {
            dense_matrix<weight> const matrix{
                reinterpret_cast<weight const*>(memory.data() + i * matrix_bytes), with.out_features,
                with.in_features};
            cpu::linear_residual<P>(
                ctx, matrix_view<typename P::activation const>{in.data(), {with.rows, with.in_features}},
                matrix, {out.data(), {with.rows, with.out_features}}, false);
          }
        }));
  }
  double const bytes = static_cast<double>(matrices * matrix_bytes);
  std::printf(
      "{\"benchmark\": \"cpu/matvec\", \"precision\": \"%s\", \"instructions\": \"%s\", \"threads\": %d, "
      "\"rows\": %d, \"shape\": [%d, %d], \"gigabytes\": %.2f, \"read_gb_s\": %.1f, \"product_gb_s\": %.1f, "
      "\"of_read\": %.3f, \"device\": \"%s\", \"check\": %d}\n",
      std::string{P::name}.c_str(), std::string{name_of(ctx.instructions())}.c_str(), ctx.team().size(),
      static_cast<int>(with.rows), with.out_features, with.in_features, bytes * 1e-9,
      bytes / best_read * 1e-9, bytes / best_product * 1e-9, best_read / best_product,
      benchmarks::processor_name().c_str(), static_cast<int>(sum & 1u));
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;
  settings with;
  std::string precision;
  std::string set;
  options::options_description known{"cpu/matvec"};
  known.add_options()("help", "show this")("threads", options::value(&with.threads)->default_value(0),
                                           "0: all")("gigabytes",
                                                     options::value(&with.gigabytes)->default_value(2.0),
                                                     "of weights: more than the caches hold")(
      "rounds", options::value(&with.rounds)->default_value(5), "the best counts")(
      "rows", options::value(&with.rows)->default_value(1), "activation rows")(
      "out", options::value(&with.out_features)->default_value(6144), "out_features")(
      "in", options::value(&with.in_features)->default_value(2048), "in_features")(
      "instructions", options::value(&set)->default_value("avx512"), "at most: scalar, avx2 or avx512");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  auto at_most = cpu::instruction_set::avx512;
  if (set == name_of(cpu::instruction_set::avx2)) at_most = cpu::instruction_set::avx2;
  if (set == name_of(cpu::instruction_set::scalar)) at_most = cpu::instruction_set::scalar;
  cpu::context ctx{{.threads = with.threads, .at_most = at_most}};
  buffer<cpu::backend> const memory{ctx, static_cast<std::size_t>(with.gigabytes * 1e9)};
  std::memset(memory.data(), 0x3c, memory.size());
  measure<bf16>(ctx, memory, with);
  measure<fp16>(ctx, memory, with);
  measure<fp32>(ctx, memory, with);
}
