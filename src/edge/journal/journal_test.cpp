#include "edge/journal/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "edge/journal/reader.h"

namespace forewarm {
namespace {

/// Files in memory, whose writes fail after so many bytes where a test says so.
class MemoryDisk final : public JournalDisk {
 public:
  using Bytes = std::shared_ptr<std::string>;

  Result<std::unique_ptr<JournalFile>> open(const std::string& path, bool create) override {
    if (!files.contains(path) && !create) return error(ErrorCode::NotFound, path);
    Bytes& bytes = files[path];
    if (!bytes) bytes = std::make_shared<std::string>();
    return std::make_unique<File>(*this, bytes);
  }
  std::uint64_t free_bytes(const std::string&) override { return free; }

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [path, file] : files) sum += file->size();
    return sum;
  }

  std::map<std::string, Bytes> files;
  std::uint64_t free = std::uint64_t{1} << 30;
  std::uint64_t bytes_to_failure = ~std::uint64_t{0};
  bool syncs_fail = false;

 private:
  class File final : public JournalFile {
   public:
    File(MemoryDisk& disk, Bytes bytes) : disk_(disk), bytes_(std::move(bytes)) {}

    Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
      if (offset >= bytes_->size()) return 0;
      return bytes_->copy(into.data(), into.size(), offset);
    }
    Result<void> write(std::uint64_t offset, std::string_view bytes) override {
      const bool fails = bytes.size() > disk_.bytes_to_failure;
      if (fails) bytes = bytes.substr(0, disk_.bytes_to_failure);
      if (disk_.bytes_to_failure != ~std::uint64_t{0}) disk_.bytes_to_failure -= bytes.size();
      if (bytes_->size() < offset + bytes.size()) bytes_->resize(offset + bytes.size());
      bytes_->replace(offset, bytes.size(), bytes);
      return fails ? error(ErrorCode::Exhausted, "full") : Result<void>();
    }
    Result<void> truncate(std::uint64_t size) override {
      bytes_->resize(size);
      return {};
    }
    Result<void> sync() override {
      return disk_.syncs_fail ? error(ErrorCode::Io, "no sync") : Result<void>();
    }
    Result<std::uint64_t> size() const override { return bytes_->size(); }

   private:
    MemoryDisk& disk_;
    Bytes bytes_;
  };
};

constexpr Journal::Bounds kSmallSlots{.slot_bytes = 8192, .grows_to = 7000};

std::unique_ptr<Journal> open_journal(MemoryDisk& disk, std::uint64_t settled = 0) {
  auto journal = Journal::open(disk, "slot", kSmallSlots, settled);
  EXPECT_TRUE(journal);
  return std::move(*journal);
}

/// Appends a commit, synced, as a store does, and makes slots where they are wanted.
Result<void> append(Journal& journal, const std::string& body) {
  if (journal.wants_slot()) {
    if (auto made = journal.make_slot(); !made) return made;
  }
  journal.next_entry() += body;
  if (auto appended = journal.append(journal.position().commit); !appended) return appended;
  return journal.sync();
}

struct ReadBack {
  std::vector<std::string> bodies;
  std::uint64_t last = 0;
  std::uint64_t beyond = 0;  ///< the entry that skip_damage() found
  std::uint64_t beyond_synced = 0;
};

ReadBack read_journal(MemoryDisk& disk, std::uint64_t after = 0) {
  ReadBack result;
  auto reader = JournalReader::open(disk, "slot", after);
  EXPECT_TRUE(reader);
  for (auto entry = reader->next(); entry && *entry; entry = reader->next())
    result.bodies.emplace_back((*entry)->body);
  result.last = reader->last();
  const auto beyond = reader->skip_damage();
  EXPECT_TRUE(beyond);
  if (*beyond) {
    result.beyond = (*beyond)->commit;
    result.beyond_synced = (*beyond)->synced;
  }
  return result;
}

TEST(Journal, GivesBackItsCommitsInOrderAcrossSlots) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  std::vector<std::string> bodies;
  for (int n = 0; n < 60; ++n) {
    bodies.push_back(std::string(static_cast<std::size_t>(n * 13 % 700), static_cast<char>('a' + n % 26)));
    ASSERT_TRUE(append(*journal, bodies.back()));
  }
  EXPECT_GT(disk.files.size(), 3U);
  EXPECT_EQ(read_journal(disk).bodies, bodies);
  EXPECT_EQ(read_journal(disk, 40).bodies, std::vector<std::string>(bodies.begin() + 40, bodies.end()));
  EXPECT_EQ(read_journal(disk).beyond, 0U);
}

TEST(Journal, UsesSlotsAgainAndNeverGivesBackWhatWasInThemBefore) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  for (int n = 0; n < 2000; ++n) {
    ASSERT_TRUE(append(*journal, std::string(500, 'x')));
    if (n % 10 == 9) journal->release(journal->position());
  }
  EXPECT_LE(disk.bytes(), 6 * kSmallSlots.slot_bytes);
  EXPECT_EQ(journal->unsettled_bytes(), 0U);
  const ReadBack back = read_journal(disk, 1990);
  EXPECT_EQ(back.bodies.size(), 10U);
  EXPECT_EQ(back.last, 2000U);
  EXPECT_EQ(back.beyond, 0U);
}

TEST(Journal, GoesOnBehindWhatWasSettledWhenItIsOpenedAnew) {
  MemoryDisk disk;
  for (std::uint64_t life = 0; life < 5; ++life) {
    auto journal = open_journal(disk, life * 7);
    for (int n = 0; n < 7; ++n) ASSERT_TRUE(append(*journal, "life " + std::to_string(life)));
    EXPECT_EQ(read_journal(disk, life * 7).bodies,
              std::vector<std::string>(7, "life " + std::to_string(life)));
  }
}

