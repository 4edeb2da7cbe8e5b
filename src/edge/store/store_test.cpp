#include "edge/store/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <thread>

#include "edge/sqlite/sqlite.h"
#include "edge/store/store_contents.h"
#include "edge/store/store_fixture.h"

namespace forewarm {
namespace {

TEST(Store, GivesBackEverythingAfterARestart) {
  TemporaryFolder directory;
  const Message message = make_message(1, QueueId(7));
  {
    auto store = open_store(directory.path());
    EXPECT_TRUE(commit(
        *store, {AppendMessage{{message, "body"}}, PutRecord{"queue/orders", std::string("a\0b", 3)}}));
  }
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  ASSERT_EQ(recovered.messages.size(), 1U);
  EXPECT_EQ(recovered.messages.at(1), message);
  EXPECT_EQ(recovered.records,
            (std::map<std::string, std::string>{{"queue/orders", std::string("a\0b", 3)}}));
  EXPECT_EQ(store->payload(MessageId(1)), "body");
}

TEST(Store, KeepsExtremeValuesExactly) {
  TemporaryFolder directory;
  Message message = make_message(1, QueueId(0xffffffff));
  message.visible_at = kNever;
  message.deadline = TimePoint::min();
  message.tenant = TenantId(~std::uint64_t{0});
  message.group = GroupId(std::uint64_t{1} << 63);
  message.bytes = 0xffffffff;
  message.receive_count = 0xffff;
  commit(*open_store(directory.path()), {AppendMessage{{message, ""}}});
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.messages.at(1), message);
  EXPECT_EQ(store->payload(MessageId(1)), "");
}

TEST(Store, RemembersDeliveriesMovesAndRemovals) {
  TemporaryFolder directory;
  const QueueId dead_letters(9);
  {
    auto store = open_store(directory.path());
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), std::to_string(id)}}}));
    }
    ASSERT_TRUE(commit(*store, {UpdateMessage{MessageId(1), 3, time_point_us(77)}}, Durability::Written));
    ASSERT_TRUE(commit(*store, {UpdateMessage{MessageId(2), 4, time_point_us(88)},
                                MoveMessage{MessageId(2), dead_letters, time_point_us(99)}}));
    ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(3)}}));
  }
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  ASSERT_EQ(recovered.messages.size(), 2U);
  EXPECT_EQ(recovered.messages.at(1).receive_count, 3);
  EXPECT_EQ(recovered.messages.at(1).visible_at, time_point_us(77));
  EXPECT_EQ(recovered.messages.at(2).queue, dead_letters);
  EXPECT_EQ(recovered.messages.at(2).receive_count, 0);
  EXPECT_EQ(recovered.messages.at(2).visible_at, time_point_us(99));
  EXPECT_EQ(store->payload(MessageId(2)), "2");
  EXPECT_EQ(store->payload(MessageId(3)).error().code, ErrorCode::NotFound);
}

TEST(Store, PurgesOneQueueUpToAMessage) {
  TemporaryFolder directory;
  {
    auto store = open_store(directory.path());
    for (std::uint64_t id = 1; id <= 10; ++id) {
      ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id, QueueId(1 + id % 2)), "x"}}}));
    }
    ASSERT_TRUE(commit(*store, {PurgeQueue{QueueId(1), MessageId(6)}}));
  }
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.ids(), (std::vector<std::uint64_t>{1, 3, 5, 7, 8, 9, 10}));
}

TEST(Store, ReplacesAndRemovesRecords) {
  TemporaryFolder directory;
  {
    auto store = open_store(directory.path());
    ASSERT_TRUE(
        commit(*store, {PutRecord{"b", "1"}, PutRecord{"a", "2"}, PutRecord{"b", "3"}, PutRecord{"c", ""}}));
    ASSERT_TRUE(commit(*store, {RemoveRecord{"a"}, RemoveRecord{"never there"}}));
  }
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.records, (std::map<std::string, std::string>{{"b", "3"}, {"c", ""}}));
}

