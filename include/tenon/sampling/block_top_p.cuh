// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/sampling/block_modify.cuh"
#include "tenon/sampling/block_row.cuh"
#include "tenon/sampling/block_select.cuh"
#include "tenon/sampling/block_team.cuh"
#include "tenon/sampling/philox.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/sampling/seen_ids.hpp"

namespace tenon {
namespace block_sampling {

/// The largest top_k whose ids are listed straight away; above it, and without
/// top_k, a histogram finds the cut. With 96 of 128 groups a list is expected
/// to hold 177 ids.
inline constexpr std::int32_t most_listed = 96;
static_assert(max_logprobs <= most_listed && most_listed <= row_groups);

struct sampling_job {
  batch_view batch;
  float const* logits;  // [logit_rows, vocabulary]
  std::int32_t vocabulary;
  std::int32_t first_row;
  seen_ids seen;
  sampled_view out;
  team_links links;
};

/// One block's work on one row.
template <class Team> class row_sampler {
 public:
  __device__ row_sampler(sampling_job const& job, row_block<Team> const& block, std::int32_t row_index)
      : job_{job}, block_{block}, row_{block_.shared.row}, index_{row_index} {}

  __device__ __forceinline__ void run() {
    auto mine = block_.load(unmodified());
    bool const lists = row_.logprobs >= 0;
    if (lists) {
      block_.exchange_best(mine);
      write_alternatives();
    }
    auto const counts = recall_history(block_, job_.batch, job_.seen);
    bool const changes = modifies(row_, counts);
    if (row_.forced != no_token) {
      block_.team.sync();  // every block has counted its part of the history
      if (is_first_thread()) finish(row_.forced);
    } else {
      if (changes) {
        modify(block_, job_.batch, counts, job_.vocabulary);
        mine = block_.best_of_thread();
      }
      if (changes || !lists) block_.exchange_best(mine);
      choose();
    }
    block_.team.sync();  // shared memory lives until no block reads it any more
  }

 private:
  __device__ float const* unmodified() const {
    return job_.logits + static_cast<std::ptrdiff_t>(row_.logit_row) * job_.vocabulary;
  }
  __device__ bool is_first_thread() const { return block_.team.rank() == 0 && threadIdx.x == 0; }

  /// The k most likely ids, k <= most_listed, among at least as many in the
  /// pool; returns how many it holds.
  __device__ int gather_best(std::int32_t k) {
    candidate least{k > 0 ? block_.threshold(k) : std::numeric_limits<float>::infinity(), last_id};
    int size = gather(block_, least.logit, [&](candidate c) { return kept_by(least, c); });
    if (size < 0) {
      least = last_within(block_, no_cut(), measure{}, {.count = static_cast<mass_t>(k)});
      size = gather(block_, least.logit, [&](candidate c) { return kept_by(least, c); });
    }
    return size;
  }

  /// How many ids of the pool come before `c`.
  __device__ std::int32_t rank_in_pool(int size, candidate c) const {
    std::int32_t rank = 0;
    for (int j = 0; j < size; ++j) rank += precedes(block_.shared.pool[j], c) ? 1 : 0;
    return rank;
  }

  __device__ void write_alternatives() {
    candidate const best = block_.best();
    row_weight const weight{best.logit, 1.0f};
    mass_t mine = 0;
    block_.for_each(weight.floor(), [&](candidate c) {
      if (c.logit > never) mine += weight.mass(c.logit);
    });
    auto const sum = sum_of_block(mine, block_.shared.warp_sums);
    if (threadIdx.x == 0) block_.shared.mail.normaliser = sum.total;
    block_.team.publish(&block_.shared.mail.normaliser, 1);
    int const size = gather_best(row_.logprobs);
    mass_t total = 0;
    for (int r = 0; r < row_blocks; ++r) total += block_.team.read(r, block_.shared.mail.normaliser);
    normaliser_ = static_cast<double>(best.logit) + log(static_cast<double>(total) / mass_of_one);
    if (block_.team.rank() != 0) return;
    token_id* const ids = job_.out.top_ids + static_cast<std::ptrdiff_t>(index_) * max_logprobs;
    float* const logprobs = job_.out.top_logprobs + static_cast<std::ptrdiff_t>(index_) * max_logprobs;
    auto const i = static_cast<int>(threadIdx.x);
    if (i < size) {
      candidate const c = block_.shared.pool[i];
      std::int32_t const rank = rank_in_pool(size, c);
      if (rank < row_.logprobs) {
        ids[rank] = c.id;
        logprobs[rank] = static_cast<float>(static_cast<double>(c.logit) - normaliser_);
      }
    } else if (i < row_.logprobs) {
      ids[i] = no_token;
      logprobs[i] = never;
    }
  }

  __device__ void choose() {
    candidate const best = block_.best();
    if (best.logit == never || row_.temperature == 0.0f || row_.top_k == 1) {
      if (is_first_thread()) finish(best.logit == never ? no_token : best.id);
      return;
    }
    row_weight const weight{best.logit, row_.temperature};
    bool const cuts_count = row_.top_k > 0 && row_.top_k < job_.vocabulary;
    if (cuts_count && row_.top_k <= most_listed) {
      int const size = gather_best(row_.top_k);
      if (block_.team.rank() == 0) draw_from_pool(size, weight);
      return;
    }
    candidate cut = no_cut();
    if (cuts_count) {
      auto const k = static_cast<mass_t>(row_.top_k);
      cut = last_within(block_, cut, measure{}, {.count = k});
    }
    if (row_.top_p < 1.0f) {
      cut = last_within(block_, cut, measure{true, weight}, nucleus());
    }
    draw(weight, cut);
  }

  __device__ goal nucleus() const { return {.count = 0, .share = row_.top_p}; }

  /// The first mass, in order of ids, that the draw does not reach beyond.
  __device__ mass_t drawn_mass(mass_t total) const {
    double const uniform = uniform_draw(row_.seed, row_.choice, row_.position);
    return static_cast<mass_t>(uniform * static_cast<double>(total));
  }

  /// Every thread has one id of the pool: cuts it down to top_k and top_p, then
  /// draws. The first block alone.
  __device__ void draw_from_pool(int size, row_weight const& weight) {
    auto& shared = block_.shared;
    auto const i = static_cast<int>(threadIdx.x);
    bool const has_id = i < size;
    candidate const mine = has_id ? shared.pool[i] : no_cut();
    float const own_weight = has_id ? weight(mine.logit) : 0.0f;
    mass_t const own_mass = row_weight::mass_of(own_weight);
    if (has_id) shared.masses[i] = own_mass;
    __syncthreads();
    int rank = 0;
    mass_t before = 0;  // what precedes a kept id is kept
    if (has_id) {
#pragma unroll 8
      for (int j = 0; j < size; ++j) {
        bool const ahead = precedes(shared.pool[j], mine);
        rank += ahead ? 1 : 0;
        before += ahead ? shared.masses[j] : 0;
      }
      if (rank == min(row_.top_k, size) - 1) shared.found_before = before + own_mass;
    }
    __syncthreads();
    bool kept = has_id && rank < row_.top_k && own_weight >= row_.min_p;
    if (row_.top_p < 1.0f) kept = kept && before < nucleus().of(shared.found_before);
    if (has_id) shared.masses[i] = kept ? own_mass : 0;
    __syncthreads();
    if (!kept || own_mass == 0) return;
    mass_t reached = 0;
    mass_t total = 0;
#pragma unroll 8
    for (int j = 0; j < size; ++j) {
      mass_t const held = shared.masses[j];
      reached += shared.pool[j].id < mine.id ? held : 0;
      total += held;
    }
    mass_t const target = drawn_mass(total);
    if (reached <= target && target < reached + own_mass) finish(mine.id);
  }

  /// Draws among the ids that `cut` keeps: sums in order of ids over threads,
  /// then blocks; the thread that the draw falls to walks its segment.
  __device__ void draw(row_weight const& weight, candidate cut) {
    auto const mass = [&](candidate c) -> mass_t {
      if (!kept_by(cut, c) || c.logit - weight.largest < -32.0f * weight.temperature) return 0;
      float const own = weight(c.logit);
      return own >= row_.min_p ? row_weight::mass_of(own) : 0;
    };
    mass_t mine = 0;
    block_.for_segment([&](candidate c) {
      mine += mass(c);
      return true;
    });
    auto const sum = sum_of_block(mine, block_.shared.warp_sums);
    auto& mail = block_.shared.mail;
    if (threadIdx.x == 0) mail.drawn = sum.total;
    block_.team.publish(&mail.drawn, 1);
    block_.team.sync();
    mass_t total = 0;
    mass_t reached = sum.before;
#pragma unroll
    for (int r = 0; r < row_blocks; ++r) {
      mass_t const held = block_.team.read(r, mail.drawn);
      if (r < block_.team.rank()) reached += held;
      total += held;
    }
    mass_t const target = drawn_mass(total);
    if (target < reached || target >= reached + mine) return;
    block_.for_segment([&](candidate c) {
      reached += mass(c);
      if (target < reached) finish(c.id);
      return target >= reached;
    });
  }

  /// Writes what was chosen. One thread of the row calls it, after a meeting of
  /// all blocks that follows their use of the slot's counts.
  __device__ void finish(token_id id) const {
    job_.out.ids[index_] = id;
    bool const in_vocabulary = id >= 0 && id < job_.vocabulary;
    if (row_.logprobs >= 0) {
      job_.out.logprobs[index_] =
          in_vocabulary
              ? static_cast<float>(static_cast<double>(usable_logit(unmodified()[id])) - normaliser_)
              : never;
    }
    if (row_.slot == no_slot) return;
    job_.batch.slot_ids[row_.slot] = id == no_token ? 0 : id;
    if (row_.penalises()) {
      auto const slot = static_cast<std::size_t>(row_.slot);
      if (in_vocabulary) {
        ++job_.seen.words[slot * static_cast<std::size_t>(job_.vocabulary) + static_cast<std::size_t>(id)];
      }
      job_.seen.used[slot] = 1;
    } else if (row_.resets_slot != 0) {
      job_.seen.used[row_.slot] = 0;
    }
  }

  sampling_job const& job_;
  row_block<Team> block_;
  sampling_row const& row_;
  std::int32_t index_;
  double normaliser_ = 0.0;
};

/// Grid (row_blocks, rows), block_threads threads, shared_bytes(vocabulary) of
/// shared memory.
template <class Team>
__global__ void __launch_bounds__(block_threads, 2)
    sample_rows_kernel(__grid_constant__ sampling_job const job) {
  cuda::let_next_start();
  cuda::wait_for_previous();
  auto& shared = shared_of_block();
  auto const team = Team::join(job.links, &shared.mail);
  std::int32_t const index = job.first_row + team.row();
  constexpr int row_words = sizeof(sampling_row) / 4;
  if (threadIdx.x < row_words) {
    reinterpret_cast<std::uint32_t*>(&shared.row)[threadIdx.x] =
        __ldcg(reinterpret_cast<std::uint32_t const*>(job.batch.sampling + index) + threadIdx.x);
  }
  if (threadIdx.x == 0) shared.turn = 0;
  __syncthreads();
  std::int32_t const ids = chunk_ids(job.vocabulary);
  std::int32_t const begin = min(team.rank() * ids, job.vocabulary);
  row_sampler<Team>{job, row_block_of(team, begin, min(ids, job.vocabulary - begin)), index}.run();
}

}  // namespace block_sampling

/// `top_p` on the device: the same parameters, order of application, ties and
/// random numbers. Eight blocks share a row and keep it in shared memory, so
/// that its logits are read once; up to 300,000 ids fit where a block may have
/// 227 KiB.
///
/// Weights are the device's exponentials and sums are exact, so that an id
/// differs from the host's sampler only where a cut or a draw falls within
/// rounding of a border: docs/concepts/sampler_policy.md has how often.
struct block_top_p {
  /// Rows that blocks without clusters work on at one time: bounds what they
  /// meet through.
  static constexpr std::int32_t most_linked_rows = 64;

