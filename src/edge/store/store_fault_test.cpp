#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/random.h"
#include "edge/store/fault_vfs.h"
#include "edge/store/store_contents.h"

// Every single operation on the files fails once, and every kind of damage is looked for.

namespace forewarm {
namespace {

using Fault = FaultVfs::Fault;

void copy_store(const std::string& from, const std::string& to) {
  std::vector<std::string> names = store_files(from);
  names.emplace_back("messages.synced");
  for (const std::string& name : names) write_file(to + "/" + name, read_file(from + "/" + name));
}

/// A load against a store whose n-th operation fails.
class FaultyRun {
 public:
  FaultyRun(FaultVfs& vfs, Fault fault, std::uint64_t nth) : vfs_(vfs), fault_(fault), nth_(nth) {}

  /// False if the fault was never reached.
  bool run(const std::string& base) {
    copy_store(base, directory_.path());
    auto store = open();
    if (fault_ == Fault::ReadError) {
      // What was there when it was opened is read from the tables, and not from memory.
      for (int job = 0; job < 500 && load_.contents().size() < 4; ++job) submit(*store, Durability::Synced);
      store = nullptr;
      store = open();
    }
    vfs_.observe(directory_.path());
    vfs_.arm(fault_, nth_);
    expect_payloads(*store);
    for (int job = 0; job < 40; ++job)
      submit(*store, job % 3 == 0 ? Durability::Synced : Durability::Written);
    const bool reached = vfs_.has_failed();
    Random random(nth_);
    crash_image_ = vfs_.crash_image(FaultVfs::Loss::Anything, random);
    mark_ = read_file(directory_.path() + "/messages.synced");
    vfs_.disarm();
    store.reset();
    verify();
    return reached;
  }

  int failures() const { return failures_; }

 private:
  std::unique_ptr<Store> open() {
    return open_store({.directory = directory_.path(), .payload_cache_bytes = 2000}, nullptr,
                      on(vfs_, eager_settling()));
  }

  void submit(Store& store, Durability durability) {
    const Contents before = load_.contents();
    const std::vector<Write> writes = load_.next();
    const Result<void> result = commit(store, writes, durability);
    if (!result) {
      ++failures_;
      EXPECT_NE(result.error().message.find("/messages."), std::string::npos) << result.error().message;
      if (fault_ == Fault::SyncError && !poisoned_) after_power_cut_.push_back(describe(load_.contents()));
      poisoned_ = fault_ == Fault::SyncError;
      load_.set_contents(before);
    } else {
      EXPECT_FALSE(poisoned_) << "acknowledged after a failed sync";
      if (durability == Durability::Synced) after_power_cut_.clear();
      after_power_cut_.push_back(describe(load_.contents()));
    }
    expect_payloads(store);
  }

  void expect_payloads(Store& store) {
    for (const auto& [id, stored] : load_.contents()) {
      const auto payload = store.payload(MessageId(id));
      if (payload) {
        EXPECT_EQ(*payload, stored.payload);
      } else {
        ++failures_;
        // A sync that failed beside the writer, in the settler, may be felt here first.
        EXPECT_TRUE(fault_ == Fault::ReadError || (fault_ == Fault::SyncError && vfs_.has_failed()))
            << payload.error().message;
      }
    }
  }

  void verify() {
    const std::string expected = describe(load_.contents());
    const std::string found = open_and_describe(directory_.path());
    if (poisoned_) {
      expect_promise_kept(found);
    } else {
      EXPECT_EQ(found, expected) << "operation " << nth_;
    }
    TemporaryFolder copy(memory_directory());
    for (const auto& [name, bytes] : crash_image_) write_file(copy.path() + "/" + name, bytes);
    write_file(copy.path() + "/messages.synced", mark_);
    expect_promise_kept(open_and_describe(copy.path()));
  }

  /// Synced is there, later commits are there whole or not at all, in order.
  void expect_promise_kept(const std::string& found) {
    EXPECT_NE(std::ranges::find(after_power_cut_, found), after_power_cut_.end())
        << "operation " << nth_ << ", expected at least:\n"
        << after_power_cut_.front() << "\nfound:\n"
        << found;
  }

