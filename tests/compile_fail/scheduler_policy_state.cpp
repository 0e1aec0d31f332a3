// SPDX-License-Identifier: Apache-2.0
// expect: tells_its_state

#include <optional>
#include <vector>

#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"

struct my_scheduler {
  static constexpr auto name = "mine";
  explicit my_scheduler(tenon::scheduler_limits);
  void admit(tenon::sequence&);
  void cancel(auto& ledger, tenon::request_id, std::int32_t choice, std::vector<tenon::event>&);
  std::optional<tenon::step> next(auto& ledger);
  void commit(auto& ledger, tenon::step const&, tenon::sampled const&, std::vector<tenon::event>&);
  tenon::scheduler_counts counts() const;
#ifdef TENON_COMPILE_FAIL
  int idle() const;
#else
  bool idle() const;
#endif
};

static_assert(tenon::is_scheduler_policy<my_scheduler, tenon::contiguous_ledger>);
