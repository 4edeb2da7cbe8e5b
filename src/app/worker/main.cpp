// forewarm-worker: the entry point of a worker's container, a static program of its own (src/CMakeLists.txt).
#include <CLI/CLI.hpp>
#include <iostream>

#include "app/worker/worker_command.h"
#include "edge/functions/worker/run_worker.h"

int main(int argc, char** argv) {
  forewarm::WorkerCommand command;
  CLI::App app("Runs a Lambda-style program as a worker of a forewarm server elsewhere.", "forewarm-worker");
  app.set_version_flag("--version", "forewarm-worker " FOREWARM_VERSION);
  forewarm::add_worker_options(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  return forewarm::run_worker(command);
}
