#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace forewarm {

/// What `forewarm history ...` was told.
struct HistoryCommand {
  std::string config;
  std::string data;
  std::vector<std::string> names;
  bool json = false;

  // import
  std::string source;
  std::string start;
  std::string shift;
  std::string step;
  std::string as;
  std::string absent = "zero";
  bool replace = false;
  std::string from;
  std::string to;
  std::string prometheus;
  std::string query;
  std::string label = "queue";
  std::string values = "count";
  std::string bearer_token_file;
  bool cloudwatch = false;
  std::string region;
  std::string endpoint_url;

  // archive and restore
  std::string target;
  bool dry_run = false;

  // export
  std::string kind = "queue";
  std::string format = "csv";
  std::string output;
};

/// Adds `forewarm history list|import|export|archive|restore` to the program. `on` takes what to do when one
/// is chosen.
void add_history_commands(CLI::App& program, HistoryCommand& command,
                          const std::function<void(CLI::App*, std::function<int()>)>& on);

int run_history_list(const HistoryCommand& command);
int run_history_import(const HistoryCommand& command);
int run_history_export(const HistoryCommand& command);
int run_history_archive(const HistoryCommand& command);
int run_history_restore(const HistoryCommand& command);

}  // namespace forewarm
