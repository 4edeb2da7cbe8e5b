#include "edge/store/inspection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "edge/sqlite/copy.h"
#include "edge/store/backup.h"
#include "edge/store/row_walk.h"
#include "edge/store/store_contents.h"

namespace forewarm {
namespace {

constexpr std::uint64_t kMessages = 3000;

/// Messages 1 to kMessages, some received, and two records.
void fill_inspected(const std::string& directory) {
  auto store = open_store(directory);
  std::vector<Write> writes{PutRecord{"queue/1", "jobs"}, PutRecord{"queue/2", "mails"}};
  for (std::uint64_t id = 1; id <= kMessages; ++id) {
    writes.push_back(AppendMessage{{make_message(id), "payload " + std::to_string(id)}});
    if (id % 5 == 0) writes.push_back(UpdateMessage{MessageId(id), 3, time_point_us(5)});
  }
  ASSERT_TRUE(commit(*store, std::move(writes)));
}

Contents contents_of(const std::string& directory) {
  const auto contents = open_and_read(directory);
  EXPECT_TRUE(contents) << contents.error().message;
  return contents ? *contents : Contents{};
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int n = 0; n < count; ++n)
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(n)]);
  return value;
}

/// Overwrites the `nth` child of a table's root page (https://sqlite.org/fileformat.html, 1.6).
void destroy_leaf(const std::string& directory, const std::string& table, std::size_t nth) {
  sqlite::Connection connection;
  ASSERT_EQ(connection.open(directory + "/messages.db", nullptr, false), sqlite::kOk);
  std::size_t root = 0;
  {
    sqlite::Statement find;
    const std::string sql = "SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'";
    ASSERT_EQ(find.prepare(connection, sql.c_str()), sqlite::kOk);
    ASSERT_TRUE(find.next());
    root = static_cast<std::size_t>(find.integer(0) - 1) * 4096;
  }
  connection.close();
  std::string bytes = read_file(directory + "/messages.db");
  ASSERT_EQ(bytes[root], 5) << "the root is an interior page";
  const std::size_t cell = root + big_endian(bytes, root + 12 + 2 * nth, 2);
  const std::size_t leaf = (big_endian(bytes, cell, 4) - 1) * std::size_t{4096};
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(leaf), 4096, '\x5a');
  write_file(directory + "/messages.db", bytes);
}

bool says(const Inspection& inspection, const std::string& words) {
  return std::ranges::any_of(inspection.problems, [&](const std::string& problem) {
    return problem.find(words) != std::string::npos;
  });
}

TEST(Inspection, FindsNothingWrongWithAnIntactStoreAndCountsIt) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  const auto inspection = inspect_store(directory.path());
  ASSERT_TRUE(inspection) << inspection.error().message;
  EXPECT_TRUE(inspection->intact()) << inspection->problems.front();
  EXPECT_EQ(inspection->messages, kMessages);
  EXPECT_EQ(inspection->records, 2U);
  EXPECT_EQ(inspection->format, kStoreFormat);
}

TEST(Inspection, LooksAtAStoreThatIsBeingWrittenTo) {
  TemporaryFolder directory;
  auto store = open_store(directory.path());
  for (std::uint64_t id = 1; id <= 50; ++id) {
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), "x"}}}));
    if (id % 10 != 0) continue;
    const auto inspection = inspect_store(directory.path());
    ASSERT_TRUE(inspection) << inspection.error().message;
    EXPECT_TRUE(inspection->intact()) << inspection->problems.front();
    EXPECT_EQ(inspection->messages, 0U) << "nothing is settled yet";
    EXPECT_EQ(inspection->unsettled_commits, id);
  }
}

TEST(Inspection, RefusesWhatIsNoStoreAndMakesNothingThere) {
  TemporaryFolder directory(memory_directory());
  EXPECT_EQ(inspect_store(directory.path()).error().code, ErrorCode::NotFound);
  EXPECT_EQ(inspect_store(directory.path() + "/nowhere").error().code, ErrorCode::NotFound);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Inspection, NamesEachDamagedRow) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  run_sql(directory.path(),
          "UPDATE messages SET queue = 9 WHERE id = 5; UPDATE messages SET receive_count = 77 WHERE id = 6;"
          "UPDATE payloads SET payload = 'x' WHERE id = 7; DELETE FROM payloads WHERE id = 8;"
          "DELETE FROM messages WHERE id = 9; UPDATE records SET value = 'x' WHERE key = 'queue/2'");
  const auto inspection = inspect_store(directory.path());
  ASSERT_TRUE(inspection) << inspection.error().message;
  EXPECT_TRUE(says(*inspection, "message 5 is lost: its row has a wrong checksum"));
  EXPECT_TRUE(says(*inspection, "message 6: its receive count"));
  EXPECT_TRUE(says(*inspection, "message 7 is lost: its payload has a wrong checksum"));
  EXPECT_TRUE(says(*inspection, "message 8 is lost: its payload is gone"));
  EXPECT_TRUE(says(*inspection, "3000 messages were stored, rows of 2999 were found"));
  EXPECT_TRUE(says(*inspection, "the record 'queue/2' is lost"));
  EXPECT_EQ(inspection->messages, kMessages - 4);
}

