#include "edge/store/settling.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "edge/journal/journal.h"
#include "edge/store/opening.h"
#include "edge/store/store_contents.h"
#include "edge/store/store_fixture.h"
#include "edge/store/write_codec.h"

namespace forewarm {
namespace {

/// A journal that is written here, and the tables that it is settled into.
class SettlingTest : public testing::Test {
 protected:
  void SetUp() override {
    auto held = StoreDirectory::open(directory_.path());
    ASSERT_TRUE(held);
    held_.emplace(std::move(*held));
    auto database = open_database(*held_, nullptr);
    ASSERT_TRUE(database) << database.error().message;
    database_.emplace(std::move(*database));
    tables_.emplace(*database_, StoreState{});
    ASSERT_EQ(tables_->prepare(), sqlite::kOk);
    auto journal = Journal::open(system_journal_disk(), prefix(), {.slot_bytes = 1U << 20}, 0);
    ASSERT_TRUE(journal);
    journal_ = std::move(*journal);
  }

  std::string prefix() const { return journal_prefix(directory_.path()); }

  /// The next commit.
  void write(const std::vector<Write>& writes) {
    std::string& entry = journal_->next_entry();
    for (const Write& write : writes) {
      const auto* append = std::get_if<AppendMessage>(&write);
      encode_write(write, append ? append->message.payload : "", entry);
    }
    ASSERT_TRUE(journal_->append(0));
  }

  JournalPosition settle(const Stretch& stretch) {
    auto reader = JournalReader::open(system_journal_disk(), prefix(), tables_->state().commits);
    const auto settled = Settling(*tables_, "messages.db").run(*reader, stretch);
    EXPECT_TRUE(settled) << settled.error().message;
    return settled.value_or(JournalPosition{});
  }

  std::set<std::uint64_t> rows() {
    std::set<std::uint64_t> ids;
    sqlite::Statement row;
    EXPECT_EQ(row.prepare(*database_, "SELECT id FROM messages"), sqlite::kOk);
    while (row.next()) ids.insert(row.unsigned_integer(0));
    return ids;
  }

  static Write append(std::uint64_t id) { return AppendMessage{{make_message(id), std::string(100, 'x')}}; }
  static Write remove(std::uint64_t id) { return RemoveMessage{MessageId(id)}; }

 private:
  TemporaryFolder directory_;
  std::optional<StoreDirectory> held_;
  std::optional<sqlite::Connection> database_;
  std::unique_ptr<Journal> journal_;

 protected:
  std::optional<Tables> tables_;
};

using Rows = std::set<std::uint64_t>;

TEST_F(SettlingTest, LeavesOutWhatTheCommitsBehindItRemoveAsFarAsItMayLook) {
  write({append(1), append(2), append(3)});
  write({remove(1)});
  write({append(4), remove(2)});
  const JournalPosition end = settle({.up_to = 1, .foreseen_to = 2});
  EXPECT_EQ(end.commit, 1U);
  EXPECT_EQ(rows(), (Rows{2, 3}))
      << "commit 3 may not be on disk yet, and then neither 2 nor 4 would be there";
  EXPECT_EQ(tables_->state().commits, 1U);
  EXPECT_EQ(tables_->state().last_message, 3U) << "its number is given all the same";
}

TEST_F(SettlingTest, EndsAStretchWithTheCommitThatReachesItsSize) {
  write({append(1)});
  write({append(2)});
  write({append(3)});
  const JournalPosition one = settle({.up_to = 3, .bytes_max = 1});
  EXPECT_EQ(one.commit, 1U);
  const JournalPosition rest = settle({.up_to = 3, .bytes_max = one.bytes + 1});
  EXPECT_EQ(rest.commit, 3U);
  EXPECT_EQ(rest.bytes, 2 * one.bytes);
  EXPECT_EQ(rows(), (Rows{1, 2, 3}));
}

TEST_F(SettlingTest, WhatWasLeftOutMayBeChangedMovedAndRemovedByTheNextStretch) {
  write({append(1), append(2)});
  write({UpdateMessage{MessageId(1), 1, time_point_us(5)}});
  write({MoveMessage{MessageId(1), QueueId(2), time_point_us(6), time_point_us(6), QueueId(1), 1}});
  write({append(3)});
  write({remove(1)});
  settle({.up_to = 1, .foreseen_to = 5});
  EXPECT_EQ(rows(), (Rows{2}));
  settle({.up_to = 5});
  EXPECT_EQ(rows(), (Rows{2, 3}));
  EXPECT_EQ(tables_->state().messages, 2U);
}

}  // namespace
}  // namespace forewarm
