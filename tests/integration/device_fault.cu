// SPDX-License-Identifier: Apache-2.0
// What a kernel's illegal access in the middle of a run does: every request ends with an error, no token is
// wrong, nothing hangs, and what owns the device can still be destroyed. A device is lost to the process that
// did it, so that each case runs in a child process of its own.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/device.hpp"
#include "integration/stored_answers.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/engine/engine_thread.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace {

using namespace tenon;
using testing::answered;

__device__ std::int32_t steps_until_fault = 1 << 30;

__global__ void fault_kernel() {
  if (--steps_until_fault == 0) *reinterpret_cast<std::int32_t volatile*>(std::uintptr_t{16}) = 1;
}

struct faulty_sampler : block_top_p {
  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    block_top_p::run(ctx, batch, logits, state, out);
    cuda::launch<fault_kernel>(ctx, dim3(1), dim3(1), 0, cuda::ordering::serial);
  }
};

struct faulty : recipes::serving<qwen3_tiny> {
  using sampler = faulty_sampler;
  using launch = graph_replay<1, 2, 4>;
};

/// The three longest of the first hundred stored answers.
std::vector<answered> questions() {
  auto all = testing::stored_answers();
  all.resize(100);
  std::ranges::sort(all, [](auto const& a, auto const& b) { return a.greedy.size() > b.greedy.size(); });
  all.resize(3);
  return all;
}

request greedy_request(answered const& question) {
  return {.prompt = question.prompt, .max_new_tokens = 256, .sampling = {.temperature = 0.0f}};
}

/// An engine whose tenth step from now makes an illegal access.
std::unique_ptr<engine<faulty>> make() {
  auto made = std::make_unique<engine<faulty>>(
      load_weights<faulty>(testing::model_directory()),
      engine_options{
          .max_rows = 4, .max_tokens = 256, .max_context = 2048, .memory_fraction = 0.01, .depth = 2});
  std::int32_t const steps = 10;
  cuda::check(cudaMemcpyToSymbol(steps_until_fault, &steps, sizeof(steps)));
  return made;
}

struct heard {
  std::vector<token_id> ids;
  std::vector<event> last;

  void operator()(event const& happened) {
    if (happened.token) ids.push_back(*happened.token);
    if (happened.finish != finish_reason::none) last.push_back(happened);
  }
};

void check_answer(heard const& found, answered const& question) {
  BOOST_TEST_REQUIRE(found.last.size() == 1u);
  BOOST_TEST((found.last[0].finish == finish_reason::failed));
  BOOST_TEST(found.last[0].message.find("cudaErrorIllegalAddress") == 0);
  BOOST_TEST(found.ids.size() > 0u);
  BOOST_TEST_REQUIRE(found.ids.size() < question.greedy.size());
  BOOST_TEST(std::equal(found.ids.begin(), found.ids.end(), question.greedy.begin()));
}

/// Whether this process is the one that is to lose its device. If not, runs `name` in one that is.
bool is_child(std::string_view name) {
  if (std::getenv("TENON_DEVICE_FAULT") != nullptr) return true;
  if (!testing::has_device()) return false;
  std::string const command = "TENON_DEVICE_FAULT=1 timeout 60 /proc/$PPID/exe --run_test=device_fault/" +
                              std::string{name} + " --color_output=no --log_level=test_suite";
  BOOST_TEST(std::system(command.c_str()) == 0);
  return false;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(device_fault)

BOOST_AUTO_TEST_CASE(ends_every_request_of_an_engine_with_an_error) {
  if (!is_child("ends_every_request_of_an_engine_with_an_error")) return;
  auto const asked = questions();
  auto running = make();
  std::vector<heard> found(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    running->submit(greedy_request(asked[i]), [&found, i](event const& happened) { found[i](happened); });
  }
  BOOST_CHECK_EXCEPTION(while (running->run_one_step()){}, device_error, [](device_error const& failed) {
    return std::string_view{failed.what()}.starts_with("cudaErrorIllegalAddress");
  });
  for (std::size_t i = 0; i < asked.size(); ++i) check_answer(found[i], asked[i]);
  running.reset();  // frees what the driver has taken away already
}

BOOST_AUTO_TEST_CASE(stops_the_thread_of_an_engine) {
  if (!is_child("stops_the_thread_of_an_engine")) return;
  auto const asked = questions();
  engine_thread thread{any_engine{make()}};
  std::vector<heard> found(asked.size());
  std::vector<std::promise<void>> ended(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    thread.submit(greedy_request(asked[i]), [&found, &ended, i](event const& happened) {
      found[i](happened);
      if (happened.finish != finish_reason::none) ended[i].set_value();
    });
  }
  for (auto& one : ended) one.get_future().wait();
  for (std::size_t i = 0; i < asked.size(); ++i) check_answer(found[i], asked[i]);
  BOOST_TEST_REQUIRE(thread.failure().has_value());
  BOOST_TEST(thread.failure()->starts_with("cudaErrorIllegalAddress"));
  BOOST_CHECK_THROW(thread.submit(greedy_request(asked[0]), [](event const&) {}), stopped_error);
}

BOOST_AUTO_TEST_SUITE_END()
