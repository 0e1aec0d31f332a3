// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <random>

#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

namespace tenon::testing {

/// Compares op(ctx, batch, x, norm, head, epsilon, logits), which is or is part of `norm_head`, with the
/// CPU's for random numbers and a random batch of at most `most_rows` rows with logits.
template <class P, class Op>
void check_norm_head(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden,
                     std::int32_t vocabulary, std::int32_t most_rows, Op const& op) {
  device_context device{{.hidden = hidden, .max_tokens = tokens, .max_rows = tokens}};
  random_batch batch{random, tokens, 10, 2 * tokens, 16};
  random_matrix<float> const x{random, tokens, hidden, 0.2f, 2.0f};
  random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  random_matrix<typename P::weight> const head{random, vocabulary, hidden, 0.0f, 0.05f};
  random_matrix<float> logits{random, static_cast<std::int64_t>(batch.logit_tokens.size()) + 1, vocabulary};
  device_batch const device_batch{device.ctx, batch};
  device_matrix const device_x{device.ctx, x};
  device_matrix const device_norm{device.ctx, norm};
  device_matrix const device_head{device.ctx, head};
  device_matrix const device_logits{device.ctx, logits};
  if (device_batch.view().shape.logit_rows > most_rows) return;
  op(device.ctx, device_batch.view(), device_x.view(), device_norm.vector(), device_head.weights(), 0.02f,
     device_logits.view());
  reference::norm_head<P>(batch.view(), x.view(), norm.vector(), head.weights(), 0.02f, logits.view());
  // A normalised value on the edge between two roundings may fall either way.
  BOOST_TEST(relative_error(device_logits.array.values(), logits.values) < rounding_tolerance<P> / 4,
             P::name << ", tokens " << tokens << ", logit rows " << batch.logit_tokens.size() << ", hidden "
                     << hidden << ", vocabulary " << vocabulary);
}

}  // namespace tenon::testing