TEST(Store, IgnoresWritesToMessagesThatAreGone) {
  TemporaryFolder directory;
  auto store = open_store(directory.path());
  EXPECT_TRUE(commit(*store, {RemoveMessage{MessageId(5)}, UpdateMessage{MessageId(5), 1, time_point_us(1)},
                              MoveMessage{MessageId(5), QueueId(2), time_point_us(1)}}));
  store.reset();
  RecoveredStore recovered;
  store = open_store(directory.path(), recovered);
  EXPECT_TRUE(recovered.messages.empty());
}

TEST(Store, NeverGivesAnIdTwice) {
  TemporaryFolder directory;
  {
    auto store = open_store(directory.path());
    EXPECT_EQ(store->next_message_id(), MessageId(1));
    EXPECT_EQ(store->next_message_id(), MessageId(2));
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(41), "x"}}}));
    EXPECT_EQ(store->next_message_id(), MessageId(42));
    ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(41)}}));
  }
  auto store = open_store(directory.path());
  EXPECT_EQ(store->next_message_id(), MessageId(42));
}

TEST(Store, ServesPayloadsThatAreNotCommittedYet) {
  TemporaryFolder directory;
  auto store = open_store(directory.path());
  Gate gate;
  gate.block_writer_of(*store);
  Completion completion;
  ASSERT_TRUE(
      store->submit({AppendMessage{{make_message(2), "early"}}}, Durability::Synced, completion.done()));
  EXPECT_EQ(store->payload(MessageId(2)), "early");
  gate.open();
  EXPECT_TRUE(completion.wait());
}

TEST(Store, ReadsFromDiskWhatTheCacheHasForgotten) {
  TemporaryFolder directory;
  Store::Options options{.directory = directory.path(), .payload_cache_bytes = 1000};
  auto store = open_store(options);
  for (std::uint64_t id = 1; id <= 100; ++id) {
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), std::string(500, static_cast<char>(id))}}}));
  }
  for (std::uint64_t id = 1; id <= 100; ++id) {
    EXPECT_EQ(store->payload(MessageId(id)), std::string(500, static_cast<char>(id)));
  }
}

TEST(Store, RefusesMoreThanItsBoundAndTakesItLater) {
  TemporaryFolder directory;
  Store::Options options{.directory = directory.path(), .pending_bytes_max = 5000};
  auto store = open_store(options);
  Gate gate;
  gate.block_writer_of(*store);
  Completion first;
  ASSERT_TRUE(store->submit({AppendMessage{{make_message(2), std::string(4000, 'x')}}}, Durability::Synced,
                            first.done()));
  const auto refused =
      store->submit({AppendMessage{{make_message(3), std::string(4000, 'x')}}}, Durability::Synced, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Exhausted);
  EXPECT_EQ(store->payload(MessageId(3)).error().code, ErrorCode::NotFound);
  gate.open();
  EXPECT_TRUE(first.wait());
  EXPECT_TRUE(commit(*store, {AppendMessage{{make_message(3), std::string(4000, 'x')}}}));
}

TEST(Store, CommitsWhatGatheredInOneGroup) {
  TemporaryFolder directory;
  auto store = open_store(directory.path());
  Gate gate;
  gate.block_writer_of(*store);
  std::vector<Completion> completions(100);
  for (std::uint64_t n = 0; n < 100; ++n) {
    ASSERT_TRUE(store->submit({AppendMessage{{make_message(2 + n), "x"}}}, Durability::Synced,
                              completions[n].done()));
  }
  const auto before = store->statistics();
  gate.open();
  for (auto& completion : completions) ASSERT_TRUE(completion.wait());
  const auto after = store->statistics();
  EXPECT_EQ(after.commits - before.commits, 1U);
  EXPECT_EQ(after.pending_bytes, 0U);
}

