// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A request's events for coroutines: adds Boost.Asio. Not for a .cu file: nvcc does not compile coroutines
/// of Asio.

#include "tenon/asio/token_channel.hpp"
