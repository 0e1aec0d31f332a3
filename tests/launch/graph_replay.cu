// SPDX-License-Identifier: Apache-2.0
#include "tenon/launch/graph_replay.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/launch/eager.hpp"

using namespace tenon;

namespace {

using launch_type = tenon::graph_replay<2, 8, 4>;

constexpr batch_shape decode(std::int32_t rows, std::int32_t copies = 0) {
  return {.rows = rows,
          .decode_rows = rows,
          .tokens = rows,
          .logit_rows = rows,
          .sample_rows = rows,
          .page_copies = copies};
}

__global__ void count_up(std::int32_t* counter, std::int32_t by) {
  *counter += by;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(graph_replay)

BOOST_AUTO_TEST_CASE(pads_as_eager_steps_of_the_same_buckets_do) {
  static_assert(is_launch_policy<launch_type, cuda::backend> && launch_type::captures);
  BOOST_TEST((launch_type::buckets == std::array<std::int32_t, 3>{8, 4, 2}));
  for (std::int32_t rows = 1; rows < 12; ++rows) {
    BOOST_TEST((launch_type::padded(decode(rows, 1)) == tenon::eager<2, 8, 4>::padded(decode(rows, 1))));
  }
}

BOOST_AUTO_TEST_CASE(replays_what_was_captured_and_enqueues_the_rest) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  testing::device_array const counter{ctx, std::vector<std::int32_t>{0}};
  launch_type launch;
  int recorded = 0;
  auto const record = [&](std::int32_t by) {
    return [&, by] {
      ++recorded;
      cuda::launch<count_up>(ctx, dim3(1), dim3(1), 0, cuda::ordering::dependent, counter.data(), by);
    };
  };
  record(11)();  // loads the kernel
  launch.prepare(ctx, decode(4), record(1));
  launch.prepare(ctx, decode(2), record(10));
  BOOST_TEST(recorded == 3);
  BOOST_TEST(counter.values().front() == 11, "capturing runs nothing");
  launch.run(ctx, decode(4), record(1000));
  launch.run(ctx, decode(2), record(1000));
  launch.run(ctx, decode(4, 3), record(1000));  // copies of pages run before the graph
  BOOST_TEST(recorded == 3);
  BOOST_TEST(counter.values().front() == 23);
  launch.run(ctx, decode(9), record(100));
  auto mixed = decode(4);
  mixed.tokens = 40;
  mixed.decode_rows = 3;
  launch.run(ctx, mixed, record(100));
  BOOST_TEST(recorded == 5);
  BOOST_TEST(counter.values().front() == 223);
  auto const counts = launch.counts();
  BOOST_TEST(counts.replayed == 3);
  BOOST_TEST(counts.eager == 2);
  BOOST_TEST(counts.decode_only == 4);
}

BOOST_AUTO_TEST_CASE(a_step_that_cannot_be_captured_leaves_the_stream_usable) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  testing::device_array const counter{ctx, std::vector<std::int32_t>{0}};
  launch_type launch;
  int calls = 0;
  auto const record = [&] {
    cuda::launch<count_up>(ctx, dim3(1), dim3(1), 0, cuda::ordering::dependent, counter.data(), 1);
    if (++calls == 2) throw std::runtime_error{"no"};
  };
  record();  // loads the kernel
  BOOST_CHECK_THROW(launch.prepare(ctx, decode(4), record), std::runtime_error);
  launch.run(ctx, decode(4), record);
  BOOST_TEST(counter.values().front() == 2);
  BOOST_TEST(launch.counts().replayed == 0);
  BOOST_TEST(launch.counts().eager == 1);
}

BOOST_AUTO_TEST_SUITE_END()
