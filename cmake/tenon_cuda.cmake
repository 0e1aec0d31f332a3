# SPDX-License-Identifier: Apache-2.0
# CUDA, where it is wanted and found. AUTO looks for a compiler only if the tree has something to give it.

if(TENON_CUDA STREQUAL "OFF")
  return()
endif()

file(GLOB_RECURSE tenon_cuda_sources CONFIGURE_DEPENDS
     "${tenon_include_dir}/*.cuh" "${PROJECT_SOURCE_DIR}/tests/*.cu" "${PROJECT_SOURCE_DIR}/examples/*.cu"
     "${PROJECT_SOURCE_DIR}/benchmarks/*.cu")
if(TENON_CUDA STREQUAL "AUTO" AND NOT tenon_cuda_sources)
  return()
endif()

# 90a: the wgmma instructions exist in this architecture alone, and plain 90 rejects them.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90a CACHE STRING "CUDA architectures")
endif()

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(TENON_CUDA STREQUAL "ON")
    message(FATAL_ERROR "TENON_CUDA is ON, but CMake found no CUDA compiler: put nvcc on PATH, set CUDACXX, or configure "
                        "with -DTENON_CUDA=OFF")
  endif()
  message(STATUS "tenon: no CUDA compiler, so nothing that needs one is built")
  return()
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

tenon_add_component(cuda tenon::tenon CUDA::cudart_static CUDA::cublasLt)
if(NOT TARGET tenon_cuda)
  return()
endif()
if("cuda_std_20" IN_LIST CMAKE_CUDA_COMPILE_FEATURES)
  target_compile_features(tenon_cuda INTERFACE cuda_std_20)
else()
  # CMake 3.25 knows CUDA C++ up to 17.
  target_compile_options(tenon_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
endif()
# The constexpr members of the policies are called in kernels.
target_compile_options(tenon_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>)

# Everything that was compiled for a GPU: tests, benchmarks and the examples' engines add themselves.
add_custom_target(gpu_programs)
