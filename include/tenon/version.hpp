// SPDX-License-Identifier: Apache-2.0
#pragma once

/// major * 10000 + minor * 100 + patch; the CMake project's version is read from here.
#define TENON_VERSION 100