TEST(Store, AsksTheCallerToWakeItsWriterOnceForAllThatGathered) {
  TemporaryFolder directory;
  std::vector<std::function<void()>> wakes;
  auto store = open_store(
      {.directory = directory.path(), .wake_soon = [&](auto wake) { wakes.push_back(std::move(wake)); }});
  std::vector<Completion> completions(4);
  for (std::uint64_t n = 0; n < 3; ++n) {
    ASSERT_TRUE(store->submit({AppendMessage{{make_message(1 + n), "x"}}}, Durability::Synced,
                              completions[n].done()));
  }
  // A writer that has hardly begun looks before it waits, and may have had some of them already.
  ASSERT_EQ(wakes.size(), 1U);
  wakes[0]();
  for (std::size_t n = 0; n < 3; ++n) ASSERT_TRUE(completions[n].wait());

  ASSERT_TRUE(
      store->submit({AppendMessage{{make_message(4), "x"}}}, Durability::Synced, completions[3].done()));
  ASSERT_EQ(wakes.size(), 2U);
  wakes[1]();
  EXPECT_TRUE(completions[3].wait());
}

TEST(Store, CommitsWhatWasSubmittedBeforeItCloses) {
  TemporaryFolder directory;
  std::vector<Completion> completions(500);
  {
    auto store = open_store(directory.path());
    for (std::uint64_t n = 0; n < 500; ++n) {
      ASSERT_TRUE(store->submit({AppendMessage{{make_message(1 + n), "x"}}}, Durability::Written,
                                completions[n].done()));
    }
  }
  for (auto& completion : completions) EXPECT_TRUE(completion.wait());
  RecoveredStore recovered;
  auto store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.messages.size(), 500U);
}

