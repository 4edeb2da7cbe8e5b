#include "app/store_commands.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "app/admin_client.h"
#include "app/doctor.h"
#include "app/doctor_files.h"
#include "app/doctor_store.h"
#include "app/server_options.h"
#include "app/store_copy.h"
#include "app/terminal.h"
#include "edge/store/directory.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kPoll{200};

double share_of(const json::object& status) {
  const double total = status.contains("pages_total") ? status.at("pages_total").to_number<double>() : 0;
  return total > 0 ? status.at("pages").to_number<double>() / total : 0;
}

int run_backup(const StoreCommand& command) {
  const std::string target = std::filesystem::absolute(command.folder).lexically_normal().string();
  auto answer = call_admin(command.server, {"POST",
                                            "/v1/backup",
                                            "",
                                            {{"Content-Type", "application/json"}},
                                            json::serialize(json::object{{"target", target}})});
  ProgressBar bar("backup");
  for (;;) {
    if (!answer) return failed(answer.error());
    const json::object status = json::parse(answer->body).as_object();
    const std::string state(status.at("state").as_string());
    if (state == "failed") return failed({ErrorCode::Io, std::string(status.at("detail").as_string())});
    if (state == "done") {
      if (command.server.json)
        std::cout << json::serialize(status) << "\n";
      else
        std::cerr << "copied " << status.at("messages").to_number<std::uint64_t>() << " messages to "
                  << target << "; the copy was read and is intact\n";
      return 0;
    }
    bar.show(share_of(status));
    std::this_thread::sleep_for(kPoll);
    answer = call_admin(command.server, {"GET", "/v1/backup", "", {}, ""});
  }
}

/// The folder's lock is taken and dropped: whoever starts a server between that and the rename finds no
/// store.
Result<void> expect_unused(const std::string& data) {
  std::error_code failure;
  if (!std::filesystem::exists(data + "/lock", failure)) return {};
  const auto held = StoreDirectory::open(data);
  if (!held) return std::unexpected(held.error());
  return {};
}

int run_restore(const StoreCommand& command) {
  if (auto unused = expect_unused(command.data); !unused) return failed(unused.error());
  std::optional<ProgressBar> bar(std::in_place, "restore");
  const auto copied = copy_store(command.folder, command.data, [&](std::uint64_t pages, std::uint64_t total) {
    bar->show(total > 0 ? static_cast<double>(pages) / static_cast<double>(total) : 0);
    return true;
  });
  bar.reset();
  if (!copied) return failed(copied.error());
  std::cerr << "restored " << copied->messages << " messages to " << command.data
            << ". Start with: forewarm serve --data " << command.data << "\n";
  return 0;
}

CLI::App* add_described(CLI::App& program, const std::string& name, const std::string& what,
                        const std::string& examples) {
  CLI::App* sub = program.add_subcommand(name, what);
  sub->footer("Examples:\n" + examples);
  return sub;
}

void print_findings(const StoreFindings& findings, bool as_json) {
  if (as_json) {
    json::object out{{"intact", findings.problems.empty()},
                     {"facts", json::array(findings.facts.begin(), findings.facts.end())},
                     {"problems", json::array(findings.problems.begin(), findings.problems.end())}};
    std::cout << json::serialize(out) << "\n";
    return;
  }
  for (const std::string& fact : findings.facts) std::cout << "ok       " << fact << "\n";
  for (const std::string& problem : findings.problems) std::cout << "problem  " << problem << "\n";
}

/// `has_data`: the data folder is meant too, not only what lies elsewhere.
int run_store_doctor(const StoreCommand& command, bool has_data) {
  const bool salvages = !command.salvage.empty();
  StoreFindings findings;
  if (has_data) {
    auto found = salvages ? salvage_data(command.data, command.salvage) : examine_store(command.data);
    if (!found) return failed(found.error());
    findings = std::move(*found);
  }
  for (const std::string& path : command.recordings) examine_recording(path, findings);
  for (const std::string& target : command.archives) examine_archive(target, findings);
  print_findings(findings, command.server.json);
  if (salvages)
    std::cerr << "what could be read is in " << command.salvage << "\n";
  else if (findings.salvage_helps)
    std::cerr << "Stop the server, keep a copy of " << command.data
              << ", then restore a backup, or save what can be read with: forewarm doctor --data "
              << command.data << " --salvage NEW_FOLDER\n";
  return findings.problems.empty() || salvages ? 0 : 1;
}

}  // namespace

void add_store_commands(CLI::App& program, StoreCommand& command,
                        const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* backup = add_described(program, "backup", "copy the store of the running server",
                                   "  forewarm backup /backup/2026-03-01");
  backup->add_option("target", command.folder, "folder that is new or empty, on the server's machine")
      ->required();
  add_server_options(*backup, command.server);
  on(backup, [&command] { return run_backup(command); });

  CLI::App* restore = add_described(program, "restore", "make a data folder from a backup",
                                    "  forewarm restore /backup/2026-03-01 --data /var/lib/forewarm");
  restore->add_option("source", command.folder, "folder of a backup, or any data folder")->required();
  restore->add_option("--data", command.data, "folder to make: new or empty")->capture_default_str();
  on(restore, [&command] { return run_restore(command); });

  CLI::App* doctor = add_described(
      program, "doctor", "what this machine gives the server and lacks, or what is damaged in a data folder",
      "  forewarm doctor\n  forewarm doctor --config forewarm.toml --json\n"
      "  forewarm doctor --data /var/lib/forewarm\n"
      "  forewarm doctor --recording run.txt --archive /mnt/backups/forewarm\n"
      "  forewarm doctor --data /var/lib/forewarm --salvage /var/lib/forewarm-salvaged");
  doctor->add_option("--config", command.config, "TOML file")->envname("FOREWARM_CONFIG");
  auto* data =
      doctor->add_option("--data", command.data, "look for damage in this folder of serve or control");
  doctor->add_option("--salvage", command.salvage, "copy what can be read into this folder, new or empty")
      ->needs(data);
  doctor->add_option("--recording", command.recordings, "look for damage in this file of serve --record");
  doctor->add_option("--archive", command.archives, "look for damage in this target of history archive");
  doctor->add_flag("--json", command.server.json, "JSON on standard output");
  on(doctor, [&command, data] {
    const bool has_data = data->count() > 0;
    if (!has_data && command.recordings.empty() && command.archives.empty())
      return run_doctor(command.config, command.server.json);
    return run_store_doctor(command, has_data);
  });

  CLI::App* audit = add_described(program, "audit", "who changed what",
                                  "  forewarm audit\n  forewarm audit --data /var/lib/forewarm --limit 1000");
  audit->add_option("--data", command.audited,
                    "read the files in this data folder instead of asking a server");
  audit->add_option("--limit", command.lines, "calls, the newest")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  add_server_options(*audit, command.server);
  on(audit, [&command] { return run_audit(command.server, command.audited, command.lines); });
}

}  // namespace forewarm
