#include "app/history_keeper.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace forewarm {
namespace {

/// For what waits to be written to a shared database when the program ends.
constexpr std::chrono::seconds kLastWords(3);

}  // namespace

Result<std::unique_ptr<HistoryKeeper>> HistoryKeeper::open(Loop& loop, Options options) {
  std::stop_source give_up;
  if (options.shared) {
    options.shared->stop = give_up.get_token();
    auto shared = HistoryDatabase::open({.path = {}, .shared = options.shared, .tiers = options.tiers});
    if (!shared) return std::unexpected(shared.error());
    return std::unique_ptr<HistoryKeeper>(
        new HistoryKeeper(loop, std::move(options), std::move(*shared), std::move(give_up)));
  }
  const std::string path = options.directory + "/history.db";
  auto database = HistoryDatabase::open({.path = path, .tiers = options.tiers});
  if (!database && database.error().code == ErrorCode::Corrupt) {
    options.warn(database.error().message + " It is moved to history.db.damaged; a new history begins.");
    for (const char* end : {"", "-wal", "-shm"}) {
      std::error_code missing;
      std::filesystem::rename(path + end, path + ".damaged" + end, missing);
    }
    database = HistoryDatabase::open({.path = path, .tiers = options.tiers});
  }
  if (!database) return std::unexpected(database.error());
  return std::unique_ptr<HistoryKeeper>(
      new HistoryKeeper(loop, std::move(options), std::move(*database), std::move(give_up)));
}

HistoryKeeper::HistoryKeeper(Loop& loop, Options options, std::unique_ptr<HistoryDatabase> database,
                             std::stop_source give_up)
    : loop_(loop),
      options_(std::move(options)),
      database_(std::move(database)),
      give_up_(std::move(give_up)),
      thread_([this] { run(); }) {}

HistoryKeeper::~HistoryKeeper() {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    if (options_.shared && !ended_.wait_for(lock, kLastWords, [this] { return idle_ && jobs_.empty(); }))
      give_up_.request_stop();
  }
  thread_.join();
}

Result<std::vector<RecentQueue>> HistoryKeeper::recent(TimePoint now) {
  return database_->recent_queues(now - options_.restored, now, options_.tiers.front().step);
}

void HistoryKeeper::write(HistoryBatch batch) {
  const TimePoint now = batch.start + batch.step;
  give([this, batch = std::move(batch), now](HistoryDatabase& database) -> Result<void> {
    if (Result<void> written = database.record(batch); !written) return written;
    if (now <= thinned_) return {};  // with another queue's interval of the same time
    thinned_ = now;
    const Result<bool> more = database.thin_out(now);
    return more ? Result<void>() : std::unexpected(more.error());
  });
}

void HistoryKeeper::bring_back(std::string queue, TimePoint now, std::function<void(RecentQueue)> done) {
  give([this, queue = std::move(queue), now,
        done = std::move(done)](HistoryDatabase& database) -> Result<void> {
    auto series = database.recent_queue(queue, now - options_.restored, now, options_.tiers.front().step);
    if (!series) return std::unexpected(series.error());
    if (*series) loop_.post([done, found = std::move(**series)]() mutable { done(std::move(found)); });
    return {};
  });
}

bool HistoryKeeper::take(Job job, bool first) {
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    taken = jobs_.size() < kJobsMax;
    if (taken) {
      // Those that come first do so in the order in which they were given.
      const auto behind = first ? std::ranges::find(jobs_, false, &Given::first) : jobs_.end();
      jobs_.insert(behind, Given{std::move(job), first});
      full_ = false;
    } else if (!std::exchange(full_, true)) {
      warn("what keeps the history is too slow: intervals are being left out of the history");
    }
  }
  wake_.notify_one();
  return taken;
}

void HistoryKeeper::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty() || give_up_.stop_requested()) return;
    idle_ = false;
    const Given given = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const Result<void> done = given.job(*database_);
    if (!done && !std::exchange(failing_, true))
      warn(done.error().message + " What is not written is missing in the history.");
    if (done && !given.first && std::exchange(failing_, false)) warn("the history is written again");
    lock.lock();
    idle_ = true;
    ended_.notify_one();
  }
}

void HistoryKeeper::warn(std::string text) {
  loop_.post([say = options_.warn, text = std::move(text)] { say(text); });
}

}  // namespace forewarm
