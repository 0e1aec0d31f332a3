// SPDX-License-Identifier: Apache-2.0
// Includes every umbrella header that there is, as a user does, and needs what comes with the targets to link.

#if __has_include(<tenon/tenon.hpp>)
#include <tenon/tenon.hpp>
#endif
#if __has_include(<tenon/cpu.hpp>)
#include <tenon/cpu.hpp>
#endif
#if __has_include(<tenon/checkpoint.hpp>)
#include <tenon/checkpoint.hpp>
#endif
#if __has_include(<tenon/text.hpp>)
#include <tenon/text.hpp>
#endif
#if __has_include(<tenon/asio.hpp>)
#include <tenon/asio.hpp>
#endif
#include <tenon/core/dtype.hpp>

int main() { return tenon::size_of(tenon::dtype::bf16) == 2 ? 0 : 1; }
