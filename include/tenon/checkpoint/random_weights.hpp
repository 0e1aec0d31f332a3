// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tenon/checkpoint/load_weights.hpp"
#include "tenon/checkpoint/matrix_loader.hpp"
#include "tenon/checkpoint/random_values.hpp"
#include "tenon/checkpoint/upload_queue.hpp"
#include "tenon/checkpoint/weight_layout.hpp"
#include "tenon/model/weights.hpp"

namespace tenon {

/// Weights without a file, for benchmarks: matrices uniform with standard deviation 1 / sqrt(in_features),
/// norm weights 1, biases uniform in [-1, 1). The same seed gives the same weights on every machine.
///
/// Throws options_error if the memory is not there, saying how much is missing, and device_error if the
/// device is not or cannot run this program.
template <class Recipe>
recipe_weights<Recipe> random_weights(decoder_parameters const& parameters, std::uint64_t seed,
                                      load_options<typename Recipe::backend> const& options = {}) {
  using backend_type = typename Recipe::backend;
  using embedding_element = typename Recipe::precision::activation;
  recipe_weights<Recipe> weights;
  carver counting;
  detail::lay_out(weights, counting);
  weights.context = detail::open_context<backend_type>(options, counting.used());
  weights.parameters = parameters;
  auto const layout = allocate_weights(weights);

  upload_queue<backend_type> queue;
  std::uint64_t stream = detail::mixed_bits(seed);
  add_random_values(const_cast<embedding_element*>(layout.embedding.data),
                    std::int64_t{layout.embedding.out_features} * layout.embedding.in_features,
                    random_limit(layout.embedding.in_features), ++stream, queue);
  for (auto const& slot : layout.matrices) {
    matrix_loader<typename Recipe::precision>::fill_random(slot.to, ++stream, queue);
  }
  for (auto const& slot : layout.vectors) {
    std::size_t count = 0;
    for (auto const& part : slot.parts) count += static_cast<std::size_t>(part.count);
    if (slot.is_norm) {
      queue.add(count * sizeof(float), [to = slot.to, count](upload_lane<backend_type>& lane) {
        auto const ones = lane.template target_scratch<float>(count);
        std::ranges::fill(ones, 1.0f);
        lane.upload(to, std::as_bytes(ones));
      });
    } else {
      add_random_values(slot.to, static_cast<std::int64_t>(count), 1.0f, ++stream, queue);
    }
  }
  queue.run(*weights.context, detail::loading_threads(options.threads), options.progress);
  return weights;
}

}  // namespace tenon
