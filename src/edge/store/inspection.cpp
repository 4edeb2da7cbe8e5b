#include "edge/store/inspection.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>

#include "edge/journal/reader.h"
#include "edge/sqlite/copy.h"
#include "edge/store/directory.h"
#include "edge/store/opening.h"
#include "edge/store/row_walk.h"
#include "edge/store/settler.h"
#include "edge/store/tables.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

namespace {

std::string range_of(const IdRange& range) {
  if (range.first == range.last) return "message " + std::to_string(range.first);
  return "messages " + std::to_string(range.first) + " to " + std::to_string(range.last);
}

class Inspector {
 public:
  Inspector(const std::string& directory, const InspectionVisitor& visitor)
      : directory_(directory), path_(directory + "/messages.db"), visitor_(visitor) {}

  Result<Inspection> run();

 private:
  Result<void> open();
  void check_structure();
  void read_mark();
  void read_journal();
  void look_past_journal();
  void read_state();
  Result<void> read_messages();
  Result<void> take(const Message& message, bool intact, bool lease_intact);
  Result<void> read_records();
  void find_orphans();
  void compare();
  void problem(std::string text);

  std::string directory_;
  std::string path_;
  const InspectionVisitor& visitor_;
  sqlite::Connection connection_;
  sqlite::Statement payload_;
  std::optional<std::uint64_t> synced_;
  std::vector<CommitRange> journal_;
  StoreState found_;
  bool state_read_ = false;
  Inspection result_;
};

Result<Inspection> Inspector::run() {
  // Before the snapshot, or a commit of a running server between them would look lost.
  read_mark();
  read_journal();
  if (auto opened = open(); !opened) return std::unexpected(opened.error());
  check_structure();
  read_state();
  if (auto read = read_messages(); !read) return std::unexpected(read.error());
  if (auto read = read_records(); !read) return std::unexpected(read.error());
  find_orphans();
  compare();
  look_past_journal();
  return result_;
}

void Inspector::problem(std::string text) {
  if (result_.problems.size() < Inspection::kNamedMax)
    result_.problems.push_back(std::move(text));
  else
    ++result_.problems_left_out;
}

Result<void> Inspector::open() {
  std::error_code ignored;
  if (!std::filesystem::exists(path_, ignored))
    return error(ErrorCode::NotFound, "there is no store in " + directory_ + ": " + path_ + " is not there");
  Code code = connection_.open(path_, nullptr, false);
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "opening", path_));
  connection_.forbid_checkpoint_on_close();
  sqlite3_busy_timeout(connection_.handle(), kBusyWaitMs);
  const auto known = sqlite::is_known(connection_, path_, kStoreApplication, kStoreFormat);
  if (!known) return std::unexpected(known.error());
  if (!*known) return error(ErrorCode::NotFound, path_ + " is empty");
  code = connection_.execute("PRAGMA cell_size_check = ON; BEGIN; SELECT count(*) FROM sqlite_schema");
  if (code == kOk)
    code = payload_.prepare(connection_, "SELECT payload, checksum FROM payloads WHERE id = ?");
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "reading", path_));
  sqlite::Statement format;
  if (format.prepare(connection_, "PRAGMA user_version") == kOk && format.next())
    result_.format = format.integer(0);
  return {};
}

void Inspector::check_structure() {
  const auto problems = sqlite::integrity_problems(path_);
  if (!problems) return problem(problems.error().message);
  for (const std::string& line : *problems) problem("structure of messages.db: " + line);
}

void Inspector::read_mark() {
  const std::string path = directory_ + "/messages.synced";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  const auto mark = SyncedMark::open(path);
  if (!mark) return problem(mark.error().message);
  const auto read = mark->read();
  if (!read) return problem(read.error().message);
  synced_ = *read;
}

void Inspector::read_journal() {
  auto reader = JournalReader::open(system_journal_disk(), journal_prefix(directory_), 0);
  auto ranges = reader ? reader->copy(system_journal_disk(), "") : std::unexpected(reader.error());
  if (!ranges) return problem(ranges.error().message);
  journal_ = std::move(*ranges);
}

/// Whether whole commits lie behind one that is not.
void Inspector::look_past_journal() {
  if (!state_read_) return;
  auto reader = JournalReader::open(system_journal_disk(), journal_prefix(directory_), result_.state.commits);
  if (!reader) return problem(reader.error().message);
  auto entry = reader->next();
  while (entry && *entry) entry = reader->next();
  const std::uint64_t last = reader->last();
  if (entry) entry = reader->find_damage();
  if (!entry) return problem(entry.error().message);
  if (!*entry) return;
  // A running server may have settled and begun a slot anew meanwhile; then the tables say so now.
  sqlite::Connection connection;
  if (connection.open(path_, nullptr, false) != kOk) return;
  connection.forbid_checkpoint_on_close();
  const auto now = read_store_state(connection, path_);
  if (!now || now->commits != result_.state.commits) return;
  problem("commits " + std::to_string(last + 1) + " to " + std::to_string((*entry)->commit - 1) +
          " cannot be read in messages.journal-*, and later ones are there");
}

void Inspector::read_state() {
  auto state = read_store_state(connection_, path_);
  if (!state) return problem(state.error().message);
  result_.state = *state;
  state_read_ = true;
}

