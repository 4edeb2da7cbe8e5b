#include "edge/store/journaled_store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "edge/journal/journal.h"
#include "edge/store/directory.h"
#include "edge/store/opening.h"
#include "edge/store/payload_cache.h"
#include "edge/store/space_reserve.h"
#include "edge/store/write_codec.h"

namespace forewarm {

using sqlite::Code;
using sqlite::kOk;

namespace {

/// How often a store on a full disk looks whether there is room again.
constexpr std::chrono::milliseconds kRoomEvery{500};
constexpr std::size_t kWriteBytes = 128;  // what a pending write holds besides its payload, key and value

struct Job {
  std::vector<Write> writes;
  std::vector<SharedPayload> payloads;  ///< of the appends, in their order
  Durability durability = Durability::Written;
  Store::Done done;
  SharedOutcome outcome;
  std::size_t bytes = 0;
};

std::size_t size_of(const Write& write) {
  if (const auto* append = std::get_if<AppendMessage>(&write))
    return kWriteBytes + append->message.payload.size();
  if (const auto* put = std::get_if<PutRecord>(&write))
    return kWriteBytes + put->key.size() + put->value.size();
  return kWriteBytes;
}

bool appends(const Job& job) {
  return !job.payloads.empty();
}

std::uint64_t file_size(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

class JournaledStore final : public Store {
 public:
  JournaledStore(const Options& options, const StoreTuning& tuning, StoreDirectory directory, SyncedMark mark,
                 sqlite::Connection database, const StoreState& state);
  ~JournaledStore() override;

  Result<void> start(const StoreState& state);

  Result<void> submit(std::vector<Write> writes, Durability durability, Done done) override;
  Result<std::string> payload(MessageId message) override;
  MessageId next_message_id() override { return MessageId(next_id_++); }
  Statistics statistics() override;
  bool full() const override { return full_; }

 private:
  using Group = std::vector<Job>;

  // Caller's thread.
  void remember(Job& job);
  void wake();
  Error why_no_payload(MessageId message);
  Error damaged_payload(MessageId message, const char* how) const;

  // Writer's thread.
  void run();
  Group take_group();
  void commit(Group group);
  void refuse_appends(Group& group);
  Error why_refused();
  bool is_still_full();
  bool make_room();
  bool cannot_settle();
  Result<void> write(const Group& group, bool synced);
  void finish(Group& group, const Result<void>& result, bool synced);
  void poison(const Error& reason);

  Options options_;
  StoreTuning tuning_;
  StoreDirectory directory_;
  std::string path_;
  SyncedMark mark_;
  sqlite::Connection reader_;
  sqlite::Statement read_payload_, find_message_;  ///< caller's thread
  std::unique_ptr<Journal> journal_;
  Settler settler_;
  SpaceReserve reserve_;
  std::atomic<bool> full_{false};
  std::chrono::steady_clock::time_point looked_for_room_;
  std::uint64_t synced_;  ///< the last commit that was

  PayloadCache cache_;
  std::uint64_t next_id_;
  bool waking_ = false;  ///< soon

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> pending_;
  std::size_t pending_bytes_ = 0;  ///< of pending_ and of the group that is being committed
  bool stopping_ = false;
  std::optional<Error> poison_;

  std::atomic<std::uint64_t> commits_{0}, writes_{0}, syncs_{0}, commit_us_max_{0};
  std::thread thread_;
};

JournaledStore::JournaledStore(const Options& options, const StoreTuning& tuning, StoreDirectory directory,
                               SyncedMark mark, sqlite::Connection database, const StoreState& state)
    : options_(options),
      tuning_(tuning),
      directory_(std::move(directory)),
      path_(directory_.file("messages.db")),
      mark_(std::move(mark)),
      settler_(tuning.settle, *tuning_.disk, journal_prefix(directory_.path()), path_, std::move(database),
               state, options.warn),
      reserve_(directory_.file("messages.reserve"), options.reserve_bytes),
      synced_(state.commits),
      cache_(options.payload_cache_bytes, settler_.settled()),
      next_id_(state.last_message + 1) {}

JournaledStore::~JournaledStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  // After a failed sync the kernel may give back old bytes for any file; copying them on would spread the
  // damage.
  settler_.stop(poison_.has_value());
  if (poison_) reader_.forbid_checkpoint_on_close();
}

Result<void> JournaledStore::start(const StoreState& state) {
  Code code = settler_.prepare();
  if (code == kOk) code = reader_.open(path_, tuning_.vfs, false);
  if (code == kOk) {
    sqlite3_busy_timeout(reader_.handle(), kBusyWaitMs);
    code = reader_.execute("PRAGMA cache_size = -2048");
  }
  if (code == kOk)
    code = read_payload_.prepare(reader_, "SELECT payload, checksum FROM payloads WHERE id = ?");
  if (code == kOk) code = find_message_.prepare(reader_, "SELECT id FROM messages WHERE id = ?");
  if (code != kOk) return std::unexpected(sqlite::to_error(code, "opening", path_));
  auto journal =
      Journal::open(*tuning_.disk, journal_prefix(directory_.path()), tuning_.settle.journal, state.commits);
  if (!journal) return std::unexpected(journal.error());
  journal_ = std::move(*journal);
  settler_.start(*journal_);
  full_ = !reserve_.take();
  thread_ = std::thread([this] {
    if (options_.writer_begins) options_.writer_begins();
    run();
  });
  return {};
}

Result<void> JournaledStore::submit(std::vector<Write> writes, Durability durability, Done done) {
  Job job;
  job.writes = std::move(writes);
  job.durability = durability;
  job.done = std::move(done);
  for (const Write& write : job.writes) job.bytes += size_of(write);
  job.outcome = std::make_shared<std::atomic<std::uint64_t>>(kPending);
  {
    // Nobody else adds, so what fits now still fits below.
    const std::lock_guard lock(mutex_);
    if (poison_) return std::unexpected(*poison_);
    if (pending_bytes_ + job.bytes > options_.pending_bytes_max) {
      return error(ErrorCode::Exhausted, "the store has " + std::to_string(pending_bytes_) +
                                             " bytes that are not on disk yet; try again when they are");
    }
  }
  remember(job);
  {
    const std::lock_guard lock(mutex_);
    pending_bytes_ += job.bytes;
    pending_.push_back(std::move(job));
  }
  wake();
  return {};
}

void JournaledStore::wake() {
  if (!options_.wake_soon) return wake_.notify_one();
  if (std::exchange(waking_, true)) return;
  options_.wake_soon([this] {
    waking_ = false;
    wake_.notify_one();
  });
}

void JournaledStore::remember(Job& job) {
  for (Write& write : job.writes) {
    if (auto* append = std::get_if<AppendMessage>(&write)) {
      const MessageId id = append->message.message.id;
      check(static_cast<bool>(id), "an appended message has an id");
      next_id_ = std::max(next_id_, id.value() + 1);
      auto payload = std::make_shared<const std::string>(std::move(append->message.payload));
      cache_.put(id, payload, job.outcome);
      job.payloads.push_back(std::move(payload));
    } else if (const auto* remove = std::get_if<RemoveMessage>(&write)) {
      cache_.remove(remove->message, job.outcome);
    }
  }
}

Result<std::string> JournaledStore::payload(MessageId message) {
  if (const SharedPayload cached = cache_.find(message)) return *cached;
  read_payload_.bind(1, message.value());
  if (!read_payload_.next()) {
    if (read_payload_.code() == kOk) return std::unexpected(why_no_payload(message));
    return std::unexpected(sqlite::to_error(read_payload_.code(), "reading", path_));
  }
  std::string payload(read_payload_.bytes(0));
  const bool intact = read_payload_.unsigned_integer(1) == payload_checksum(message, payload);
  read_payload_.reset();
  if (!intact) return std::unexpected(damaged_payload(message, "has a wrong checksum"));
  return payload;
}

Error JournaledStore::why_no_payload(MessageId message) {
  find_message_.bind(1, message.value());
  if (find_message_.next()) {
    find_message_.reset();
    return damaged_payload(message, "is gone");
  }
  if (find_message_.code() != kOk) return sqlite::to_error(find_message_.code(), "reading", path_);
  return {ErrorCode::NotFound, "there is no message " + std::to_string(message.value()) + " in " + path_};
}

Error JournaledStore::damaged_payload(MessageId message, const char* how) const {
  return {ErrorCode::Corrupt, path_ + " is damaged: the payload of message " +
                                  std::to_string(message.value()) + " " + how +
                                  ". Delete the message, or restore a backup."};
}

Store::Statistics JournaledStore::statistics() {
  Statistics result{.commits = commits_.load(),
                    .writes = writes_.load(),
                    .syncs = syncs_.load(),
                    .commit_us_max = commit_us_max_.exchange(0),
                    .file_bytes = file_size(path_) + file_size(path_ + "-wal") + journal_->file_bytes()};
  const std::lock_guard lock(mutex_);
  result.pending_bytes = pending_bytes_;
  return result;
}

void JournaledStore::run() {
  for (;;) {
    Group group = take_group();
    if (group.empty()) return;
    if (is_still_full() || cannot_settle()) refuse_appends(group);
    if (group.empty()) continue;
    commit(std::move(group));
    settler_.committed(synced_);
  }
}

JournaledStore::Group JournaledStore::take_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
  Group group;
  std::size_t writes = 0;
  std::size_t bytes = 0;
  while (!pending_.empty()) {
    const Job& next = pending_.front();
    const bool fits = writes + next.writes.size() <= tuning_.group_writes_max &&
                      bytes + next.bytes <= tuning_.group_bytes_max;
    if (!group.empty() && !fits) break;
    writes += next.writes.size();
    bytes += next.bytes;
    group.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return group;
}

void JournaledStore::commit(Group group) {
  if (poison_) return finish(group, std::unexpected(*poison_), false);
  const bool synced =
      std::ranges::any_of(group, [](const Job& job) { return job.durability == Durability::Synced; });
  const auto began = std::chrono::steady_clock::now();
  Result<void> result = write(group, synced);
  // The settler's sync may have failed meanwhile: nothing is known of this disk then.
  if (settler_.sync_failed()) {
    poison(result ? Error{ErrorCode::Io, "cannot sync the files of " + path_ + "."} : result.error());
    result = std::unexpected(*poison_);
  }
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
  commit_us_max_ = std::max(commit_us_max_.load(), static_cast<std::uint64_t>(us.count()));
  if (!result && result.error().code == ErrorCode::Exhausted && make_room()) {
    refuse_appends(group);
    return group.empty() ? void() : commit(std::move(group));
  }
  finish(group, result, synced);
}

/// True if the group that met the full disk may succeed now, without its messages.
bool JournaledStore::make_room() {
  full_ = options_.reserve_bytes > 0;
  looked_for_room_ = std::chrono::steady_clock::now();
  return reserve_.give_up();
}

/// The journal holds all that it may, and the database takes nothing of it.
bool JournaledStore::cannot_settle() {
  const auto obstacle = settler_.obstacle();
  if (!obstacle) return false;
  if (obstacle->code == ErrorCode::Exhausted && !full_) make_room();
  return full_ || journal_->unsettled_bytes() >= tuning_.settle.bytes_max;
}

bool JournaledStore::is_still_full() {
  if (!full_) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_for_room_ < kRoomEvery) return true;
  looked_for_room_ = now;
  full_ = !reserve_.take();
  return full_;
}

void JournaledStore::refuse_appends(Group& group) {
  Group kept;
  Group refused;
  for (Job& job : group) (appends(job) ? refused : kept).push_back(std::move(job));
  group = std::move(kept);
  if (refused.empty()) return;
  finish(refused, std::unexpected(why_refused()), false);
}

Error JournaledStore::why_refused() {
  const std::string go_on = " Receiving and deleting go on.";
  if (!full_) {
    const auto obstacle = settler_.obstacle();
    return {ErrorCode::Exhausted, "the journal is full and cannot be settled: " +
                                      (obstacle ? obstacle->message : "it is tried again") + "." + go_on};
  }
  return {ErrorCode::Exhausted, "the disk of " + path_ +
                                    " is full: no messages are taken until there is room for " +
                                    std::to_string(options_.reserve_bytes >> 20) + " MiB again." + go_on +
                                    " Free some space, or delete messages."};
}

Result<void> JournaledStore::write(const Group& group, bool synced) {
  std::string& entry = journal_->next_entry();
  for (const Job& job : group) {
    auto payload = job.payloads.begin();
    for (const Write& write : job.writes) {
      const bool append = std::holds_alternative<AppendMessage>(write);
      encode_write(write, append ? std::string_view(**payload++) : std::string_view(), entry);
    }
  }
  if (auto appended = journal_->append(synced_); !appended) return appended;
  return synced ? journal_->sync() : Result<void>();
}

void JournaledStore::finish(Group& group, const Result<void>& result, bool synced) {
  const std::uint64_t commit = journal_->position().commit;
  if (result) {
    if (synced) mark_.write(synced_ = commit);
    commits_ += 1;
    syncs_ += synced ? 1 : 0;
  }
  std::size_t bytes = 0;
  for (Job& job : group) {
    job.outcome->store(result ? commit : kFailed, std::memory_order_release);
    if (result) writes_ += job.writes.size();
    bytes += job.bytes;
  }
  {
    const std::lock_guard lock(mutex_);
    pending_bytes_ -= bytes;
  }
  for (const Job& job : group) {
    if (job.done) job.done(result);
  }
}

void JournaledStore::poison(const Error& reason) {
  const std::lock_guard lock(mutex_);
  poison_ =
      Error{ErrorCode::Io,
            reason.message +
                " A sync failed, so nothing more is accepted: start again to see what the disk has kept."};
}

}  // namespace