  FaultVfs& vfs_;
  Fault fault_;
  std::uint64_t nth_;
  TemporaryFolder directory_{memory_directory()};
  Load load_{5};
  int failures_ = 0;
  bool poisoned_ = false;
  std::vector<std::string> after_power_cut_{""};  ///< states that may be found then, the empty store first
  FaultVfs::Image crash_image_;
  std::string mark_;
};

class StoreFault : public testing::TestWithParam<Fault> {};

TEST_P(StoreFault, WhicheverOperationFailsNothingAnsweredIsLostAndNothingIsHalfDone) {
  TemporaryFolder base(memory_directory());
  open_store(base.path()).reset();
  FaultVfs vfs("faulty");
  int runs_that_failed = 0;
  std::uint64_t nth = 1;
  for (; nth < 2000; nth += GetParam() == Fault::SyncError ? 1 : kSlowdown) {
    FaultyRun run(vfs, GetParam(), nth);
    if (!run.run(base.path())) break;
    runs_that_failed += run.failures() > 0 ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_LT(nth, 2000U) << "a run has fewer operations than this";
  EXPECT_GT(runs_that_failed, 0) << "the faults reach the caller";
}

const char* name_of(Fault fault) {
  constexpr const char* kNames[] = {"None", "WriteError", "DiskFull", "ShortWrite", "SyncError", "ReadError"};
  return kNames[static_cast<int>(fault)];
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreFault,
                         testing::Values(Fault::WriteError, Fault::DiskFull, Fault::ShortWrite,
                                         Fault::SyncError, Fault::ReadError),
                         [](const auto& kind) { return name_of(kind.param); });

TEST(StoreFaults, AFullDiskFailsWritesUntilThereIsSpaceAgain) {
  TemporaryFolder directory(memory_directory());
  FaultVfs vfs("full");
  auto store = open_store({.directory = directory.path()}, nullptr, on(vfs));
  ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(1), "before"}}}));
  vfs.arm(Fault::DiskFull, 1, 1'000'000);
  for (std::uint64_t id = 2; id < 5; ++id) {
    const auto result = commit(*store, {AppendMessage{{make_message(id), "full"}}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Exhausted);
    EXPECT_EQ(store->payload(MessageId(id)).error().code, ErrorCode::NotFound);
  }
  vfs.disarm();
  EXPECT_TRUE(commit(*store, {AppendMessage{{make_message(5), "after"}}}));
  store.reset();
  RecoveredStore recovered;
  store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.ids(), (std::vector<std::uint64_t>{1, 5}));
}

TEST(StoreFaults, OnAFullDiskMessagesAreRefusedAndEverythingElseGoesOnInTheReserve) {
  TemporaryFolder directory(memory_directory());
  FaultVfs vfs("reserved");
  auto store = open_store({.directory = directory.path(), .reserve_bytes = 1U << 20}, nullptr, on(vfs));
  ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(1), "before"}}}));
  EXPECT_EQ(std::filesystem::file_size(directory.path() + "/messages.reserve"), 1U << 20);
  vfs.arm(Fault::DiskFull, 1, 1);
  const auto refused = commit(*store, {AppendMessage{{make_message(2), "full"}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Exhausted);
  EXPECT_TRUE(store->full());
  EXPECT_EQ(std::filesystem::file_size(directory.path() + "/messages.reserve"), 0U);
  EXPECT_TRUE(commit(*store, {UpdateMessage{MessageId(1), 1, time_point_us(9)}}, Durability::Written));
  EXPECT_TRUE(commit(*store, {RemoveMessage{MessageId(1)}, PutRecord{"clock", "1"}}));
  Result<void> sent = refused;
  std::uint64_t id = 3;
  for (; !sent && id < 100'000'000; ++id) sent = commit(*store, {AppendMessage{{make_message(id), "after"}}});
  EXPECT_TRUE(sent) << "it looks for room by itself";
  EXPECT_FALSE(store->full());
  store.reset();
  RecoveredStore recovered;
  store = open_store(directory.path(), recovered);
  EXPECT_EQ(recovered.ids(), std::vector<std::uint64_t>{id - 1});
  EXPECT_EQ(recovered.records.at("clock"), "1");
}

TEST(StoreFaults, ADeleteThatMeetsTheFullDiskFirstIsWrittenInTheReserve) {
  TemporaryFolder directory(memory_directory());
  FaultVfs vfs("reserved_delete");
  auto store = open_store({.directory = directory.path(), .reserve_bytes = 1U << 20}, nullptr, on(vfs));
  ASSERT_TRUE(commit(*store, {AppendMessage{{make_message(1), "before"}}}));
  vfs.arm(Fault::DiskFull, 1, 1);
  EXPECT_TRUE(commit(*store, {RemoveMessage{MessageId(1)}}));
  EXPECT_TRUE(store->full());
}

TEST(StoreFaults, WhereTheDatabaseTakesNothingTheJournalDoesUntilItIsFullAndThenSaysWhy) {
  TemporaryFolder directory(memory_directory());
  std::string warned;  // by another thread, which has ended when this is read
  SettleBounds bounds = eager_settling();
  bounds.busy_wait_ms = 1;
  auto store =
      open_store({.directory = directory.path(), .warn = [&](const std::string& text) { warned = text; }},
                 nullptr, {.settle = bounds});
  sqlite::Connection somebody;
  ASSERT_EQ(somebody.open(directory.path() + "/messages.db", nullptr, false), sqlite::kOk);
  ASSERT_EQ(somebody.execute("BEGIN IMMEDIATE"), sqlite::kOk);
  std::uint64_t id = 0;
  Result<void> sent;
  while (sent && id < 1000)
    sent = commit(*store, {AppendMessage{{make_message(++id), std::string(1000, 'x')}}});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::Exhausted);
  EXPECT_NE(sent.error().message.find("locked"), std::string::npos) << sent.error().message;
  EXPECT_GT(id, 50U) << "the journal has room for some";
  EXPECT_TRUE(commit(*store, {RemoveMessage{MessageId(1)}}));
  EXPECT_EQ(store->payload(MessageId(2)), std::string(1000, 'x')) << "what is not settled is in memory";
  ASSERT_EQ(somebody.execute("ROLLBACK"), sqlite::kOk);
  for (int n = 0; !sent && n < 1'000'000; ++n)
    sent = commit(*store, {AppendMessage{{make_message(id), "after"}}});
  EXPECT_TRUE(sent) << "it goes on by itself";
  store.reset();
  EXPECT_NE(warned.find("locked"), std::string::npos);
  const auto contents = open_and_read(directory.path());
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->size(), id - 1);
}