Result<void> Inspector::read_messages() {
  // Ids are given in order, so none is above the last one; without `state` the table has to say.
  std::uint64_t last = result_.state.last_message;
  if (!state_read_) {
    sqlite::Statement greatest;
    if (greatest.prepare(connection_, "SELECT max(id) FROM messages") == kOk && greatest.next())
      last = greatest.unsigned_integer(0);
    if (last == 0) last = std::numeric_limits<std::int64_t>::max();
  }
  std::uint64_t before = 0;
  std::string columns(kMessageColumns);
  constexpr std::string_view kSince2 = "dead_letter_source";
  if (result_.format < 2) columns.replace(columns.find(kSince2), kSince2.size(), "0");
  RowWalk walk(connection_, "SELECT " + columns + " FROM messages WHERE id BETWEEN ? AND ? ORDER BY id");
  const auto visited = walk.visit({1, last}, [&](const sqlite::Statement& row) -> Result<void> {
    const Message message = read_message(row);
    if (message.id.value() <= before) {
      problem("message " + std::to_string(message.id.value()) + " is there twice");
      return {};
    }
    before = message.id.value();
    const bool intact = row.unsigned_integer(10) == message_checksum(message);
    const bool lease =
        row.unsigned_integer(11) == lease_checksum(message.id, message.receive_count, message.visible_at);
    return take(message, intact, lease);
  });
  if (!visited) return visited;
  for (const IdRange& range : walk.unreadable())
    problem(range_of(range) + ": the table messages cannot be read there; what was there is lost");
  return {};
}

Result<void> Inspector::take(const Message& message, bool intact, bool lease_intact) {
  const std::string name = "message " + std::to_string(message.id.value());
  found_.add(message.id);
  if (!intact) {
    problem(name + " is lost: its row has a wrong checksum");
    return {};
  }
  StoredMessage stored{message, {}};
  payload_.bind(1, message.id.value());
  if (!payload_.next()) {
    problem(name + " is lost: its payload " + (payload_.code() == kOk ? "is gone" : "cannot be read"));
    return {};
  }
  stored.payload = std::string(payload_.bytes(0));
  const bool whole = payload_.unsigned_integer(1) == payload_checksum(message.id, stored.payload);
  payload_.reset();
  if (!whole) {
    problem(name + " is lost: its payload has a wrong checksum");
    return {};
  }
  if (!lease_intact) {
    problem(name + ": its receive count and visibility are damaged; it counts as never received");
    stored.message.receive_count = 0;
    stored.message.visible_at = message.sent;
  }
  ++result_.messages;
  result_.payload_bytes += stored.payload.size();
  return visitor_.message ? visitor_.message(std::move(stored)) : Result<void>();
}

Result<void> Inspector::read_records() {
  sqlite::Statement row;
  if (row.prepare(connection_, "SELECT key, value, checksum FROM records ORDER BY key") != kOk) {
    problem("the table records cannot be read; queues and functions are lost");
    return {};
  }
  std::string last;
  const auto take_record = [&]() -> Result<void> {
    const std::string key(row.bytes(0));
    const std::string value(row.bytes(1));
    found_.add_record(key);
    if (row.unsigned_integer(2) != record_checksum(key, value)) {
      problem("the record '" + key + "' is lost: it has a wrong checksum");
      return {};
    }
    ++result_.records;
    return visitor_.record ? visitor_.record(key, value) : Result<void>();
  };
  while (row.next()) {
    last = std::string(row.bytes(0));
    if (auto taken = take_record(); !taken) return taken;
  }
  if (row.code() == kOk) return {};
  // From the other end, down to what was read already.
  const std::string after = last;
  std::string first = "the end";
  if (row.prepare(connection_, "SELECT key, value, checksum FROM records WHERE key > ? ORDER BY key DESC") ==
      kOk) {
    row.bind_text(1, after);
    while (row.next()) {
      first = "'" + std::string(row.bytes(0)) + "'";
      if (auto taken = take_record(); !taken) return taken;
    }
  }
  problem("records between '" + after + "' and " + first + " cannot be read; what was there is lost");
  return {};
}

void Inspector::find_orphans() {
  if (!result_.intact()) return;  // what lacks its message then has been named by its message
  sqlite::Statement row;
  if (row.prepare(connection_,
                  "SELECT id FROM payloads WHERE id NOT IN (SELECT id FROM messages) ORDER BY id") != kOk)
    return;
  while (row.next())
    problem("there is a payload of message " + std::to_string(row.unsigned_integer(0)) +
            ", which is not there");
}

void Inspector::compare() {
  if (!state_read_) return;
  const StoreState& state = result_.state;
  std::uint64_t last = state.commits;
  for (const CommitRange& range : journal_) {
    if (range.first <= last + 1) last = std::max(last, range.last);
  }
  result_.unsettled_commits = last - state.commits;
  if (synced_ && *synced_ > last) {
    problem(
        "the last commit is number " + std::to_string(last) + ", but number " + std::to_string(*synced_) +
        " was acknowledged: the end of messages.journal-* is damaged or gone, or this is an older backup");
  }
  if (found_.messages != state.messages || found_.message_digest != state.message_digest) {
    problem(std::to_string(state.messages) + " messages were stored, rows of " +
            std::to_string(found_.messages) + " were found, or they are not the same ones");
  }
  if (found_.records != state.records || found_.record_digest != state.record_digest) {
    problem(std::to_string(state.records) + " records were stored, rows of " +
            std::to_string(found_.records) + " were found, or they are not the same ones");
  }
}

}  // namespace

Result<Inspection> inspect_store(const std::string& directory, const InspectionVisitor& visitor) {
  return Inspector(directory, visitor).run();
}

}  // namespace forewarm
