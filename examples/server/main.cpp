// SPDX-License-Identifier: Apache-2.0
// Serves a model over the OpenAI API: see `server --help`, and docs/how_to/run_the_server.md.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "engines/load_engine.hpp"
#include "server/health.hpp"
#include "server/life_cycle.hpp"
#include "server/listener.hpp"
#include "server/served_model.hpp"
#include "server/settings.hpp"

namespace {

/// Every connection is a descriptor, and the usual soft limit of 1,024 is no protection but an outage.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void say_ready(server::event_log& log, tenon::engine_description const& about) {
  log.write(server::severity::info, "ready",
            {{"model", about.model},
             {"backend", about.backend},
             {"precision", about.precision},
             {"context", std::to_string(about.max_context)},
             {"rows", std::to_string(about.max_rows)}});
}

/// The order matters: the port answers while the model loads; connections end before the engine does, whose
/// last events may still be posted to the port's context.
server::exit_status serve(server::settings const& chosen) {
  server::event_log log{STDERR_FILENO, chosen.log_level};
  server::server_state shared{
      .limits = chosen.limits, .keys = chosen.keys, .allowed_origins = chosen.allowed_origins, .log = log};
  server::router before_the_model;
  server::add_health_routes(before_the_model, shared);
  shared.routes = &before_the_model;
  server::life_cycle life{shared, {.drain = chosen.drain_time, .step = chosen.step_time}};
  server::listener port{shared, chosen.host, chosen.port, chosen.io_threads};
  log.write(server::severity::info, "listening",
            {{"host", chosen.host}, {"port", std::to_string(port.port())}});

  auto loaded = load_engine(chosen.engine);
  if (!loaded.notice.empty()) log.write(server::severity::warning, "device", {{"what", loaded.notice}});
  server::served_model model{std::move(loaded), chosen, shared};
  struct stop_first {
    server::listener& port;
    ~stop_first() { port.stop(); }
  } const stopping{port};
  model.warm_up();
  shared.routes = &model.routes();
  say_ready(log, model.engine().description());
  auto const status = life.run(server::view_of(model.engine()));
  log.write(server::severity::info, "ended", {{"status", std::to_string(static_cast<int>(status))}});
  if (status >= server::exit_status::engine_failed) {
    // A device in an unknown state, or a step that never ends: no destructor can be trusted from here on.
    log.flush();
    std::_Exit(static_cast<int>(status));
  }
  return status;
}

std::optional<server::settings> read(int count, char** arguments) try {
  return server::read_settings(count, arguments);
} catch (std::exception const& wrong) {
  std::cerr << "server: " << wrong.what() << "\nserver --help lists the options\n";
  std::exit(static_cast<int>(server::exit_status::wrong_options));
}

}  // namespace

int main(int count, char** arguments) try {
  auto const chosen = read(count, arguments);
  if (!chosen) return 0;
  allow_many_descriptors();
  return static_cast<int>(serve(*chosen));
} catch (std::exception const& failed) {
  std::cerr << "server: " << failed.what() << "\n";
  return static_cast<int>(server::exit_status::no_start);
}