TEST(Inspection, NamesAPayloadWithoutItsMessage) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  run_sql(directory.path(), "INSERT INTO payloads VALUES (70000, 'x', 0)");
  const auto inspection = inspect_store(directory.path());
  ASSERT_TRUE(inspection);
  EXPECT_TRUE(says(*inspection, "there is a payload of message 70000"));
}

TEST(Inspection, ReadsPastDamagedPagesAndSaysWhatLayThere) {
  for (const char* table : {"messages", "payloads"}) {
    TemporaryFolder directory(memory_directory());
    fill_inspected(directory.path());
    destroy_leaf(directory.path(), table, 1);
    destroy_leaf(directory.path(), table, 4);
    const auto inspection = inspect_store(directory.path());
    ASSERT_TRUE(inspection) << inspection.error().message;
    EXPECT_TRUE(says(*inspection, "structure of messages.db"));
    EXPECT_LT(inspection->messages, kMessages);
    EXPECT_GT(inspection->messages, kMessages - 600) << "two leaves of " << table;
    EXPECT_TRUE(says(*inspection, std::string(table) == "messages" ? "the table messages cannot be read there"
                                                                   : "its payload cannot be read"));
  }
}

TEST(Salvage, CopiesAllThatIsIntactIntoAStoreThatOpens) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  const Contents before = contents_of(directory.path());
  destroy_leaf(directory.path(), "messages", 2);
  run_sql(directory.path(), "UPDATE payloads SET payload = 'x' WHERE id = 3000");
  ASSERT_FALSE(Store::open({.directory = directory.path()}, {}));
  const std::string target = directory.path() + "/saved";
  const auto salvaged = salvage_store(directory.path(), target);
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_FALSE(salvaged->intact());
  const Contents after = contents_of(target);
  EXPECT_EQ(after.size(), salvaged->messages);
  EXPECT_GT(after.size(), kMessages - 300);
  EXPECT_FALSE(after.contains(3000));
  for (const auto& [id, stored] : after) {
    EXPECT_EQ(stored.message, before.at(id).message);
    EXPECT_EQ(stored.payload, before.at(id).payload);
  }
  auto store = open_store(target);
  EXPECT_GT(store->next_message_id().value(), kMessages) << "an id is not given again";
  EXPECT_TRUE(inspect_store(target)->intact());
}

TEST(Salvage, DeliversAgainWhatLostItsLease) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  run_sql(directory.path(), "UPDATE messages SET receive_count = 77 WHERE id = 10");
  ASSERT_TRUE(salvage_store(directory.path(), directory.path() + "/saved"));
  const Contents after = contents_of(directory.path() + "/saved");
  EXPECT_EQ(after.size(), kMessages);
  EXPECT_EQ(after.at(10).message.receive_count, 0);
  EXPECT_EQ(after.at(10).message.visible_at, after.at(10).message.sent);
}