TEST(Store, RefusesADirectoryThatIsInUseAndNamesTheProcess) {
  TemporaryFolder directory;
  auto store = open_store(directory.path());
  const auto second = Store::open({.directory = directory.path()}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
}

TEST(Store, BringsAStoreOfFormat1UpToDate) {
  TemporaryFolder directory;
  commit(*open_store(directory.path()), {AppendMessage{{make_message(1), "x"}}});
  run_sql(directory.path(), "ALTER TABLE messages DROP COLUMN dead_letter_source; PRAGMA user_version = 1");
  for (int opened = 0; opened < 2; ++opened) {
    const auto contents = open_and_read(directory.path());
    ASSERT_TRUE(contents) << contents.error().message;
    ASSERT_EQ(contents->size(), 1U);
    EXPECT_EQ(contents->at(1).message, make_message(1));
  }
}

TEST(Store, RemembersWhoseDeadLetterAMessageIs) {
  TemporaryFolder directory;
  commit(*open_store(directory.path()),
         {AppendMessage{{make_message(1), "x"}}, MoveMessage{.message = MessageId(1),
                                                             .to = QueueId(9),
                                                             .visible_at = time_point_us(7),
                                                             .sent = time_point_us(5),
                                                             .source = QueueId(3),
                                                             .received_before = 0xffff}});
  const auto contents = open_and_read(directory.path());
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(contents->at(1).message.queue, QueueId(9));
  EXPECT_EQ(contents->at(1).message.received_before, 0xffff);
  EXPECT_EQ(contents->at(1).message.priority, make_message(1).priority);
  EXPECT_EQ(contents->at(1).message.dead_letter_source, QueueId(3));
  EXPECT_EQ(contents->at(1).message.sent, time_point_us(5));
}

TEST(Store, RefusesANewerFormatAndLeavesItAsItIs) {
  TemporaryFolder directory;
  commit(*open_store(directory.path()), {AppendMessage{{make_message(1), "x"}}});
  run_sql(directory.path(), "PRAGMA user_version = 4");
  const std::string before = read_file(directory.path() + "/messages.db");
  const auto store = Store::open({.directory = directory.path()}, {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::Invalid);
  EXPECT_NE(store.error().message.find("format 4"), std::string::npos);
  EXPECT_EQ(read_file(directory.path() + "/messages.db"), before);
}

TEST(Store, RefusesADatabaseOfAnotherProgram) {
  TemporaryFolder directory;
  run_sql(directory.path(), "CREATE TABLE theirs (x)");
  const std::string before = read_file(directory.path() + "/messages.db");
  const auto store = Store::open({.directory = directory.path()}, {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::Invalid);
  EXPECT_EQ(read_file(directory.path() + "/messages.db"), before);
}

TEST(Store, UsesItsJournalAgainInsteadOfLettingItGrow) {
  TemporaryFolder directory;
  const StoreTuning tuning{
      .settle = {.journal = {.slot_bytes = 1U << 20}, .bytes = 1U << 20, .bytes_max = 4U << 20}};
  auto store = open_store({.directory = directory.path()}, nullptr, tuning);
  // 60 MB are written; without a bound the journal would be as long.
  for (std::uint64_t id = 1; id <= 600; ++id) {
    ASSERT_TRUE(
        commit(*store, {AppendMessage{{make_message(id), std::string(100'000, 'x')}}}, Durability::Written));
    ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(id)}}, Durability::Written));
  }
  EXPECT_LT(store->statistics().file_bytes, 30U << 20);
  EXPECT_LT(std::filesystem::file_size(directory.path() + "/messages.db"), 1U << 20)
      << "what came and went between two settlings never was in the database";
}

TEST(Store, WritesNothingToTheDatabaseOfWhatIsRemovedSoon) {
  TemporaryFolder directory;
  const StoreTuning tuning{
      .settle = {.journal = {.slot_bytes = 1U << 20}, .bytes = 1U << 20, .bytes_max = 4U << 20}};
  auto store = open_store({.directory = directory.path()}, nullptr, tuning);
  constexpr std::uint64_t kAlive = 20;
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(id), std::string(10'000, 'x')}}}));
    if (id > kAlive) {
      ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(id - kAlive)}}));
    }
  }
  // 10 MB were written and settled many times over, a fifth of what a stretch holds alive each time.
  EXPECT_LT(std::filesystem::file_size(directory.path() + "/messages.db"), 100'000U);
  EXPECT_LT(std::filesystem::file_size(directory.path() + "/messages.db-wal"), 300'000U);
  store.reset();
  const auto contents = open_and_read(directory.path());
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->size(), kAlive);
}

/// Waits, for ten seconds at most, until messages.db of an open store has a message.
bool is_settled(const std::string& directory, std::uint64_t id) {
  sqlite::Connection database;
  sqlite::Statement find;
  if (database.open(directory + "/messages.db", nullptr, false) != sqlite::kOk) return false;
  if (find.prepare(database, "SELECT id FROM messages WHERE id = ?") != sqlite::kOk) return false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    find.bind(1, id);
    const bool found = find.next();
    find.reset();
    if (found) return true;
    std::this_thread::yield();
  }
  return false;
}

/// A power cut would take such a commit back, and find the message's own one gone from the journal.
TEST(Store, SettlesAMessageThatOnlyACommitRemovesThatIsNotSynced) {
  TemporaryFolder directory;
  const StoreTuning tuning{.settle = {.journal = {.slot_bytes = 1U << 20}, .bytes = 20'000}};
  auto store = open_store({.directory = directory.path()}, nullptr, tuning);
  ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(1), std::string(15'000, 'x')}}}));
  ASSERT_TRUE(commit(*store, {RemoveMessage{MessageId(1)}}, Durability::Written));
  // Now the older half, the first commit alone, is due.
  ASSERT_TRUE(
      commit(*store, {AppendMessage{{make_message(2), std::string(8'000, 'x')}}}, Durability::Written));
  EXPECT_TRUE(is_settled(directory.path(), 1));
}

}  // namespace
}  // namespace forewarm
