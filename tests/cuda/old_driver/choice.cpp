// SPDX-License-Identifier: Apache-2.0
// What a program that takes a GPU where there is one finds, and tells its user.
#include <iostream>

#include "engines/known_models.hpp"

int main() {
  std::cout << usable_gpus() << " GPUs; " << unusable_gpu() << "\n";
}
