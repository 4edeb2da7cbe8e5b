#pragma once

#include <functional>

#include "edge/functions/worker/run_worker.h"

namespace CLI {
class App;
}

namespace forewarm {

/// The options of `forewarm worker` and of the program forewarm-worker, filled into `command`.
void add_worker_options(CLI::App& app, WorkerCommand& command);
void add_worker_command(CLI::App& program, WorkerCommand& command,
                        const std::function<void(CLI::App*, std::function<int()>)>& on);

}  // namespace forewarm
