#include "app/doctor_store.h"

#include <filesystem>

#include "app/doctor_files.h"
#include "edge/files/whole_file.h"
#include "edge/sqlite/copy.h"
#include "edge/store/inspection.h"

namespace forewarm {
namespace {

StoreFindings findings_of(const Inspection& inspection) {
  StoreFindings findings;
  findings.facts.push_back("messages.db: format " + std::to_string(inspection.format) + ", " +
                           std::to_string(inspection.messages) + " messages with " +
                           std::to_string(inspection.payload_bytes) + " bytes, " +
                           std::to_string(inspection.records) + " records are intact");
  if (inspection.unsettled_commits > 0)
    findings.facts.push_back("messages.journal-*: " + std::to_string(inspection.unsettled_commits) +
                             " commits that are not in messages.db yet are intact");
  findings.problems = inspection.problems;
  if (inspection.problems_left_out > 0)
    findings.problems.push_back("and " + std::to_string(inspection.problems_left_out) + " more");
  findings.salvage_helps = !findings.problems.empty();
  return findings;
}

/// True if there is a history and it is intact.
bool examine_history(const std::string& data, StoreFindings& findings) {
  const std::string path = data + "/history.db";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return false;
  const auto problems = sqlite::integrity_problems(path);
  if (problems && problems->empty()) {
    findings.facts.emplace_back("history.db: intact");
    return true;
  }
  findings.salvage_helps = true;
  if (!problems) findings.problems.push_back(problems.error().message);
  if (problems) {
    for (const std::string& line : *problems) findings.problems.push_back("structure of history.db: " + line);
  }
  return false;
}

/// A folder of forewarm control has no store; of one that had one, anything else is left.
bool has_files_of_a_store(const std::string& data) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(data, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().filename().string().starts_with("messages.")) return true;
  }
  return false;
}

}  // namespace

Result<StoreFindings> examine_store(const std::string& data) {
  const auto inspection = inspect_store(data);
  StoreFindings findings = inspection ? findings_of(*inspection) : StoreFindings{};
  const bool controls = examine_control_state(data, findings);
  const bool only_controls = controls && !inspection && inspection.error().code == ErrorCode::NotFound &&
                             !has_files_of_a_store(data);
  if (!inspection && !only_controls) return std::unexpected(inspection.error());
  examine_history(data, findings);
  return findings;
}

Result<StoreFindings> salvage_data(const std::string& data, const std::string& target) {
  const auto inspection = salvage_store(data, target);
  if (!inspection) return std::unexpected(inspection.error());
  StoreFindings findings = findings_of(*inspection);
  const std::string from = data + "/history.db";
  if (examine_history(data, findings)) {
    const auto copied = sqlite::copy_database(from, target + "/history.db", {});
    if (!copied) return std::unexpected(copied.error());
  } else if (std::filesystem::exists(from)) {
    findings.problems.emplace_back("history.db is not copied: forecasts begin without a past");
  }
  const std::string state = "/control-state.json";
  const std::size_t problems = findings.problems.size();
  if (examine_control_state(data, findings) && findings.problems.size() == problems) {
    const auto text = read_file_if_any(data + state);
    if (!text) return std::unexpected(text.error());
    if (*text)
      if (const auto copied = replace_file(target + state, **text, {.mode = 0600}); !copied)
        return std::unexpected(copied.error());
  }
  return findings;
}

}  // namespace forewarm