TEST(Salvage, TakesWhatTheJournalHoldsPastADamagedCommitAndNamesIt) {
  TemporaryFolder live(memory_directory());
  TemporaryFolder killed(memory_directory());
  auto store = open_store(live.path());
  for (std::uint64_t id = 1; id <= 10; ++id) {
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), "payload " + std::to_string(id)}}}));
  }
  ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(2)}, PutRecord{"queue/1", "jobs"}}));
  for (const std::string& name : store_files(live.path()))
    write_file(killed.path() + "/" + name, read_file(live.path() + "/" + name));
  const std::string journal = killed.path() + "/messages.journal-0";
  std::string bytes = read_file(journal);
  bytes[bytes.find("payload 4")] ^= 1;
  write_file(journal, bytes);
  const auto refused = Store::open({.directory = killed.path()}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Corrupt);
  EXPECT_NE(refused.error().message.find("commit 4 cannot be read"), std::string::npos)
      << refused.error().message;
  const auto inspection = inspect_store(killed.path());
  EXPECT_EQ(inspection->unsettled_commits, 3U);
  EXPECT_TRUE(says(*inspection, "commits 4 to 4 cannot be read in messages.journal-*"));
  const std::string target = killed.path() + "/saved";
  const auto salvaged = salvage_store(killed.path(), target);
  ASSERT_TRUE(salvaged) << salvaged.error().message;
  EXPECT_TRUE(says(*salvaged, "commits 4 to 4 cannot be read in the journal"));
  EXPECT_EQ(salvaged->messages, 8U);
  EXPECT_EQ(salvaged->records, 1U);
  const Contents after = contents_of(target);
  EXPECT_EQ(after.size(), 8U);
  EXPECT_FALSE(after.contains(2) || after.contains(4));
  EXPECT_EQ(after.at(10).payload, "payload 10");
  EXPECT_GT(open_store(target)->next_message_id().value(), 10U);
}

TEST(Salvage, RefusesATargetWithSomethingInItAndASourceInUse) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  EXPECT_EQ(salvage_store(directory.path(), directory.path()).error().code, ErrorCode::Conflict);
  auto store = open_store(directory.path());
  const auto refused = salvage_store(directory.path(), directory.path() + "/saved");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/saved"));
}

TEST(RowWalk, JoinsWhatCannotBeReadAndVisitsTheRestOnce) {
  TemporaryFolder directory(memory_directory());
  fill_inspected(directory.path());
  destroy_leaf(directory.path(), "messages", 3);
  sqlite::Connection connection;
  ASSERT_EQ(connection.open(directory.path() + "/messages.db", nullptr, false), sqlite::kOk);
  RowWalk walk(connection, "SELECT id FROM messages WHERE id BETWEEN ? AND ? ORDER BY id");
  std::uint64_t seen = 0;
  std::uint64_t before = 0;
  ASSERT_TRUE(walk.visit({1, 2 * kMessages}, [&](const sqlite::Statement& row) -> Result<void> {
    EXPECT_GT(row.unsigned_integer(0), before);
    before = row.unsigned_integer(0);
    ++seen;
    return {};
  }));
  ASSERT_EQ(walk.unreadable().size(), 1U);
  EXPECT_EQ(seen + walk.unreadable()[0].last - walk.unreadable()[0].first + 1, kMessages);
}

TEST(Backup, TakesOneMomentOfAStoreThatIsWrittenToMeanwhile) {
  TemporaryFolder directory;
  auto store =
      open_store(Store::Options{.directory = directory.path()}, nullptr, {.settle = eager_settling()});
  std::uint64_t id = 0;
  const auto append = [&] {
    ++id;
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), std::string(3000, 'p')}}}));
  };
  for (int n = 0; n < 600; ++n) append();
  const std::string target = directory.path() + "/copy";
  int steps = 0;
  {
    const auto held = StoreDirectory::open(target);
    ASSERT_TRUE(held);
    const auto copied = copy_messages(directory.path(), *held, [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_LE(done, total);
      ++steps;
      append();
      return true;
    });
    ASSERT_TRUE(copied) << copied.error().message;
  }
  EXPECT_GT(steps, 1);
  const auto inspection = inspect_store(target);
  ASSERT_TRUE(inspection) << inspection.error().message;
  EXPECT_TRUE(inspection->intact()) << inspection->problems.front();
  EXPECT_EQ(inspection->messages, 600U) << "as of its beginning";
  EXPECT_EQ(store_files(target), std::vector<std::string>{"messages.db"});
}

TEST(Backup, HasWhatIsReplacedInOneCommitWhateverIsSettledMeanwhile) {
  TemporaryFolder directory;
  auto store = open_store({.directory = directory.path()}, nullptr,
                          {.settle = {.journal = {.slot_bytes = 1U << 20}, .bytes = 1U << 18}});
  // Rows, so that the copy takes a while.
  for (std::uint64_t id = 1; id <= 100; ++id)
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), std::string(30'000, 'p')}}}));
  std::uint64_t id = 101;
  ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), "one of these is always there"}}}));
  const auto replace = [&] {
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id + 1), std::string(3000, 'p')}},
                                RemoveMessage{MessageId(id)}}));
    ++id;
  };
  for (int copies = 0; copies < 5; ++copies) {
    const std::string target = directory.path() + "/copy" + std::to_string(copies);
    {
      const auto held = StoreDirectory::open(target);
      ASSERT_TRUE(held);
      for (int n = 0; n < 100; ++n) replace();
      const auto copied = copy_messages(directory.path(), *held, [&](std::uint64_t, std::uint64_t) {
        for (int n = 0; n < 100; ++n) replace();
        return true;
      });
      ASSERT_TRUE(copied) << copied.error().message;
    }
    const auto inspection = inspect_store(target);
    ASSERT_TRUE(inspection) << inspection.error().message;
    EXPECT_TRUE(inspection->intact()) << inspection->problems.front();
    EXPECT_EQ(inspection->messages, 101U);
  }
}

