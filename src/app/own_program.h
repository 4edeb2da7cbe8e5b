#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace forewarm {

/// Path of the running program, to start it again as a worker.
inline std::string own_program() {
  std::error_code code;
  return std::filesystem::read_symlink("/proc/self/exe", code).string();
}

}  // namespace forewarm
