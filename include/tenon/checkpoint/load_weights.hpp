// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tenon/backend/buffer.hpp"
#include "tenon/checkpoint/background_arrival.hpp"
#include "tenon/checkpoint/dense_tensor.hpp"
#include "tenon/checkpoint/generation_config.hpp"
#include "tenon/checkpoint/matrix_loader.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/checkpoint/safetensors.hpp"
#include "tenon/checkpoint/upload_queue.hpp"
#include "tenon/checkpoint/weight_layout.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/model/weights.hpp"

namespace tenon {

/// The weights that a recipe asks for. `Recipe` is any type with members `model`, `precision` and `backend`.
template <class Recipe>
using recipe_weights =
    model_weights<typename Recipe::model, typename Recipe::precision, typename Recipe::backend>;

template <backend B> struct load_options {
  typename B::context_options context{};
  unsigned threads = 0;  ///< that read and convert; 0: up to 8, as many as the machine has
  load_progress progress{};
  std::size_t also_needed = 0;  ///< bytes of device memory that must be left when the weights are there
};

namespace detail {

inline unsigned loading_threads(unsigned asked) {
  return asked != 0 ? asked : std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
}

inline std::string spelled(expected_tensor const& tensor) {
  std::string text;
  for (auto type : tensor.types) {
    if (!text.empty()) text += '|';
    for (char letter : name_of(type))
      text += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return text + " " + tenon::spelled(std::span{tensor.shape});
}

/// Throws options_error where a device says how much memory is free and it does not suffice.
template <class Context>
void check_memory(Context const& context, std::size_t weights, std::size_t also_needed) {
  if constexpr (requires { context.free_bytes(); }) {
    auto const needed = (checked_size{weights} + checked_size{also_needed}).value();
    std::size_t const free = context.free_bytes();
    if (free >= needed) return;
    throw options_error{"device memory: expected " + std::to_string(needed) + " free bytes (weights " +
                        std::to_string(weights) + ", cache and workspace " + std::to_string(also_needed) +
                        "), found " + std::to_string(free) + ": " + std::to_string(needed - free) +
                        " are missing"};
  }
}

/// A context on which `weights` bytes will find room. Throws options_error or device_error, with nothing
/// allocated, where the device is missing, cannot run this program, or has too little memory.
template <backend B>
std::unique_ptr<typename B::context> open_context(load_options<B> const& options, std::size_t weights) {
  auto context = std::make_unique<typename B::context>(options.context);
  if constexpr (requires { check_kernels(*context); }) check_kernels(*context);
  check_memory(*context, weights, options.also_needed);
  return context;
}

inline constexpr std::size_t most_surplus_names = 32;

/// Older exporters stored RoPE's inverse frequencies, which follow from the config.
inline bool is_harmless(std::string_view name) noexcept {
  return name.ends_with(".rotary_emb.inv_freq");
}

inline void append_problem(std::string& problems, std::string const& problem) {
  problems += (problems.empty() ? "" : "; ") + problem;
}

}  // namespace detail

/// Throws load_error that names every missing tensor, every one of the wrong type or shape, and every one
/// that nothing asked for (of many the first). `tolerated` is a name that may be there and is not read, or
/// empty.
template <weight_source S>
void check_tensors(S const& source, std::span<expected_tensor const> expected, std::string_view tolerated) {
  std::string problems;
  std::set<std::string, std::less<>> known;
  for (auto const& wanted : expected) {
    known.insert(wanted.name);
    auto const* found = source.find(wanted.name);
    if (found != nullptr && found->shape == wanted.shape &&
        std::ranges::count(wanted.types, found->type) != 0) {
      continue;
    }
    detail::append_problem(problems, "tensor '" + wanted.name + "': expected " + detail::spelled(wanted) +
                                         ", found " +
                                         (found == nullptr ? "no such tensor" : spelled(*found)));
  }
  std::size_t surplus = 0;
  for (auto const& name : source.names()) {
    if (known.contains(name) || name == tolerated || detail::is_harmless(name)) continue;
    if (++surplus > detail::most_surplus_names) continue;
    detail::append_problem(
        problems, "tensor " + quoted_name(name) + ": not expected, found " + spelled(*source.find(name)));
  }
  if (surplus > detail::most_surplus_names) {
    detail::append_problem(problems, std::to_string(surplus - detail::most_surplus_names) +
                                         " more tensors that were not expected");
  }
  if (!problems.empty()) throw load_error{source.where(), problems};
}

/// Throws load_error unless precision P can read what the config says was stored.
template <precision_policy P> void check_quantization(model_config const& config) {
  std::string const found = config.quant_method.value_or("");
  std::string const expected{matrix_loader<P>::quant_method};
  if (found == expected) return;
  throw load_error{config.where, found.empty()
                                     ? "precision '" + std::string{P::name} + "' expected quant_method '" +
                                           expected + "', found weights that are not quantized"
                                     : "quant_method " + quoted_name(found) +
                                           " is not supported by precision '" + std::string{P::name} + "'"};
}

namespace detail {

/// Memory for the weights that `source` has, and in `queue` all that fills it, which reads `source`.
template <class Recipe, weight_source S>
recipe_weights<Recipe> plan_weights(S const& source, decoder_parameters const& parameters,
                                    load_options<typename Recipe::backend> const& options,
                                    upload_queue<typename Recipe::backend>& queue) {
  using backend_type = typename Recipe::backend;
  using loader = matrix_loader<typename Recipe::precision>;
  recipe_weights<Recipe> weights;
  carver counting;  // all checks come before the first allocation
  auto const expected = expected_tensors(lay_out(weights, counting));
  check_tensors(source, expected, Recipe::model::shape.tied_embeddings ? "lm_head.weight" : "");
  weights.context = open_context<backend_type>(options, counting.used());
  weights.parameters = parameters;
  auto const layout = allocate_weights(weights);

  using embedding_element = typename Recipe::precision::activation;
  add_dense_tensor(source, *source.find(std::string{embedding_name} + ".weight"),
                   const_cast<embedding_element*>(layout.embedding.data), queue);
  for (auto const& slot : layout.matrices) {
    loader::load(source, std::span{slot.parts}, slot.to, queue);
  }
  for (auto const& slot : layout.vectors) {
    std::int64_t first = 0;
    for (auto const& part : slot.parts) {
      add_dense_tensor(source, *source.find(part.name), slot.to + first, queue);
      first += part.count;
    }
  }
  return weights;
}

/// The parameters of a checkpoint directory whose config.json fits `Recipe`.
template <class Recipe> decoder_parameters load_parameters(std::filesystem::path const& directory) {
  auto config = load_model_config(directory);
  check_quantization<typename Recipe::precision>(config);
  check_shape<typename Recipe::model>(config);
  config.parameters.stop_ids = load_generation_config(directory, config).stop_ids;
  return config.parameters;
}

}  // namespace detail

/// Loads the weights of a model from `source`, for the context, shape and type that `Recipe` names.
///
/// q, k and v and gate and up are stacked; norm weights and biases are widened to float. A tied checkpoint
/// may carry lm_head.weight: like the reference implementation, this does not read it. Throws load_error,
/// options_error or device_error; then nothing stays allocated.
template <class Recipe, weight_source S>
recipe_weights<Recipe> load_weights_from(S const& source, decoder_parameters const& parameters,
                                         load_options<typename Recipe::backend> const& options = {}) {
  upload_queue<typename Recipe::backend> queue;
  auto weights = detail::plan_weights<Recipe>(source, parameters, options, queue);
  queue.run(*weights.context, detail::loading_threads(options.threads), options.progress);
  return weights;
}

/// Loads a Hugging Face checkpoint directory: config.json is checked against `Recipe::model`, stop ids come
/// from generation_config.json where there is one, then the safetensors files are read. Throws load_error
/// that names the file, the key or the tensor.
template <class Recipe>
recipe_weights<Recipe> load_weights(std::filesystem::path const& directory,
                                    load_options<typename Recipe::backend> const& options = {}) {
  auto const parameters = detail::load_parameters<Recipe>(directory);
  safetensors_checkpoint const source{directory};
  return load_weights_from<Recipe>(source, parameters, options);
}

/// `load_weights` that returns when all is checked and all memory is taken: the weights come by themselves
/// while an engine is made of them, which has kernels to load and graphs to capture, and then waits for them.
/// Others call `weights.wait()` before they read any. Throws what `load_weights` throws; what only reading
/// finds is thrown by the wait. `options.progress` is called until then, from other threads. On a backend
/// that loads no code at first use an engine would only wait: there this is `load_weights`.
template <class Recipe>
recipe_weights<Recipe> load_weights_in_background(
    std::filesystem::path const& directory, load_options<typename Recipe::backend> const& options = {}) {
  using backend_type = typename Recipe::backend;
  if constexpr (!requirement::loads_at_first_use<backend_type>) {
    return load_weights<Recipe>(directory, options);
  } else {
    auto const parameters = detail::load_parameters<Recipe>(directory);
    auto source = std::make_unique<safetensors_checkpoint const>(directory);
    upload_queue<backend_type> queue;
    auto weights = detail::plan_weights<Recipe>(*source, parameters, options, queue);
    for (auto& part : weights.storage) weights.context->clear(part.data(), part.size());
    weights.context->wait();
    // The weights' own context belongs to whoever has the weights.
    auto context = std::make_unique<typename backend_type::context>(options.context);
    weights.arrival = std::make_unique<background_arrival>(
        [source = std::move(source), context = std::move(context), queue = std::move(queue),
         threads = detail::loading_threads(options.threads), progress = options.progress](
            std::stop_token const& stop) mutable { queue.run(*context, threads, progress, stop); });
    return weights;
  }
}

}  // namespace tenon