TEST(CopyDatabase, GivesUpWhenItIsTold) {
  TemporaryFolder directory(memory_directory());
  ASSERT_TRUE(commit(*open_store(directory.path()),
                     {AppendMessage{{make_message(1), std::string(std::size_t{3} << 20, 'p')}}}));
  const auto copied = sqlite::copy_database(directory.path() + "/messages.db", directory.path() + "/copy.db",
                                            [](std::uint64_t, std::uint64_t) { return false; });
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::Closed);
}

// A folder of format 1 as a server wrote it, row by row: a change of the format that forgets its number does
// not read it any more.
constexpr const char* kFormat1 = R"(
PRAGMA application_id = 1719104109; PRAGMA user_version = 1;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, sent INTEGER NOT NULL, visible_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL, tenant INTEGER NOT NULL, message_group INTEGER NOT NULL, bytes INTEGER NOT NULL,
  receive_count INTEGER NOT NULL, priority INTEGER NOT NULL, checksum INTEGER NOT NULL,
  lease_checksum INTEGER NOT NULL);
CREATE TABLE payloads (id INTEGER PRIMARY KEY, payload BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE records (key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (
  one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL, last_message INTEGER NOT NULL,
  messages INTEGER NOT NULL, message_digest INTEGER NOT NULL, records INTEGER NOT NULL,
  record_digest INTEGER NOT NULL, checksum INTEGER NOT NULL);
INSERT INTO messages VALUES (1, 1, 1795941269348472, 1795941299350021, 0, 0, 0, 5, 1, 4, 3468533521316881502,
  8153270385100607252);
INSERT INTO payloads VALUES (1, X'0101f8c096cbe2ac98030568656c6c6f00000c3030303030303030303030300000',
  -5065050969706693042);
INSERT INTO records VALUES ('queue/1', CAST('{"version":1,"name":"jobs","attributes":{},"tags":{},' ||
  '"created_us":1795941269342639,"modified_us":1795941269342639,"purged_us":0}' AS BLOB), -5973842294610040747);
INSERT INTO records VALUES ('secret', CAST(X'655834666753566b6b6e4d534c516a5a61454c337a3350555043427a62316b54' ||
  X'4866797a4e327238644730766c377369745a376b5a66655a4f32726769436170' AS BLOB),
  -2334180459822911536);
INSERT INTO state VALUES (1, 5, 1, 1, -7995527694508729151, 2, 3239544489639836792, -3424653022429253365);
)";

/// Of format 2, upgraded from 1 as the server of that format did it.
constexpr const char* kFormat2 =
    "ALTER TABLE messages ADD COLUMN dead_letter_source INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 2;";

class StoreFormatTest : public testing::TestWithParam<int> {};

TEST_P(StoreFormatTest, AFolderOfAnEarlierFormatIsBroughtUpToDate) {
  ASSERT_EQ(kStoreFormat, 3)
      << "a new format needs a fixture of the one before it, and a test that it is upgraded";
  TemporaryFolder directory(memory_directory());
  run_sql(directory.path(), kFormat1);
  if (GetParam() == 2) run_sql(directory.path(), kFormat2);
  const auto before = inspect_store(directory.path());
  EXPECT_TRUE(before->intact());
  EXPECT_EQ(before->format, GetParam());
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  ASSERT_EQ(recovered.ids(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(recovered.messages.at(1).receive_count, 1);
  EXPECT_NE(store->payload(MessageId(1))->find("hello"), std::string::npos);
  EXPECT_TRUE(recovered.records.contains("queue/1"));
  store.reset();
  const auto after = inspect_store(directory.path());
  EXPECT_TRUE(after->intact());
  EXPECT_EQ(after->format, 3);
  RecoveredStore again;
  store = open_store(directory.path(), again);
  EXPECT_EQ(again.ids(), recovered.ids());
}

INSTANTIATE_TEST_SUITE_P(Formats, StoreFormatTest, testing::Values(1, 2));

}  // namespace
}  // namespace forewarm
