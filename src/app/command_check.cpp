// forewarm check, forewarm config

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/commands.h"
#include "app/config.h"
#include "app/terminal.h"

namespace forewarm {

int run_check(const std::string& path) {
  Result<ServerConfig> config = read_config_file(path);
  if (!config) return failed(config.error());
  if (const Result<void> environment = apply_environment(*config); !environment)
    return failed(environment.error());
  for (const std::string& warning : config_warnings(*config)) std::cerr << "warning: " << warning << "\n";
  std::cout << path << ": " << config->functions.size() << " functions, " << config->mappings.size()
            << " mappings, " << config->queues.size() << " queues; no errors\n";
  return 0;
}

int run_config_init(const std::string& path) {
  if (path == "-") {
    std::cout << example_config();
    return 0;
  }
  if (std::filesystem::exists(path)) {
    std::cerr << path
              << " is there already and is left as it is; give another name, or - for standard output\n";
    return 1;
  }
  std::ofstream file(path);
  file << example_config();
  file.close();
  if (!file) {
    std::cerr << path << ": cannot be written\n";
    return 1;
  }
  std::cerr << "wrote " << path << "; check it with: forewarm check " << path << "\n";
  return 0;
}

int run_config_reference() {
  std::cout << config_reference();
  return 0;
}

}  // namespace forewarm
