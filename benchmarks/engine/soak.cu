// SPDX-License-Identifier: Apache-2.0
// An engine under random arrivals, cancellations and preemptions for a long time: neither device nor host
// memory may grow by a byte, no request may end otherwise than asked, and a fixed schedule of steps takes as
// long at the end as at the beginning. Prints PASS or FAIL a check, then one JSON object; fails if a check
// failed.
#include <algorithm>
#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/engine/speed.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace {

std::atomic<std::int64_t> live_bytes = 0;  // asked of operator new and not yet given back

/// A block with its size in the `ahead` bytes before it, which are a multiple of its alignment.
void* counted(std::size_t bytes, std::size_t ahead) {
  auto* const block =
      static_cast<std::byte*>(std::aligned_alloc(ahead, (bytes + 2 * ahead - 1) / ahead * ahead));
  if (block == nullptr) throw std::bad_alloc{};
  std::memcpy(block, &bytes, sizeof bytes);
  live_bytes += static_cast<std::int64_t>(bytes);
  return block + ahead;
}

void uncounted(void* given, std::size_t ahead) noexcept {
  if (given == nullptr) return;
  auto* const block = static_cast<std::byte*>(given) - ahead;
  std::size_t bytes = 0;
  std::memcpy(&bytes, block, sizeof bytes);
  live_bytes -= static_cast<std::int64_t>(bytes);
  std::free(block);
}

constexpr std::size_t usual = 16;  ///< the alignment of operator new
std::size_t ahead_of(std::align_val_t alignment) {
  return std::max(usual, static_cast<std::size_t>(alignment));
}

}  // namespace

// nvcc takes these for functions of the device, too, where nobody calls them
#pragma nv_diag_suppress 20011
void* operator new(std::size_t bytes) {
  return counted(bytes, usual);
}
void* operator new(std::size_t bytes, std::align_val_t to) {
  return counted(bytes, ahead_of(to));
}
void operator delete(void* block) noexcept {
  uncounted(block, usual);
}
void operator delete(void* block, std::size_t) noexcept {
  uncounted(block, usual);
}
void operator delete(void* block, std::align_val_t to) noexcept {
  uncounted(block, ahead_of(to));
}
void operator delete(void* block, std::size_t, std::align_val_t to) noexcept {
  uncounted(block, ahead_of(to));
}
#pragma nv_diag_default 20011

namespace tenon::benchmarks {
namespace {

using soak_recipe = recipes::serving<qwen3_1_7b>;
using engine_type = engine<soak_recipe>;

struct soak_settings {
  std::int64_t steps = 100'000;
  int rows = 32;
  int prompt = 160;      // the longest; the shortest has 16 tokens
  int output = 192;      // the same
  int page_share = 40;   // of the pages that all rows could need, percent; at 60 hardly anybody is preempted
  int between = 5'000;   // steps from one look at an idle engine to the next
  int schedule = 1'000;  // steps of the fixed schedule
  int repeats = 9;       // of the fixed schedule at either end; of each step the fastest counts
  int depth = 2;
  double seconds = 0.0;  // ends early; 0: never
};

/// Requests come and go by a seeded plan, one decision a step.
class traffic {
 public:
  /// Prompts are drawn from `prompts`; the rest of the plan from `plan` alone, so that equal plans give equal
  /// schedules. `shares` lets a part of the prompts begin alike.
  traffic(engine_type& runs, soak_settings const& with, std::uint32_t plan, std::uint32_t prompts,
          bool shares)
      : runs_{runs},
        with_{with},
        plan_{plan},
        prompts_{prompts},
        shares_{shares},
        places_(static_cast<std::size_t>(2 * with.rows)) {}

  /// Arrivals and cancellations, then one step; false if there was nothing to run.
  bool step() {
    if (until_change_-- == 0) {
      until_change_ = 64;
      target_ = 1 + below(2 * with_.rows);
    }
    if (open_ == 0 || (open_ < target_ && below(2) == 0)) submit();
    if (below(200) == 0) cancel();
    return runs_.run_one_step();
  }

  /// Whatever grows with the largest number of rows, requests or ended requests at one time, or is loaded at
  /// the first step of some size, does so here.
  void warm_up() {
    for (int tokens = 8; tokens <= runs_.options().max_tokens; tokens += 8) {
      for (int left = tokens; left > 0; left -= with_.prompt) submit(std::min(left, with_.prompt), 2);
      drain();
    }
    while (open_ < 2 * with_.rows) submit(16, 16);
    for (int i = 0; i < 8; ++i) runs_.run_one_step();
    for (auto const& at : places_) {
      if (at.open) runs_.cancel(at.id);
    }
    drain();
    while (open_ < 2 * with_.rows) submit();
    drain();
  }

  std::int64_t drain() {
    std::int64_t steps = 0;
    while (runs_.run_one_step()) ++steps;
    return steps;
  }

  std::int64_t finished() const noexcept { return finished_; }
  std::int64_t cancelled() const noexcept { return cancelled_; }
  std::int64_t wrong() const noexcept { return wrong_ + open_; }  ///< of a drained engine

