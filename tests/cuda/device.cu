// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/device.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>

#include "cuda/device.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(device)

BOOST_AUTO_TEST_CASE(versions_are_written_as_nvidia_writes_them) {
  BOOST_TEST(cuda::detail::version_text(13000) == "13.0");
  BOOST_TEST(cuda::detail::version_text(12040) == "12.4");
}

BOOST_AUTO_TEST_CASE(counting_leaves_no_error_behind) {
  if (!testing::has_device()) return;
  BOOST_TEST(cudaGetLastError() == cudaSuccess);
}

BOOST_AUTO_TEST_CASE(a_device_that_does_not_exist_is_refused) {
  for (int const device : {-1, cuda::device_count()}) {
    BOOST_CHECK_EXCEPTION(cuda::open_device(device), device_error, [&](device_error const& error) {
      std::string const text = error.what();
      auto const wanted =
          cuda::device_count() == 0 ? std::string{"expected "} : "found " + std::to_string(device);
      return text.find(wanted) != std::string::npos && text.find("found ") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(properties_are_those_of_the_device_opened) {
  if (!testing::has_device()) return;
  for (int device = 0; device < cuda::device_count(); ++device) {
    auto const found = cuda::open_device(device);
    int current = -1;
    cuda::check(cudaGetDevice(&current));
    BOOST_TEST(current == device);
    BOOST_TEST(found.device == device);
    BOOST_TEST(found.compute_capability >= 75);
    BOOST_TEST(found.multiprocessors > 0);
    BOOST_TEST(found.shared_memory_a_block >= 48u << 10);
    BOOST_TEST(found.memory_bytes > found.l2_bytes);
    BOOST_TEST(!found.name.empty());
  }
}

BOOST_AUTO_TEST_CASE(selecting_is_of_the_calling_thread_alone) {
  if (!testing::has_device()) return;
  int const last = cuda::device_count() - 1;
  cuda::select_device(0);
  int there = -1;
  std::thread{[&] {
    cuda::select_device(last);
    cudaGetDevice(&there);
  }}.join();
  int here = -1;
  cuda::check(cudaGetDevice(&here));
  BOOST_TEST(there == last);
  BOOST_TEST(here == 0);
}

BOOST_AUTO_TEST_SUITE_END()
