#include "app/doctor_files.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "app/archive_target.h"
#include "app/control_state.h"
#include "app/history_archive.h"
#include "core/model/text.h"

namespace forewarm {
namespace {

constexpr std::size_t kRecordingProblemsMost = 10;

/// What one pass over a recording has found.
struct RecordingPass {
  std::uint64_t events = 0;
  std::uint64_t lines = 0;
  std::uint64_t damaged = 0;
  std::uint64_t first_damaged = 0;
  bool half_line = false;  ///< at the end, as a killed server leaves it
};

RecordingPass read_recording(const std::string& path, std::istream& file,
                             std::vector<std::string>& problems) {
  RecordingPass pass;
  TimePoint last{};
  for (std::string line; std::getline(file, line);) {
    if (file.eof()) {
      pass.half_line = true;
      break;
    }
    ++pass.lines;
    if (line.starts_with("  ") && pass.events > 0) continue;  // an action: it follows from its event
    const Result<TimedEvent> event = read_event(line);
    std::string why = event ? "" : event.error().message;
    if (event && event->time < last) why = "column 1: it is before the event above it";
    if (why.empty()) {
      last = event->time;
      ++pass.events;
      continue;
    }
    if (pass.damaged++ == 0) pass.first_damaged = pass.lines;
    if (pass.damaged <= kRecordingProblemsMost)
      problems.push_back(path + ":" + std::to_string(pass.lines) + ":" + why);
  }
  return pass;
}

}  // namespace

bool examine_control_state(const std::string& data, StoreFindings& findings) {
  std::error_code ignored;
  if (!std::filesystem::exists(data + "/control-state.json", ignored)) return false;
  const auto state = open_state_file(data);
  if (state)
    findings.facts.push_back("control-state.json: what was found at " +
                             std::to_string((*state)->all().size()) + " targets is intact");
  else
    findings.problems.push_back(state.error().message);
  return true;
}

void examine_recording(const std::string& path, StoreFindings& findings) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    findings.problems.push_back(path + ": cannot be read (" +
                                (file ? "it is a folder" : std::generic_category().message(errno)) +
                                "); give --recording a file that serve --record wrote");
    return;
  }
  const RecordingPass pass = read_recording(path, file, findings.problems);
  if (file.bad()) {
    findings.problems.push_back(path + ":" + std::to_string(pass.lines + 1) + ": reading fails there (" +
                                std::generic_category().message(errno) + ")");
  } else if (pass.damaged > 0) {
    if (pass.damaged > kRecordingProblemsMost)
      findings.problems.push_back("and " + std::to_string(pass.damaged - kRecordingProblemsMost) +
                                  " more lines of " + path);
    findings.problems.push_back(path + " can be replayed up to the first of these lines: head -n " +
                                std::to_string(pass.first_damaged - 1) + " " + path + " > WHOLE_PART");
  } else if (pass.events == 0) {
    findings.problems.push_back(path +
                                ": there is no whole event in it; is it a recording of serve --record?");
  } else {
    findings.facts.push_back(path + ": " + std::to_string(pass.events) + " events are intact" +
                             (pass.half_line ? "; it ends in half a line, which is left out" : ""));
  }
}

void examine_archive(const std::string& target, StoreFindings& findings) {
  const auto store = open_object_store({.url = target});
  if (!store) return findings.problems.push_back(store.error().message);
  const auto files = list_archive(**store, TimePoint::min(), kNever);
  if (!files) return findings.problems.push_back(files.error().message);
  std::size_t intact = 0;
  for (const ArchiveFile& file : *files) {
    if (const Result<std::string> text = read_archive_file(**store, file))
      ++intact;
    else
      findings.problems.push_back(text.error().message);
  }
  if (intact > 0)
    findings.facts.push_back((*store)->place("") + ": " + std::to_string(intact) +
                             " files of an archive are intact");
}

}  // namespace forewarm
