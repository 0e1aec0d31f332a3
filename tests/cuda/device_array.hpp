// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/random_batch.hpp"
#include "cpu/random_matrix.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cuda/backend.hpp"

namespace tenon::testing {

/// A context whose ops have scratch memory for these sizes.
struct device_context {
  cuda::context ctx;
  buffer<cuda::backend> scratch;

  explicit device_context(scratch_sizes const& sizes) : scratch{ctx, cuda::context::scratch_bytes(sizes)} {
    ctx.use_scratch(scratch.data(), sizes);
  }
};

/// Elements in device memory.
template <class T> class device_array {
 public:
  device_array(cuda::context& ctx, std::vector<T> const& values)
      : ctx_{&ctx}, memory_{ctx, values.size() * sizeof(T)}, count_{values.size()} {
    ctx.copy_in(memory_.data(), values.data(), count_ * sizeof(T));
  }
  /// Every byte is 0xff: NaN in every type of float, so that what an op forgets to write is found.
  device_array(cuda::context& ctx, std::size_t count) : device_array(ctx, std::vector<T>(poisoned(count))) {}

  T* data() const { return reinterpret_cast<T*>(memory_.data()); }
  std::size_t size() const { return count_; }

  std::vector<T> values() const {
    std::vector<T> result(count_);
    ctx_->copy_out(result.data(), memory_.data(), count_ * sizeof(T));
    return result;
  }

 private:
  static std::vector<T> poisoned(std::size_t count) {
    std::vector<T> values(count);
    auto* const bytes = reinterpret_cast<unsigned char*>(values.data());
    for (std::size_t i = 0; i < count * sizeof(T); ++i) bytes[i] = 0xff;
    return values;
  }

  cuda::context* ctx_;
  buffer<cuda::backend> memory_;
  std::size_t count_;
};

/// A copy of a random matrix in device memory.
template <class Element> struct device_matrix {
  device_array<Element> array;
  std::int32_t rows, columns;

  device_matrix(cuda::context& ctx, random_matrix<Element> const& from)
      : array{ctx, from.values}, rows{from.rows}, columns{from.columns} {}

  dense_matrix<Element> weights() const { return {array.data(), rows, columns}; }
  matrix_view<Element> view() const { return {array.data(), {rows, columns}}; }
  vector_view<Element const> vector() const {
    return {array.data(), {static_cast<std::int64_t>(rows) * columns}};
  }
};

/// A copy of a random batch in device memory.
struct device_batch {
  batch_shape shape;
  device_array<token_id> ids, slot_ids;
  device_array<slot_id> id_slots;
  device_array<std::int32_t> positions, token_rows, row_begin, context, page_begin, rope_sets, logit_tokens,
      table;

  device_batch(cuda::context& ctx, random_batch& from)
      : shape{from.view().shape},
        ids{ctx, from.ids},
        slot_ids{ctx, from.slot_ids},
        id_slots{ctx, from.id_slots},
        positions{ctx, from.positions},
        token_rows{ctx, from.token_rows},
        row_begin{ctx, from.row_begin},
        context{ctx, from.context},
        page_begin{ctx, from.page_begin},
        rope_sets{ctx, from.rope_sets},
        logit_tokens{ctx, from.logit_tokens},
        table{ctx, from.table} {}

  batch_view view() const {
    batch_view batch;
    batch.shape = shape;
    batch.ids = ids.data();
    batch.slot_ids = slot_ids.data();
    batch.id_slots = id_slots.data();
    batch.positions = positions.data();
    batch.token_rows = token_rows.data();
    batch.row_begin = row_begin.data();
    batch.context = context.data();
    batch.page_begin = page_begin.data();
    batch.rope_sets = rope_sets.data();
    batch.logit_tokens = logit_tokens.data();
    batch.table = table.data();
    return batch;
  }
};

}  // namespace tenon::testing
