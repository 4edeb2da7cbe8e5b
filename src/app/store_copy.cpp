#include "app/store_copy.h"

#include <filesystem>

#include "edge/files/whole_file.h"
#include "edge/store/backup.h"
#include "edge/store/directory.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

Result<void> expect_free(const fs::path& to) {
  std::error_code failure;
  const bool there = fs::exists(to, failure);
  if (there && !fs::is_directory(to, failure))
    return error(ErrorCode::Conflict, to.string() + " is a file. Name a folder that is new or empty.");
  if (there && !fs::is_empty(to, failure))
    return error(ErrorCode::Conflict, to.string() + " is not empty. Name a folder that is new or empty.");
  return {};
}

/// Both databases into a folder of our own.
Result<Inspection> fill(const std::string& from, const std::string& into,
                        const sqlite::CopyProgress& progress) {
  const auto held = StoreDirectory::open(into);
  if (!held) return std::unexpected(held.error());
  if (auto copied = copy_messages(from, *held, progress); !copied) return std::unexpected(copied.error());
  // Commits go on between the two copies: the history may know of minutes that the messages do not, which is
  // no more than two clocks.
  const auto history = sqlite::copy_database(from + "/history.db", into + "/history.db", progress);
  if (!history && history.error().code != ErrorCode::NotFound) return std::unexpected(history.error());
  auto inspection = inspect_store(into);
  if (!inspection) return inspection;
  if (!inspection->intact()) {
    return error(ErrorCode::Corrupt, "the copy of " + from +
                                         " is not intact: " + inspection->problems.front() +
                                         ". See forewarm doctor --data " + from + " for all that is wrong.");
  }
  if (history) {
    const auto problems = sqlite::integrity_problems(into + "/history.db", 1);
    if (!problems) return std::unexpected(problems.error());
    if (!problems->empty())
      return error(ErrorCode::Corrupt, "the copy of history.db is not intact: " + problems->front());
  }
  if (auto synced = sync_folder_of_file(held->file("messages.db")); !synced)
    return std::unexpected(synced.error());
  return inspection;
}

}  // namespace

Result<Inspection> copy_store(const std::string& from, const std::string& to,
                              const sqlite::CopyProgress& progress) {
  const fs::path target = fs::absolute(to).lexically_normal();
  const std::string name = target.has_filename() ? target.string() : target.parent_path().string();
  if (auto available = expect_free(name); !available) return std::unexpected(available.error());
  std::error_code failure;
  if (!fs::exists(from + "/messages.db", failure))
    return error(ErrorCode::NotFound, "there is no store in " + from);
  const std::string partial = name + ".partial";
  fs::remove_all(partial, failure);
  auto copied = fill(from, partial, progress);
  if (copied) {
    fs::remove(partial + "/lock", failure);
    fs::rename(partial, name, failure);
    if (failure)
      copied = error(ErrorCode::Io, "cannot rename " + partial + " to " + name + ": " + failure.message());
    else if (const Result<void> synced = sync_folder_of_file(name); !synced)
      return std::unexpected(synced.error());
  }
  if (!copied) {
    fs::remove_all(partial, failure);
    return copied;
  }
  return copied;
}

}  // namespace forewarm