/// Takes every file descriptor that the process may still have, but `left` of them.
class NoDescriptors {
 public:
  explicit NoDescriptors(int left) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit low{.rlim_cur = 100, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int file = 0; (file = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(file);
    EXPECT_EQ(errno, EMFILE);
    for (; left > 0 && !taken_.empty(); --left) give_one_back();
  }
  ~NoDescriptors() {
    while (!taken_.empty()) give_one_back();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

  void give_one_back() {
    ::close(taken_.back());
    taken_.pop_back();
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST(StoreFaults, WithoutFileDescriptorsItSaysWhatItCouldNotOpenAndHarmsNothing) {
  TemporaryFolder directory(memory_directory());
  ASSERT_TRUE(commit(*open_store(directory.path()), {AppendMessage{{make_message(1), "kept"}}}));
  int refused = 0;
  for (int left = 0; left < 30; ++left) {
    Result<Contents> contents;
    {
      const NoDescriptors none(left);
      contents = open_and_read(directory.path());
    }
    if (contents) break;
    ++refused;
    EXPECT_NE(contents.error().code, ErrorCode::Corrupt) << contents.error().message;
    EXPECT_NE(contents.error().message.find(directory.path()), std::string::npos) << contents.error().message;
  }
  EXPECT_GT(refused, 3);
  EXPECT_LT(refused, 30);
  EXPECT_EQ(open_and_read(directory.path())->at(1).payload, "kept");
}

TEST(StoreFaults, WithoutFileDescriptorsAnOpenStoreGoesOnInTheSlotsThatItHas) {
  TemporaryFolder directory(memory_directory());
  std::uint64_t id = 0;
  {
    auto store = open_store({.directory = directory.path()}, nullptr, {.settle = eager_settling()});
    const auto send_one = [&] {
      const Result<void> sent =
          commit(*store, {AppendMessage{{make_message(id + 1), std::string(500, 'x')}}});
      if (sent) ++id;
      return sent;
    };
    const auto send = [&](int count) {
      for (; count > 0; --count) ASSERT_TRUE(send_one());
    };
    send(5);
    {
      // Each step ends somewhere else: a slot's file, the folder that its name is synced in, the reader's.
      NoDescriptors none(0);
      for (int given_back = 0; given_back < 6; ++given_back, none.give_one_back()) send(10);
    }
    // What has gathered may fill the journal before the settler tries again; then a send is refused in words.
    for (int n = 0; id < 165 && n < 1'000'000; ++n) {
      const Result<void> sent = send_one();
      if (!sent) {
        ASSERT_EQ(sent.error().code, ErrorCode::Exhausted) << sent.error().message;
      }
    }
  }
  const auto contents = open_and_read(directory.path());
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_EQ(id, 165U);
  EXPECT_EQ(contents->size(), id);
}

TEST(StoreFaults, AfterAFailedSyncNothingIsAcceptedUntilItIsOpenedAnew) {
  TemporaryFolder directory(memory_directory());
  FaultVfs vfs("sync");
  auto store = open_store({.directory = directory.path()}, nullptr, on(vfs));
  vfs.arm(Fault::SyncError, 1);
  EXPECT_EQ(commit(*store, {PutRecord{"a", "1"}}).error().code, ErrorCode::Io);
  EXPECT_EQ(commit(*store, {PutRecord{"a", "2"}}, Durability::Written).error().code, ErrorCode::Io);
  store.reset();
  store = open_store(directory.path());
  EXPECT_TRUE(commit(*store, {PutRecord{"a", "3"}}));
}

/// 60 messages of several sizes, all synced.
Contents fill(Store& store) {
  Contents contents;
  for (std::uint64_t id = 1; id <= 60; ++id) {
    const StoredMessage message{make_message(id),
                                std::string(id % 7 == 0 ? 6000 : id * 5, static_cast<char>('A' + id))};
    contents[id] = message;
    EXPECT_TRUE(commit(
        store, {AppendMessage{message}, PutRecord{"key" + std::to_string(id % 5), std::to_string(id)}}));
  }
  return contents;
}

/// Flips one bit at a time in a file of a store and looks at what opens.
void flip_bits(const std::string& base, const std::string& name, const Contents& contents, int count) {
  Random random(3);
  const std::string intact = read_file(base + "/" + name);
  int refused = 0;
  int payloads_refused = 0;
  FaultVfs quick("quick");
  for (int n = 0; n < count; ++n) {
    TemporaryFolder directory(memory_directory());
    copy_store(base, directory.path());
    std::string damaged = intact;
    const std::uint64_t bit = random.below(damaged.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_file(directory.path() + "/" + name, damaged);
    const auto found = open_and_read(directory.path(), &quick);
    if (!found) {
      ++refused;
      EXPECT_NE(found.error().message.find("messages."), std::string::npos) << found.error().message;
      continue;
    }
    ASSERT_EQ(found->size(), contents.size()) << "silently shorter, bit " << bit;
    for (const auto& [id, stored] : *found) {
      ASSERT_EQ(stored.message, contents.at(id).message) << "bit " << bit;
      if (stored.payload == contents.at(id).payload) continue;
      ++payloads_refused;
      ASSERT_NE(stored.payload.find("damaged"), std::string::npos) << "silently different, bit " << bit;
    }
  }
  EXPECT_GT(refused, 0);
  if (name == "messages.db") {
    EXPECT_GT(payloads_refused, 0);
  }
}

TEST(StoreDamage, AFlippedBitInTheDatabaseIsNamedAndNeverChangesWhatIsRead) {
  TemporaryFolder base(memory_directory());
  const Contents contents = fill(*open_store(base.path()));
  flip_bits(base.path(), "messages.db", contents, 1500 / kSlowdown);
}

TEST(StoreDamage, AFlippedBitInTheJournalIsNamedAndNeverMakesTheQueueShorter) {
  TemporaryFolder live(memory_directory());
  TemporaryFolder base(memory_directory());
  auto store = open_store(live.path());
  const Contents contents = fill(*store);
  copy_store(live.path(), base.path());
  flip_bits(base.path(), "messages.journal-0", contents, 300 / kSlowdown);
}

TEST(StoreDamage, RowsThatAreGoneAreNoticed) {
  for (const char* sql :
       {"DELETE FROM messages WHERE id = 7", "DELETE FROM records WHERE key = 'key1'",
        "UPDATE messages SET id = 1000 WHERE id = 3", "UPDATE messages SET receive_count = 9",
        "UPDATE messages SET queue = 9 WHERE id = 5", "UPDATE state SET messages = 1", "DELETE FROM state",
        "UPDATE records SET value = 'x'", "DROP TABLE messages"}) {
    TemporaryFolder directory(memory_directory());
    fill(*open_store(directory.path()));
    run_sql(directory.path(), sql);
    const auto store = Store::open({.directory = directory.path()}, {});
    ASSERT_FALSE(store) << sql;
    EXPECT_EQ(store.error().code,
              std::string_view(sql) == "DROP TABLE messages" ? ErrorCode::Io : ErrorCode::Corrupt)
        << sql;
    EXPECT_NE(store.error().message.find("messages.db"), std::string::npos);
  }
}

TEST(StoreDamage, AJournalThatSomebodyDeletedIsNoticed) {
  TemporaryFolder live(memory_directory());
  TemporaryFolder copy(memory_directory());
  auto store = open_store(live.path());
  fill(*store);
  copy_store(live.path(), copy.path());
  std::filesystem::remove(copy.path() + "/messages.journal-0");
  EXPECT_FALSE(Store::open({.directory = copy.path()}, {}));
}

TEST(StoreDamage, ADamagedMarkSaysHowToGoOn) {
  TemporaryFolder directory(memory_directory());
  fill(*open_store(directory.path()));
  write_file(directory.path() + "/messages.synced", "not what was written there");
  const auto store = Store::open({.directory = directory.path()}, {});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::Corrupt);
  EXPECT_NE(store.error().message.find("delete this file"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
