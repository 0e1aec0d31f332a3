// SPDX-License-Identifier: Apache-2.0
// The text format: https://prometheus.io/docs/instrumenting/exposition_formats/
#include <charconv>
#include <type_traits>
#include <utility>

#include "server/metrics.hpp"
#include "tenon/core/steady_clock.hpp"

namespace server {

namespace {

enum class under : std::uint8_t { both, own };  ///< vllm: and tenon:, or tenon: alone

std::string escaped(std::string_view text) {
  std::string safe;
  for (char const letter : text) {
    if (letter == '\\' || letter == '"') safe += '\\';
    if (letter == '\n')
      safe += "\\n";
    else
      safe += letter;
  }
  return safe;
}

/// Appends families of samples, each under the names that it goes by.
class page {
 public:
  explicit page(std::string_view model_label) : model_label_{model_label} {
    text_.reserve(std::size_t{48} << 10);
  }

  template <class Write> void family(metric const& what, under names, Write const& write) {
    for (std::string_view const prefix : {"vllm:", "tenon:"}) {
      if (names == under::own && prefix == "vllm:") continue;
      prefix_ = prefix;
      name_ = what.name;
      add("# HELP ", prefix, what.name, " ", what.help, "\n# TYPE ", prefix, what.name, " ", what.type, "\n");
      write();
    }
  }

  /// labels: further ones, each with a leading comma.
  template <class Number> void sample(std::string_view suffix, std::string_view labels, Number value) {
    add(prefix_, name_, suffix, "{", model_label_, labels, "} ");
    number(value);
    text_ += '\n';
  }

  template <class Number> void single(metric const& what, under names, Number value) {
    family(what, names, [&] { sample("", "", value); });
  }

  void durations(metric const& what, histogram const& values) {
    family(what, under::both, [&] {
      std::uint64_t below = 0;
      for (std::size_t place = 0; place < values.bounds().size(); ++place) {
        below += values.count(place);
        bound_.assign(",le=\"");
        append_number(bound_, values.bounds()[place]);
        if (bound_.find('.') == std::string::npos) bound_ += ".0";  // as Python's client writes it
        bound_ += '"';
        sample("_bucket", bound_, below);
      }
      below += values.count(values.bounds().size());
      sample("_bucket", ",le=\"+Inf\"", below);
      sample("_sum", "", values.sum());
      sample("_count", "", below);
    });
  }

  std::string take() && { return std::move(text_); }

 private:
  void add(auto const&... pieces) { (text_.append(pieces), ...); }
  void number(auto value) { append_number(text_, value); }

  template <class Number> static void append_number(std::string& text, Number value) {
    char digits[400];  // of the largest double, written out
    if constexpr (std::is_floating_point_v<Number>)
      text.append(digits,
                  std::to_chars(std::begin(digits), std::end(digits), value, std::chars_format::fixed).ptr);
    else
      text.append(digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr);
  }

  std::string_view model_label_;
  std::string_view prefix_;
  std::string_view name_;
  std::string text_;
  std::string bound_;
};

void write_cache(page& out, tenon::engine_stats const& stats, tenon::engine_description const& engine) {
  namespace names = metric_names;
  out.single(names::cache_usage, under::both, stats.cache_in_use());
  auto const sizes = ",block_size=\"" + std::to_string(engine.cache_block_tokens) + "\",num_gpu_blocks=\"" +
                     std::to_string(engine.cache_blocks) + "\"";
  out.family(names::cache_config, under::both, [&] { out.sample("", sizes, 1); });
  out.single(names::prefix_queries, under::both, stats.prompt_tokens);
  out.single(names::prefix_hits, under::both, stats.cached_tokens);
}

void write_steps(page& out, tenon::engine_stats const& stats) {
  auto const& steps = stats.steps;
  std::int64_t other_replayed = steps.replayed;
  std::int64_t other_eager = steps.decode_only - steps.replayed;
  out.family(metric_names::steps, under::own, [&] {
    auto const sample = [&](std::string_view kind, std::string const& rows, std::int64_t count) {
      out.sample("", std::string{",kind=\""}.append(kind).append("\",rows=\"").append(rows) + "\"", count);
    };
    for (auto const& bucket : steps.buckets) {
      other_replayed -= bucket.replayed;
      other_eager -= bucket.eager;
      if (bucket.replayed > 0) sample("replay", std::to_string(bucket.rows), bucket.replayed);
      if (bucket.eager > 0) sample("eager", std::to_string(bucket.rows), bucket.eager);
    }
    sample("replay", "other", other_replayed);
    sample("eager", "other", other_eager);
    sample("eager", "prompt", steps.replayed + steps.eager - steps.decode_only);
  });
  bool const runs = stats.requests.running > 0;
  out.single(metric_names::batch_rows, under::own, runs ? stats.last_rows : 0);
  out.single(metric_names::batch_tokens, under::own, runs ? stats.last_tokens : 0);
}

void write_memory(page& out, tenon::runner_memory const& memory) {
  out.family(metric_names::memory, under::own, [&] {
    out.sample("", ",kind=\"weights\"", memory.weights);
    out.sample("", ",kind=\"cache\"", memory.cache);
    out.sample("", ",kind=\"workspace\"", memory.workspace);
    out.sample("", ",kind=\"free\"", memory.unused + memory.device_free);
  });
}

template <std::size_t... Which>
std::array<histogram, durations> empty_histograms(std::index_sequence<Which...> /*all*/) {
  return {histogram{bounds_of(static_cast<duration>(Which))}...};
}

}  // namespace

serving_metrics::serving_metrics(std::string const& model_name)
    : model_label_{"model_name=\"" + escaped(model_name) + "\""},
      durations_{empty_histograms(std::make_index_sequence<durations>{})} {
  busy_.fill({tenon::steady_nanoseconds(), 0.0});
}

std::string serving_metrics::render(tenon::engine_stats const& stats,
                                    tenon::engine_description const& engine) const {
  page out{model_label_};
  out.single(metric_names::running, under::both, stats.requests.running);
  out.single(metric_names::waiting, under::both, stats.requests.waiting);
  write_cache(out, stats, engine);
  out.single(metric_names::preemptions, under::both, stats.requests.preemptions);
  for (std::size_t i = 0; i < counters; ++i)
    out.single(counter_names[i], under::both, counters_[i].load(std::memory_order_relaxed));
  out.family(metric_names::success, under::both, [&] {
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
      out.sample("", outcome_labels[i], outcomes_[i].load(std::memory_order_relaxed));
  });
  for (std::size_t i = 0; i < durations; ++i) out.durations(duration_names[i], durations_[i]);
  write_steps(out, stats);
  write_memory(out, stats.memory);
  double const busy_seconds = static_cast<double>(stats.busy_nanoseconds) * 1e-9;
  out.single(metric_names::busy_ratio, under::own, busy_ratio(tenon::steady_nanoseconds(), busy_seconds));
  out.single(metric_names::busy_seconds, under::own, busy_seconds);
  return std::move(out).take();
}

double serving_metrics::busy_ratio(std::int64_t now, double busy_seconds) const {
  constexpr std::int64_t window = 1'000'000'000;
  std::scoped_lock lock{page_mutex_};
  if (now - busy_[1].at >= window) {
    busy_[0] = busy_[1];
    busy_[1] = {now, busy_seconds};
  }
  double const seconds = static_cast<double>(std::max<std::int64_t>(now - busy_[0].at, 1)) * 1e-9;
  return std::clamp((busy_seconds - busy_[0].busy_seconds) / seconds, 0.0, 1.0);
}

}  // namespace server