TEST(Journal, ATornLastCommitIsItsEnd) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(append(*journal, "whole"));
  journal->next_entry() += std::string(100, 't');
  ASSERT_TRUE(journal->append(3));
  std::string& bytes = *disk.files["slot0"];
  bytes.resize(bytes.size() - 50);
  const ReadBack back = read_journal(disk);
  EXPECT_EQ(back.last, 3U);
  EXPECT_EQ(back.beyond, 0U);
}

TEST(Journal, DamageIsToldFromAnEndByWhatLiesBeyondIt) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  for (int n = 0; n < 10; ++n) ASSERT_TRUE(append(*journal, "body " + std::to_string(n)));
  std::string& bytes = *disk.files["slot0"];
  bytes[bytes.find("body 4")] ^= 1;
  const ReadBack back = read_journal(disk);
  EXPECT_EQ(back.last, 4U);
  EXPECT_EQ(back.beyond, 6U);
  EXPECT_EQ(back.beyond_synced, 5U) << "the fifth was synced, so no power cut has torn it";
}

TEST(Journal, DamageIsSeenBehindCommitsThatWereNotSynced) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  ASSERT_TRUE(append(*journal, "synced 1"));
  for (int n = 2; n <= 4; ++n) {
    journal->next_entry() += "written " + std::to_string(n);
    ASSERT_TRUE(journal->append(1));
  }
  std::string& bytes = *disk.files["slot0"];
  bytes[bytes.find("written 2")] ^= 1;
  const auto damage = [&] {
    auto reader = JournalReader::open(disk, "slot", 0);
    while (*reader->next()) {
    }
    EXPECT_EQ(reader->last(), 1U);
    return reader->find_damage();
  };
  EXPECT_FALSE(*damage()) << "a power cut may have torn what was not synced";
  ASSERT_TRUE(journal->sync());
  journal->next_entry() += "knows of it";
  ASSERT_TRUE(journal->append(4));
  ASSERT_TRUE(*damage());
  EXPECT_EQ((*damage())->commit, 5U);
}

TEST(Journal, ASlotThatIsGoneIsDamage) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  for (int n = 0; n < 60; ++n) ASSERT_TRUE(append(*journal, std::string(500, 'x')));
  ASSERT_GT(disk.files.size(), 3U);
  disk.files["slot1"]->assign(kEntriesFrom, '\0');
  const ReadBack back = read_journal(disk);
  EXPECT_LT(back.last, 60U);
  EXPECT_GT(back.beyond_synced, back.last);
}

TEST(Journal, ACommitThatFailedIsNotThereAndTheNextTakesItsPlace) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  ASSERT_TRUE(append(*journal, "first"));
  for (std::uint64_t written = 0; written < 140; written += 7) {
    disk.bytes_to_failure = written;
    const auto failed = append(*journal, std::string(100, 'f'));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::Exhausted);
    EXPECT_EQ(journal->position().commit, 1U);
    disk.bytes_to_failure = ~std::uint64_t{0};
    EXPECT_EQ(read_journal(disk).last, 1U);
  }
  ASSERT_TRUE(append(*journal, "second"));
  EXPECT_EQ(read_journal(disk).bodies, (std::vector<std::string>{"first", "second"}));
}

TEST(Journal, AFailedSyncIsRemembered) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  disk.syncs_fail = true;
  EXPECT_FALSE(append(*journal, "x"));
  EXPECT_TRUE(journal->sync_failed());
}

TEST(Journal, AllocatesNothingAheadOnADiskThatIsNearlyFull) {
  MemoryDisk disk;
  disk.free = kSmallSlots.slot_bytes;
  auto journal = open_journal(disk);
  for (int n = 0; n < 8; ++n) ASSERT_TRUE(append(*journal, std::string(500, 'x')));
  EXPECT_LT(disk.bytes(), 2 * kEntriesFrom + 8 * 600);
}

TEST(JournalCopy, HoldsTheSameCommitsAndNamesThem) {
  MemoryDisk disk;
  auto journal = open_journal(disk);
  for (int n = 0; n < 60; ++n) ASSERT_TRUE(append(*journal, std::to_string(n) + std::string(400, 'x')));
  auto reader = JournalReader::open(disk, "slot", 0);
  const auto ranges = reader->copy(disk, "copy");
  ASSERT_TRUE(ranges);
  std::uint64_t last = 0;
  for (const CommitRange& range : *ranges) {
    EXPECT_EQ(range.first, last + 1);
    last = range.last;
  }
  EXPECT_EQ(last, 60U);
  const auto bodies = read_journal(disk).bodies;
  auto copy = JournalReader::open(disk, "copy", 0);
  for (const std::string& body : bodies) {
    const auto entry = copy->next();
    ASSERT_TRUE(entry && *entry);
    EXPECT_EQ((*entry)->body, body);
  }
}

TEST(JournalDisk, TheSystemsFilesAreReadAndWrittenWhereTheyAreTold) {
  const std::string path = testing::TempDir() + "forewarm_journal_file";
  ::remove(path.c_str());
  EXPECT_EQ(system_journal_disk().open(path, false).error().code, ErrorCode::NotFound);
  auto file = system_journal_disk().open(path, true);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->write(10, "ten"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size(), 13U);
  std::string bytes(8, 'x');
  EXPECT_EQ((*file)->read(9, bytes), 4U);
  EXPECT_EQ(bytes.substr(0, 4), std::string("\0ten", 4));
  ASSERT_TRUE((*file)->truncate(11));
  EXPECT_EQ((*file)->size(), 11U);
  EXPECT_GT(system_journal_disk().free_bytes(testing::TempDir()), 0U);
  ::remove(path.c_str());
}

}  // namespace
}  // namespace forewarm
