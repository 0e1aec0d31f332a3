// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/backend/backend.hpp"
#include "tenon/backend/decoder_ops.hpp"
#include "tenon/cache/cache_policy.hpp"
#include "tenon/launch/launch_policy.hpp"
#include "tenon/model/forward_policy.hpp"
#include "tenon/model/model_spec.hpp"
#include "tenon/parallel/parallel_policy.hpp"
#include "tenon/precision/precision_policy.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"

namespace tenon {

/// Whether sums may depend on how many rows run together.
enum class numerics { fastest, batch_invariant };

namespace requirement {

template <class R>
concept names_every_axis = requires {
  typename R::backend;
  typename R::model;
  typename R::precision;
  typename R::cache;
  typename R::attention;
  typename R::sampler;
  typename R::scheduler;
  typename R::launch;
  typename R::parallel;
  typename R::forward;
  { R::numerics } -> std::convertible_to<numerics>;
};

template <class R>
using recipe_view = typename R::cache::template view<typename R::model, typename R::precision>;

template <class R>
concept has_a_model = model_spec<typename R::model>;

template <class R>
concept has_a_backend = backend<typename R::backend>;

template <class R>
concept has_a_precision = precision_policy<typename R::precision>;

template <class R>
concept has_a_cache = cache_policy<typename R::cache, typename R::model, typename R::precision>;

template <class R>
concept backend_has_the_ops = has_decoder_ops<typename R::backend, typename R::precision, recipe_view<R>>;

template <class R>
concept has_an_attention = attention_policy<typename R::attention, typename R::model, typename R::precision,
                                            recipe_view<R>, typename R::backend>;

template <class R>
concept has_a_sampler = sampler_policy<typename R::sampler, typename R::backend>;

template <class R>
concept has_a_scheduler = scheduler_policy<typename R::scheduler, typename R::cache::ledger>;

template <class R>
concept has_a_launch = launch_policy<typename R::launch, typename R::backend>;

template <class R>
concept has_a_parallel = parallel_policy<typename R::parallel, typename R::backend>;

template <class R>
concept has_a_forward =
    forward_policy<typename R::forward, typename R::attention, typename R::model, typename R::precision,
                   typename R::backend, recipe_view<R>, typename R::parallel>;

/// A launch policy that replays recordings needs attention whose work follows from the batch's shape alone.
template <class R>
concept replay_has_capturable_attention = !R::launch::captures || R::attention::capturable;

/// Every rank holds a whole number of key/value heads and of ffn columns.
template <class R>
concept shards_evenly =
    R::model::shape.kv_heads % R::parallel::world == 0 && R::model::shape.ffn % R::parallel::world == 0 &&
    R::model::shape.vocabulary % R::parallel::world == 0;

}  // namespace requirement

/// A choice for every axis, by name. The compiler refuses what does not fit together and names the clause.
template <class R>
concept recipe =
    requirement::names_every_axis<R> && requirement::has_a_model<R> && requirement::has_a_backend<R> &&
    requirement::has_a_precision<R> && requirement::has_a_cache<R> && requirement::backend_has_the_ops<R> &&
    requirement::has_an_attention<R> && requirement::has_a_sampler<R> && requirement::has_a_scheduler<R> &&
    requirement::has_a_launch<R> && requirement::has_a_parallel<R> && requirement::has_a_forward<R> &&
    requirement::replay_has_capturable_attention<R> && requirement::shards_evenly<R>;

template <recipe R> inline constexpr bool is_recipe = true;

}  // namespace tenon
