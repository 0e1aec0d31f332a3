// SPDX-License-Identifier: Apache-2.0
// Host time of one scheduler step, planning and committing, while a full batch decodes: what every step costs
// before the device can start. Prints one JSON object a line; see docs/concepts/scheduler.md.

#include <algorithm>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/cache/prefix_ledger.hpp"
#include "tenon/scheduling/chunked_prefill.hpp"
#include "tenon/scheduling/prefill_first.hpp"
#include "tenon/scheduling/static_batch.hpp"

namespace {

using clock = std::chrono::steady_clock;

struct settings {
  std::int32_t rows = 256;
  std::int32_t prompt = 512;
  std::int32_t steps = 1000;
  std::int32_t waiting = 1000;
};

double microseconds(clock::duration took) {
  return std::chrono::duration<double, std::micro>(took).count();
}

std::unique_ptr<tenon::sequence> sequence_of(settings const& with, std::uint64_t number) {
  tenon::request wish;
  for (std::int32_t i = 0; i < with.prompt; ++i)
    wish.prompt.push_back(static_cast<tenon::token_id>(number * 7919 + static_cast<std::uint64_t>(i)) &
                          0xffff);
  wish.max_new_tokens = with.steps + 64;
  auto made = std::make_unique<tenon::sequence>();
  made->id = static_cast<tenon::request_id>(number);
  made->arrival = number;
  made->tokens = wish.prompt;
  made->tokens.reserve(wish.prompt.size() + static_cast<std::size_t>(wish.max_new_tokens));
  made->prompt_tokens = with.prompt;
  made->wish = std::make_shared<tenon::request const>(std::move(wish));
  return made;
}

/// A full batch that decodes, behind it a queue that finds no slot.
template <class Scheduler, class Ledger> class decoding_batch {
 public:
  explicit decoding_batch(settings const& with)
      : with_{with},
        context_{with.prompt + with.steps + 80},
        scheduler_{tenon::scheduler_limits{with.rows, 8192, context_}},
        ledger_{{.pages = with.rows * (context_ / 16 + 1),
                 .page_tokens = 16,
                 .slots = with.rows,
                 .max_context = context_}} {
    for (std::int32_t i = 0; i < with.rows + with.waiting; ++i) {
      sequences_.push_back(sequence_of(with, static_cast<std::uint64_t>(i + 1)));
      scheduler_.admit(*sequences_.back());
    }
    ids_.assign(static_cast<std::size_t>(with.rows), 5);
    counts_.assign(ids_.size(), 1);
  }

  void run() {
    bool decoding = false;
    while (!decoding) {
      auto const planned = scheduler_.next(ledger_);
      decoding = planned->decode_only() && planned->tokens == with_.rows;
      commit(*planned);
    }
    for (std::int32_t i = 0; i < with_.steps; ++i) measure_one();
  }

  void print(std::string_view cache) {
    std::ranges::sort(plans_);
    std::ranges::sort(commits_);
    auto const at = [](std::vector<double> const& sorted, double part) {
      return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
    };
    std::printf(
        "{\"benchmark\": \"scheduling/step_cost\", \"scheduler\": \"%s\", \"cache\": \"%s\", \"rows\": %d, "
        "\"waiting\": %d, \"context\": %d, \"steps\": %zu, \"plan_us_median\": %.2f, \"plan_us_p99\": %.2f, "
        "\"commit_us_median\": %.2f, \"commit_us_p99\": %.2f, \"step_us_median\": %.2f}\n",
        std::string{Scheduler::name}.c_str(), std::string{cache}.c_str(), with_.rows, with_.waiting,
        with_.prompt, plans_.size(), at(plans_, 0.5), at(plans_, 0.99), at(commits_, 0.5), at(commits_, 0.99),
        at(plans_, 0.5) + at(commits_, 0.5));
  }

 private:
  void commit(tenon::step const& done) {
    tenon::sampled result;
    result.ids = ids_;
    result.counts = counts_;
    events_.clear();
    scheduler_.commit(ledger_, done, result, events_);
  }

  void measure_one() {
    auto const start = clock::now();
    auto const planned = scheduler_.next(ledger_);
    auto const middle = clock::now();
    if (!planned) return;
    commit(*planned);
    commits_.push_back(microseconds(clock::now() - middle));
    plans_.push_back(microseconds(middle - start));
  }

  settings with_;
  std::int32_t context_;
  Scheduler scheduler_;
  Ledger ledger_;
  std::vector<std::unique_ptr<tenon::sequence>> sequences_;
  std::vector<tenon::token_id> ids_;
  std::vector<std::int32_t> counts_;
  std::vector<tenon::event> events_;
  std::vector<double> plans_, commits_;
};

template <class Scheduler, class Ledger> void measure(settings const& with, std::string_view cache) {
  decoding_batch<Scheduler, Ledger> batch{with};
  batch.run();
  batch.print(cache);
}

template <class Scheduler> void measure_both(settings const& with) {
  measure<Scheduler, tenon::prefix_ledger>(with, "paged");
  measure<Scheduler, tenon::contiguous_ledger>(with, "contiguous");
}

}  // namespace

int main(int argc, char** argv) {
  namespace po = boost::program_options;
  settings with;
  po::options_description options{"step_cost: host microseconds of one scheduler step"};
  auto add = options.add_options();
  add("help", "print this");
  add("rows", po::value(&with.rows)->default_value(with.rows), "sequences that decode");
  add("prompt", po::value(&with.prompt)->default_value(with.prompt), "tokens of each prompt");
  add("steps", po::value(&with.steps)->default_value(with.steps), "decode steps measured");
  add("waiting", po::value(&with.waiting)->default_value(with.waiting), "sequences that wait for a slot");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
    if (with.rows < 1 || with.rows > 8192 || with.prompt < 1 || with.steps < 2 || with.waiting < 0)
      throw po::error{"expected 1 <= rows <= 8192, prompt >= 1, steps >= 2 and waiting >= 0"};
  } catch (po::error const& wrong) {
    std::cerr << "step_cost: " << wrong.what() << '\n';
    return 2;
  }
  if (given.count("help") > 0) {
    std::cout << options;
    return 0;
  }
  measure_both<tenon::chunked_prefill>(with);
  measure_both<tenon::prefill_first>(with);
  measure_both<tenon::static_batch>(with);
}