  struct state {
    seen_ids seen;
    block_sampling::team_links links;
    std::int32_t linked_rows = 0;
  };

  static constexpr std::string_view name = "block_top_p";

  static bool serves(sampling_row const& row) noexcept { return row.logprobs <= max_logprobs; }

  static state make_state(carver& memory, std::int32_t slots, std::int32_t vocabulary) {
    using namespace block_sampling;
    state made;
    made.linked_rows = std::clamp(slots, 1, most_linked_rows);
    made.seen = seen_ids::make(memory, slots, vocabulary);
    made.links.box_bytes = round_up(sizeof(mailbox), buffer_alignment);
    made.links.boxes = memory.take<std::byte>(checked_size{made.linked_rows} * checked_size{row_blocks} *
                                              checked_size{made.links.box_bytes});
    made.links.counters = memory.take<std::uint32_t>(checked_size{1 + 2 * made.linked_rows});
    return made;
  }

  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    if (ctx.properties().compute_capability >= 90) {
      run_teams<block_sampling::cluster_team>(ctx, batch, logits, state, out, batch.shape.sample_rows);
    } else if constexpr (cuda::lowest_compute_capability < 90) {  // the kernel takes long to compile
      run_teams<block_sampling::counter_team>(ctx, batch, logits, state, out, state.linked_rows);
    }
  }

  /// The same with blocks that meet as `Team` says, `rows_a_launch` rows at one
  /// time.
  template <class Team>
  static void run_teams(cuda::context& ctx, batch_view const& batch, matrix_view<float const> logits,
                        state const& state, sampled_view const& out, std::int32_t rows_a_launch) {
    using namespace block_sampling;
    auto const vocabulary = static_cast<std::int32_t>(logits.extent(1));
    for (std::int32_t first = 0; first < batch.shape.sample_rows; first += rows_a_launch) {
      sampling_job const job{batch, logits.data, vocabulary, first, state.seen, out, state.links};
      auto const rows = static_cast<unsigned>(std::min(rows_a_launch, batch.shape.sample_rows - first));
      cuda::launch_in_clusters<sample_rows_kernel<Team>>(
          ctx, Team::is_cluster ? row_blocks : 1, dim3(row_blocks, rows), dim3(block_threads),
          shared_bytes(vocabulary), cuda::ordering::dependent, job);
    }
  }
};

}  // namespace tenon
