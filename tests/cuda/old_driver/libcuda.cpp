// SPDX-License-Identifier: Apache-2.0
// Stands in for libcuda.so.1 of a driver for CUDA 12.4. The CUDA runtime asks it for its version and is told
// no more.

#include <cstring>

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = 12040;
  return 0;
}

int cuInit(unsigned) {
  return 0;
}

int cuGetProcAddress_v2(char const* name, void** function, int, unsigned long long, void*) {
  constexpr int not_found = 500;
  *function = nullptr;
  if (std::strcmp(name, "cuDriverGetVersion") == 0) *function = reinterpret_cast<void*>(&cuDriverGetVersion);
  if (std::strcmp(name, "cuInit") == 0) *function = reinterpret_cast<void*>(&cuInit);
  if (std::strcmp(name, "cuGetProcAddress") == 0) *function = reinterpret_cast<void*>(&cuGetProcAddress_v2);
  return *function != nullptr ? 0 : not_found;
}

int cuGetProcAddress(char const* name, void** function, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
}