Result<std::unique_ptr<Store>> open_journaled_store(const Store::Options& options, const StoreTuning& given,
                                                    const Store::Recovery& recovery) {
  StoreTuning tuning = given;
  if (!tuning.disk) tuning.disk = &system_journal_disk();
  auto directory = StoreDirectory::open(options.directory);
  if (!directory) return std::unexpected(directory.error());
  auto mark = SyncedMark::open(directory->file("messages.synced"));
  if (!mark) return std::unexpected(mark.error());
  const auto synced = mark->read();
  if (!synced) return std::unexpected(synced.error());
  auto database = open_database(*directory, tuning.vfs);
  if (!database) return std::unexpected(database.error());
  auto state = settle_journal(*database, directory->path(), *tuning.disk, *synced);
  if (state) state = recover(*database, directory->file("messages.db"), recovery);
  if (!state) {
    database->forbid_checkpoint_on_close();
    return std::unexpected(state.error());
  }
  auto store = std::make_unique<JournaledStore>(options, tuning, std::move(*directory), std::move(*mark),
                                                std::move(*database), *state);
  if (auto started = store->start(*state); !started) return std::unexpected(started.error());
  return store;
}

Result<std::unique_ptr<Store>> Store::open(const Options& options, const Recovery& recovery) {
  return open_journaled_store(options, {}, recovery);
}

}  // namespace forewarm
