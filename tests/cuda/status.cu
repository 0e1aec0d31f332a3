// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/status.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace tenon;

namespace {

bool says(device_error const& error, std::string const& part) {
  return std::string{error.what()}.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(status)

BOOST_AUTO_TEST_CASE(success_is_silent) {
  BOOST_CHECK_NO_THROW(cuda::check(cudaSuccess));
  BOOST_CHECK_NO_THROW(cuda::check(CUBLAS_STATUS_SUCCESS));
}

BOOST_AUTO_TEST_CASE(an_error_has_cudas_words_and_the_line_that_asked) {
  int const line = __LINE__ + 1;
  BOOST_CHECK_EXCEPTION(cuda::check(cudaErrorInvalidValue), device_error, [&](device_error const& error) {
    return says(error, "cudaErrorInvalidValue: ") &&
           says(error, "cuda/status.cu:" + std::to_string(line) + ")");
  });
}

BOOST_AUTO_TEST_CASE(an_error_of_cublas_has_its_words) {
  BOOST_CHECK_EXCEPTION(cuda::check(CUBLAS_STATUS_NOT_SUPPORTED), device_error,
                        [](device_error const& error) {
                          return says(error, "CUBLAS_STATUS_NOT_SUPPORTED: ") && says(error, "status.cu:");
                        });
}

BOOST_AUTO_TEST_SUITE_END()
