// SPDX-License-Identifier: Apache-2.0
// The cpu backend's matrix product against Eigen's, for one projection y = x * W^T and several numbers of
// activation rows, in one run: the two take turns and the best turn of each counts. Eigen has the
// instructions that the compiler was told to use (none beyond SSE2 unless CXXFLAGS=-march=native), the
// backend those of the machine. One JSON object a line.

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <ctime>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>

#include "benchmarks/cpu/read_stream.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cpu/matrix_product.hpp"
#include "tenon/precision/bf16.hpp"

namespace {

using namespace tenon;
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct problem {
  std::int64_t rows, features, k;
  std::vector<float> x, y;
  std::vector<float> weights;
  std::vector<bf16_t> narrow_weights;

  problem(std::int64_t m, std::int64_t n, std::int64_t inner)
      : rows{m},
        features{n},
        k{inner},
        x(static_cast<std::size_t>(m * inner)),
        y(static_cast<std::size_t>(m * n)),
        weights(static_cast<std::size_t>(n * inner)),
        narrow_weights(weights.size()) {
    std::mt19937 random{1};
    std::uniform_real_distribution<float> uniform{-1.0f, 1.0f};
    for (auto& value : x) value = uniform(random);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      narrow_weights[i] = bf16_t::from(uniform(random));
      weights[i] = narrow_weights[i];
    }
  }

  template <class Element> void own(cpu::context& ctx, std::vector<Element> const& w) {
    dense_matrix<Element> const matrix{w.data(), static_cast<std::int32_t>(features),
                                       static_cast<std::int32_t>(k)};
    cpu::matrix_product(ctx, x.data(), rows, matrix, [&](cpu::product_tile const& tile) {
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        std::copy_n(tile.values + i * tile.stride, tile.features,
                    y.data() + (tile.row + i) * features + tile.feature);
      }
    });
  }

  /// Eigen's product, features split over the same team.
  void eigen(cpu::context& ctx) {
    std::int64_t const part = ceil_div<std::int64_t>(features, ctx.team().size());
    Eigen::Map<row_major const> const input{x.data(), rows, k};
    Eigen::Map<row_major const> const matrix{weights.data(), features, k};
    Eigen::Map<row_major> output{y.data(), rows, features};
    ctx.team().run(ctx.team().size(), [&](std::int32_t i, int) {
      std::int64_t const begin = i * part;
      std::int64_t const count = std::min(part, features - begin);
      output.middleCols(begin, count).noalias() = input * matrix.middleRows(begin, count).transpose();
    });
  }
};

/// Wall-clock time, or the calling thread's processor time if it has no others.
template <class F> double seconds(cpu::context const& ctx, F const& f) {
  if (ctx.workers() > 1) return benchmarks::seconds(f);
  auto const now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  double const begin = now();
  f();
  return now() - begin;
}

void measure(cpu::context& ctx, problem& work, int rounds) {
  double own = 1e30;
  double narrow = 1e30;
  double eigen = 1e30;
  for (int round = 0; round < rounds; ++round) {
    own = std::min(own, seconds(ctx, [&] { work.own(ctx, work.weights); }));
    narrow = std::min(narrow, seconds(ctx, [&] { work.own(ctx, work.narrow_weights); }));
    eigen = std::min(eigen, seconds(ctx, [&] { work.eigen(ctx); }));
  }
  double const operations = 2e-9 * static_cast<double>(work.rows * work.features * work.k);
#if defined(__AVX512F__)
  char const* const compiled = "avx512";
#elif defined(__AVX2__)
  char const* const compiled = "avx2";
#else
  char const* const compiled = "sse2";
#endif
  std::printf(
      "{\"benchmark\": \"cpu/gemm\", \"shape\": [%d, %d, %d], \"threads\": %d, \"instructions\": \"%s\", "
      "\"fp32_gflop_s\": %.1f, \"bf16_gflop_s\": %.1f, \"eigen_fp32_gflop_s\": %.1f, \"eigen_compiled_for\": "
      "\"%s\", \"fp32_over_eigen\": %.2f, \"device\": \"%s\"}\n",
      static_cast<int>(work.rows), static_cast<int>(work.features), static_cast<int>(work.k),
      ctx.team().size(), std::string{name_of(ctx.instructions())}.c_str(), operations / own,
      operations / narrow, operations / eigen, compiled, eigen / own, benchmarks::processor_name().c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  namespace options = boost::program_options;
  int threads = 0;
  int rounds = 0;
  std::int64_t features = 0;
  std::int64_t k = 0;
  options::options_description known{"cpu/gemm"};
  known.add_options()("help", "show this")("threads", options::value(&threads)->default_value(0), "0: all")(
      "rounds", options::value(&rounds)->default_value(7), "the best counts")(
      "out", options::value(&features)->default_value(6144), "out_features")(
      "in", options::value(&k)->default_value(2048), "in_features");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  cpu::context ctx{{.threads = threads}};
  for (std::int64_t const rows : {1, 2, 4, 8, 16, 64, 128, 256}) {
    problem work{rows, features, k};
    measure(ctx, work, rounds);
  }
}
