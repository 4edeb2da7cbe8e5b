#include <sqlite3.h>

#include <filesystem>

#include "edge/journal/reader.h"
#include "edge/store/directory.h"
#include "edge/store/inspection.h"
#include "edge/store/opening.h"
#include "edge/store/settling.h"
#include "edge/store/tables.h"

namespace forewarm {
namespace {

constexpr int kWritesInACommit = 1000;

/// Writes a new store row by row, without the threads of a running one.
class NewStore {
 public:
  static Result<std::unique_ptr<NewStore>> make(const std::string& path, const StoreState& begin) {
    auto directory = StoreDirectory::open(path);
    if (!directory) return std::unexpected(directory.error());
    auto connection = open_database(*directory, nullptr);
    if (!connection) return std::unexpected(connection.error());
    std::unique_ptr<NewStore> store(new NewStore(std::move(*directory), std::move(*connection), begin));
    if (auto begun = store->done(store->tables_.prepare()); !begun) return std::unexpected(begun.error());
    if (auto begun = store->done(store->tables_.begin()); !begun) return std::unexpected(begun.error());
    return store;
  }

  template <class... Write>
  Result<void> apply(const Write&... write) {
    if (auto applied = done(tables_.apply(write...)); !applied) return applied;
    if (++writes_ % kWritesInACommit != 0) return {};
    if (auto committed = finish(); !committed) return committed;
    return done(tables_.begin());
  }

  Result<void> finish() { return done(tables_.commit(begin_.commits)); }

  /// Adds what the journal of `source` holds, past what is damaged in it.
  Result<void> add_journal(const std::string& source, Inspection& inspection);
  const StoreState& state() const { return tables_.state(); }

 private:
  NewStore(StoreDirectory directory, sqlite::Connection connection, const StoreState& begin)
      : directory_(std::move(directory)),
        connection_(std::move(connection)),
        begin_(begin),
        tables_(connection_, begin) {}

  Result<void> done(sqlite::Code code) const {
    if (code == sqlite::kOk) return {};
    return std::unexpected(sqlite::to_error(code, "writing to", directory_.file("messages.db")));
  }

  StoreDirectory directory_;
  sqlite::Connection connection_;
  StoreState begin_;
  Tables tables_;
  std::uint64_t writes_ = 0;
};

Result<void> NewStore::add_journal(const std::string& source, Inspection& inspection) {
  const auto held = journal_prefix(source);
  auto journal = JournalReader::open(system_journal_disk(), held, begin_.commits);
  if (!journal) return std::unexpected(journal.error());
  Settling settling(tables_, directory_.file("messages.db"));
  for (;;) {
    const std::uint64_t before = journal->last();
    auto entry = journal->next();
    if (entry && !*entry) {
      entry = journal->skip_damage();
      if (entry && *entry) {
        inspection.problems.push_back("commits " + std::to_string(before + 1) + " to " +
                                      std::to_string((*entry)->commit - 1) +
                                      " cannot be read in the journal; what was in them is lost");
      }
    }
    if (!entry) return std::unexpected(entry.error());
    if (!*entry) break;
    if (auto added = settling.add((*entry)->body); !added) return added;
  }
  begin_.commits = journal->last();
  return settling.write();
}

Result<void> expect_empty(const std::string& path) {
  std::error_code failure;
  const bool there = std::filesystem::exists(path, failure);
  if (!there || std::filesystem::is_empty(path, failure)) return {};
  return error(ErrorCode::Conflict, path + " is not an empty folder. Name one that is new or empty.");
}

}  // namespace

Result<Inspection> salvage_store(const std::string& source, const std::string& target) {
  if (auto empty = expect_empty(target); !empty) return std::unexpected(empty.error());
  if (!std::filesystem::exists(source + "/messages.db"))
    return error(ErrorCode::NotFound, "there is no store in " + source);
  const auto held = StoreDirectory::open(source);
  if (!held) return std::unexpected(held.error());
  // Ids go on where they were, so that none is given twice.
  const auto looked = inspect_store(source);
  if (!looked) return std::unexpected(looked.error());
  auto store =
      NewStore::make(target, {.commits = looked->state.commits, .last_message = looked->state.last_message});
  if (!store) return std::unexpected(store.error());
  InspectionVisitor copy;
  copy.message = [&](const StoredMessage& message) {
    return (*store)->apply(AppendMessage{{message.message, {}}}, std::string_view(message.payload));
  };
  copy.record = [&](std::string_view key, std::string_view value) {
    return (*store)->apply(PutRecord{std::string(key), std::string(value)});
  };
  auto inspection = inspect_store(source, copy);
  if (!inspection) return inspection;
  if (auto added = (*store)->add_journal(source, *inspection); !added) return std::unexpected(added.error());
  if (auto finished = (*store)->finish(); !finished) return std::unexpected(finished.error());
  inspection->messages = (*store)->state().messages;
  inspection->records = (*store)->state().records;
  return inspection;
}

}  // namespace forewarm
