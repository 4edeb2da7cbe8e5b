#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace forewarm {

/// One [[source]]: a queue that lives in another engine.
struct SourceConfig {
  std::string queue;  ///< its name here
  std::string url;
  std::string password_file;
  std::string ca_file;
  std::map<std::string, std::string> options;  ///< of the engine's own
  std::int64_t window_max = 1000;
  std::int64_t attempts_max = 5;
  std::string dead_letters = "here";  ///< or "engine"

  friend bool operator==(const SourceConfig&, const SourceConfig&) = default;
};

/// The queue that keeps the dead letters of a source here.
std::string dead_letter_queue_of(const SourceConfig& source);

}  // namespace forewarm
