#pragma once

namespace CLI {
class App;
}

namespace forewarm {

struct WorkerCommand;

/// The options of `forewarm worker` and of the program forewarm-worker, filled into `command`.
void add_worker_options(CLI::App& app, WorkerCommand& command);

}  // namespace forewarm
