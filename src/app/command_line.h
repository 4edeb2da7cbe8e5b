#pragma once

namespace forewarm {

/// Parses the command line and runs the subcommand. Returns the exit code: 0 done, 1 failed, 2 used wrongly.
int run_command_line(int argc, char** argv);

}  // namespace forewarm