 private:
  struct place {
    request_id id{};
    int wanted = 0;
    int got = 0;
    bool open = false;
  };

  int below(int count) { return static_cast<int>(plan_() % static_cast<std::uint32_t>(count)); }

  void submit() { submit(16 + below(with_.prompt - 15), 16 + below(with_.output - 15)); }

  void submit(int prompt, int output) {
    auto const found = std::ranges::find(places_, false, &place::open);
    request wish;
    wish.prompt.resize(static_cast<std::size_t>(prompt));
    std::uint32_t const alike = prompts_() % 4;
    bool const begins_alike = shares_ && alike == 0;
    for (std::size_t i = 0; i < wish.prompt.size(); ++i) {
      auto const random = prompts_();
      wish.prompt[i] = static_cast<token_id>((begins_alike && i < 64 ? 7919u * i : random) % 150'000u);
    }
    wish.max_new_tokens = output;
    wish.ignore_stop_ids = true;
    wish.sampling = {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f};
    *found = {runs_.next_id(), wish.max_new_tokens, 0, true};
    ++open_;
    auto const index = found - places_.begin();
    runs_.submit(found->id, std::move(wish), [this, index](event const& e) { hear(index, e); });
  }

  void hear(std::ptrdiff_t index, event const& e) {
    auto& at = places_[static_cast<std::size_t>(index)];
    if (e.token) {
      ++at.got;
      wrong_ += *e.token < 0 || *e.token >= qwen3_1_7b::shape.vocabulary;
    }
    if (e.finish == finish_reason::none) return;
    bool const as_asked = e.finish == finish_reason::length && at.got == at.wanted;
    wrong_ += !as_asked && e.finish != finish_reason::cancelled;
    cancelled_ += e.finish == finish_reason::cancelled;
    ++finished_;
    at.open = false;
    --open_;
  }

  void cancel() {
    auto const& at = places_[static_cast<std::size_t>(below(2 * with_.rows))];
    if (at.open) runs_.cancel(at.id);
  }

  engine_type& runs_;
  soak_settings const& with_;
  std::mt19937 plan_;
  std::mt19937 prompts_;
  bool shares_;
  std::vector<place> places_;
  int open_ = 0;
  int target_ = 1;
  int until_change_ = 0;
  std::int64_t finished_ = 0;
  std::int64_t cancelled_ = 0;
  std::int64_t wrong_ = 0;
};

/// What must not change between two looks at an idle engine.
struct resources {
  std::size_t device_free = 0;
  std::int64_t host_bytes = 0;
  std::int64_t pages_held = 0;

  friend bool operator==(resources const&, resources const&) = default;
};

struct schedule_times {
  std::vector<double> steps;  // milliseconds
  std::int64_t replayed = 0;
};

class soak {
 public:
  explicit soak(soak_settings const& with) : with_{with} {
    constexpr auto page_tokens = soak_recipe::cache::page_tokens(0);
    int const longest = with.prompt + with.output;
    int const pages = (longest + page_tokens - 1) / page_tokens;
    engine_options sizes{.max_rows = with.rows,
                         .max_tokens = std::max(512, with.rows),
                         .max_context = longest,
                         .depth = with.depth,
                         .seed = 1};
    std::int64_t const some = std::int64_t{pages} * with.rows * with.page_share / 100;
    sizes.memory_bytes =
        engine_type::memory_for(sizes, std::max<std::int64_t>(some, pages + 1) * page_tokens);
    decoder_parameters parameters;
    parameters.max_positions = longest;
    runs_ = std::make_unique<engine_type>(random_weights<soak_recipe>(parameters, 1, {.threads = 16}), sizes);
  }

  int run() {
    traffic random{*runs_, with_, 1, 2, true};
    random.warm_up();
    for (int i = 0; i < 2 * with_.schedule; ++i) random.step();
    random.drain();
    runs_schedule();  // warms up what it allocates
    auto const before = runs_schedule();
    first_ = look();
    run_steps(random);
    auto const after = runs_schedule();
    bool good = check("steps run", steps_ >= with_.steps, steps_);
    good &= check("idle looks at memory that differ from the first", changed_ == 0, changed_);
    good &= check("requests that ended otherwise than asked", random.wrong() == 0, random.wrong());
    good &= check("preemptions", stats().preemptions > 0, stats().preemptions);
    good &= check("cancelled requests", random.cancelled() > 0, random.cancelled());
    good &= compare(before, after);
    report(random, good);
    return good ? 0 : 1;
  }

 private:
  static long long as_long(std::int64_t value) { return value; }

  static bool check(char const* what, bool good, std::int64_t found) {
    std::printf("%s: %s: %lld\n", good ? "PASS" : "FAIL", what, as_long(found));
    std::fflush(stdout);
    return good;
  }

