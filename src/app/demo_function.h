#pragma once

#include <chrono>

namespace forewarm {

/// The function that the demo runs: a process that takes `init` to start (as loading a runtime and its
/// libraries does), then speaks the Lambda Runtime API and works on each message for as long as its body says
/// ({"work_us": n}). Returns the exit code.
int run_demo_function(std::chrono::milliseconds init);

}  // namespace forewarm
