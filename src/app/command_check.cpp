// forewarm check, forewarm config

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "app/config.h"
#include "app/config_commands.h"
#include "app/source_check.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kPatience(10);  // an engine far away, with TLS and a token to be had first

}  // namespace

int run_check(const ConfigCommand& command) {
  const std::string& path = command.checked;
  Result<ServerConfig> config = read_config_file(path);
  if (!config) return failed(config.error());
  if (const Result<void> environment = apply_environment(*config); !environment)
    return failed(environment.error());
  std::vector<std::string> warnings = config_warnings(*config);
  if (command.connect) {
    std::ranges::move(check_sources(config->sources, kPatience), std::back_inserter(warnings));
  } else if (!config->sources.empty()) {
    std::cerr << "the engines of its sources were not asked; --connect does that\n";
  }
  for (const std::string& warning : warnings) std::cerr << "warning: " << warning << "\n";
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

void add_config_commands(CLI::App& program, ConfigCommand& command,
                         const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* check = program.add_subcommand("check", "check a configuration file, and warn of known traps");
  check->footer(
      "Examples:\n  forewarm check forewarm.toml\n"
      "  forewarm check --connect forewarm.toml    # and ask the engines of its sources");
  check->add_option("config", command.checked, "TOML file")->required();
  check->add_flag("--connect", command.connect,
                  "connect to the sources, take nothing, and warn of what their engines would do");
  on(check, [&command] { return run_check(command); });

  CLI::App* config = program.add_subcommand("config", "write an example configuration, or show all its keys");
  config->require_subcommand(1);
  CLI::App* init = config->add_subcommand("init", "write an example file");
  init->footer("Examples:\n  forewarm config init forewarm.toml");
  init->add_option("path", command.written, "file to write; - for standard output")->capture_default_str();
  on(init, [&command] { return run_config_init(command.written); });
  CLI::App* reference = config->add_subcommand("reference", "every key, with type, default and meaning");
  reference->footer("Examples:\n  forewarm config reference");
  on(reference, [] { return run_config_reference(); });
}

}  // namespace forewarm