  void run_steps(traffic& random) {
    auto const start = std::chrono::steady_clock::now();
    while (steps_ < with_.steps && !(with_.seconds > 0.0 && seconds_since(start) > with_.seconds)) {
      for (int i = 0; i < with_.between; ++i) steps_ += random.step();
      steps_ += random.drain();
      last_ = look();
      ++looks_;
      changed_ += last_ != first_;
    }
    seconds_ = seconds_since(start);
  }

  void report(traffic const& random, bool good) const {
    std::printf(
        "{\"benchmark\": \"engine/soak\", \"model\": \"%s\", %s, \"rows\": %d, \"depth\": %d, "
        "\"steps\": %lld, \"decode_only\": %lld, \"replayed\": %lld, \"seconds\": %.1f, "
        "\"requests\": %lld, \"cancelled\": %lld, \"preemptions\": %lld, \"looks\": %lld, "
        "\"looks_that_differ\": %lld, \"device_free\": %zu, \"device_free_at_end\": %zu, "
        "\"host_bytes\": %lld, \"host_bytes_at_end\": %lld, \"pages_held_at_end\": %lld, \"passed\": %s}\n",
        std::string{qwen3_1_7b::name}.c_str(), device_report().c_str(), with_.rows, with_.depth,
        as_long(steps_), as_long(runs_->stats().steps.decode_only), as_long(runs_->stats().steps.replayed),
        seconds_, as_long(random.finished()), as_long(random.cancelled()), as_long(stats().preemptions),
        as_long(looks_), as_long(changed_), first_.device_free, last_.device_free, as_long(first_.host_bytes),
        as_long(last_.host_bytes), as_long(last_.pages_held), good ? "true" : "false");
  }

  scheduler_counts stats() const { return runs_->stats().requests; }

  resources look() {
    auto& context = runs_->runner().context();
    context.wait();
    return {context.free_bytes(), live_bytes.load(), runs_->stats().pages.held};
  }

  /// The same requests at the same steps every time, with prompts that no earlier one had.
  schedule_times runs_schedule() {
    schedule_times found;
    found.steps.assign(static_cast<std::size_t>(with_.schedule), 1e9);
    for (int repeat = 0; repeat < with_.repeats; ++repeat) {
      traffic fixed{*runs_, with_, 3, ++last_prompts_, false};
      auto const replayed = runs_->stats().steps.replayed;
      for (auto& best : found.steps) {
        auto const start = std::chrono::steady_clock::now();
        fixed.step();
        best = std::min(best, seconds_since(start) * 1e3);
      }
      found.replayed += runs_->stats().steps.replayed - replayed;
      fixed.drain();
    }
    return found;
  }

  static bool compare(schedule_times const& before, schedule_times const& after) {
    bool good = check("replayed steps of the fixed schedule, the same at both ends",
                      before.replayed == after.replayed, after.replayed);
    auto const close = [&](char const* name, double place, double allowed) {
      auto const at = [&](std::vector<double> values) {
        std::ranges::sort(values);
        return values[static_cast<std::size_t>(place * static_cast<double>(values.size() - 1) + 0.5)];
      };
      double const old_time = at(before.steps);
      double const new_time = at(after.steps);
      double const change = new_time / old_time - 1.0;
      bool const within = std::abs(change) <= allowed;
      std::printf("%s: %s of the fixed schedule: %.4f ms, then %.4f ms: %+.2f %%, allowed %.0f %%\n",
                  within ? "PASS" : "FAIL", name, old_time, new_time, change * 100.0, allowed * 100.0);
      good &= within;
    };
    close("median", 0.5, 0.01);
    close("p99", 0.99, 0.05);
    return good;
  }

  soak_settings with_;
  std::unique_ptr<engine_type> runs_;
  resources first_;
  resources last_;
  std::int64_t steps_ = 0;
  std::int64_t looks_ = 0;
  std::int64_t changed_ = 0;
  double seconds_ = 0.0;
  std::uint32_t last_prompts_ = 100;
};

int run(int argc, char** argv) {
  namespace options = boost::program_options;
  soak_settings with;
  options::options_description known{"an engine under random traffic for a long time"};
  auto const add = [&](char const* name, auto& value, char const* help) {
    known.add_options()(name, options::value(&value)->default_value(value), help);
  };
  known.add_options()("help", "show this");
  add("steps", with.steps, "at least");
  add("rows", with.rows, "at most; twice as many requests at a time");
  add("prompt", with.prompt, "the longest prompt");
  add("output", with.output, "the longest output");
  add("page-share", with.page_share, "percent of the pages that all rows could need");
  add("between", with.between, "steps between looks at an idle engine");
  add("schedule", with.schedule, "steps of the fixed schedule");
  add("repeats", with.repeats, "of the fixed schedule at either end");
  add("depth", with.depth, "steps in flight");
  add("seconds", with.seconds, "end early; 0: never");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, known), given);
  options::notify(given);
  if (given.count("help") != 0) {
    std::printf("%s", (std::stringstream{} << known).str().c_str());
    return 0;
  }
  return soak{with}.run();
}

}  // namespace
}  // namespace tenon::benchmarks

int main(int argc, char** argv) {
  return tenon::benchmarks::run(argc, argv);
}
