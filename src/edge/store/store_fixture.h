#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "edge/files/temporary_folder.h"
#include "edge/store/journaled_store.h"
#include "edge/store/store.h"

// What the store's tests share.

namespace forewarm {

/// Where files cost no disk time, for tests that make thousands of directories and whose syncs are pretended.
inline std::filesystem::path memory_directory() {
  const std::filesystem::path memory("/dev/shm");
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

struct RecoveredStore {
  std::map<std::uint64_t, Message> messages;
  std::map<std::string, std::string> records;

  Store::Recovery recovery() {
    return {.message = [this](const Message& message) { messages.emplace(message.id.value(), message); },
            .record = [this](std::string_view key, std::string_view value) { records.emplace(key, value); }};
  }
  std::vector<std::uint64_t> ids() const {
    std::vector<std::uint64_t> result;
    for (const auto& [id, message] : messages) result.push_back(id);
    return result;
  }
};

/// Waits, for a minute at most, for the `done` of one submit.
class Completion {
 public:
  Store::Done done() {
    return [this](const Result<void>& result) { promise_.set_value(result); };
  }
  Result<void> wait() {
    auto future = promise_.get_future();
    if (future.wait_for(std::chrono::minutes(1)) != std::future_status::ready) std::abort();
    return future.get();
  }

 private:
  std::promise<Result<void>> promise_;
};

/// Holds the writer's thread inside a `done`, so that what is submitted meanwhile gathers.
class Gate {
 public:
  /// Appends the message `id` to have something to be done with.
  void block_writer_of(Store& store, std::uint64_t id = 1);
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
  std::promise<void> reached_;
};

inline Message make_message(std::uint64_t id, QueueId queue = QueueId(1)) {
  const auto time = static_cast<std::int64_t>(1'700'000'000'000'000 + id * 1000);
  return {.id = MessageId(id),
          .queue = queue,
          .type = MessageTypeId(static_cast<std::uint32_t>(id % 4 * 0x9e3779b9ULL)),
          .sent = time_point_us(time),
          .visible_at = time_point_us(time + 1),
          .deadline = time_point_us(time + 2),
          .tenant = TenantId(id * 0x9e3779b97f4a7c15ULL),
          .group = GroupId(id % 3),
          .bytes = 100,
          .receive_count = 0,
          .priority = static_cast<Priority>(id % 10)};
}

inline void Gate::block_writer_of(Store& store, std::uint64_t id) {
  const auto hold = [this, opened = open_.get_future().share()](const Result<void>&) {
    reached_.set_value();
    opened.wait();
  };
  ASSERT_TRUE(store.submit({AppendMessage{{make_message(id), "gate"}}}, Durability::Written, hold));
  reached_.get_future().wait();
}

inline std::unique_ptr<Store> open_store(const Store::Options& options, RecoveredStore* recovered = nullptr,
                                         const StoreTuning& tuning = {}) {
  auto store = open_journaled_store(options, tuning, recovered ? recovered->recovery() : Store::Recovery{});
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

inline std::unique_ptr<Store> open_store(const std::string& directory) {
  return open_store(Store::Options{.directory = directory});
}

inline std::unique_ptr<Store> open_store(const std::string& directory, RecoveredStore& recovered) {
  return open_store(Store::Options{.directory = directory}, &recovered);
}

/// Submits and waits.
inline Result<void> commit(Store& store, std::vector<Write> writes,
                           Durability durability = Durability::Synced) {
  Completion completion;
  if (auto accepted = store.submit(std::move(writes), durability, completion.done()); !accepted)
    return accepted;
  return completion.wait();
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Runs SQL on messages.db of a closed store, as a person with sqlite3 would.
inline void run_sql(const std::string& directory, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((directory + "/messages.db").c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

}  // namespace forewarm
