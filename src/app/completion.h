#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace forewarm {

/// A script for bash, zsh or fish that completes the program's commands and their options, as they are.
std::string completion_script(const CLI::App& program, std::string_view shell);

int run_version();

}  // namespace forewarm
