#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "edge/history/history_tables.h"

namespace forewarm {

/// One interval of one series. `start` is a whole multiple of `step` since the epoch.
template <class M>
struct Measured {
  TimePoint start;
  Duration step = Duration(0);
  M measures{};
};

template <class M>
struct NamedMeasures {
  std::string name;
  M measures{};
};

/// What a running server measured in one interval. A queue or function that is named and saw nothing was
/// measured to be zero; one that is not named was not measured.
struct HistoryBatch {
  TimePoint start;
  Duration step = Duration(0);
  std::vector<NamedMeasures<QueueMeasures>> queues{};
  std::vector<NamedMeasures<FunctionMeasures>> functions{};
  std::vector<NamedMeasures<SignalMeasures>> signals{};
};

/// A queue's newest history on one regular grid; NaN where it was not measured.
struct RecentQueue {
  std::string name;
  TimePoint start;  ///< of the first interval, which was measured
  std::vector<float> arrivals;
  std::vector<float> bytes;
  std::vector<float> work_seconds;
  ServiceTimes service_times{};  ///< of the newest intervals that have any
};

/// What is remembered from one start to the next, in a text and a version of the writer's.
struct SavedMemory {
  std::string name{};  ///< of the series, where it was learnt of one
  std::int64_t version = 0;
  std::string memory;

  friend bool operator==(const SavedMemory&, const SavedMemory&) = default;
};

/// What became of intervals that were to be added.
struct Filled {
  std::uint64_t added = 0;
  std::uint64_t present = 0;  ///< left as they were, because that time was measured already
  std::uint64_t too_old = 0;  ///< older than anything that is kept
  std::uint64_t future = 0;   ///< not over yet
};

struct SeriesSummary {
  SeriesKind kind = SeriesKind::Queue;
  std::string name;
  TimePoint first;              ///< start of the oldest interval
  TimePoint until;              ///< end of the newest one
  Duration measured{0};         ///< how much of the time between was measured
  std::vector<Duration> steps;  ///< of the grids on which it is kept
};

/// What is kept of a target across restarts, so that it can be put back as it was.
struct KeptTarget {
  std::string target;                     ///< what it is, in words that change when another is meant
  std::optional<std::uint32_t> found;     ///< set there before the first change; none: nothing was set
  std::optional<std::uint32_t> told;      ///< last
  bool changed = false;                   ///< it was told anything: `found` counts
  TimePoint since;                        ///< of the first change
  std::optional<std::uint32_t> beside{};  ///< of another number that changes with it, as it was found

  friend bool operator==(const KeptTarget&, const KeptTarget&) = default;
};

/// The history of queues, functions and signals in an SQLite database of its own, history.db in the data
/// folder, which the server and the command line may have open at once; or in a PostgreSQL database, which
/// several copies of control share.
///
/// Intervals that saw nothing take no room: a table of coverage says which time was measured, so that a gap
/// (no coverage) and a zero (coverage without a row) stay apart. A commit to SQLite survives the process's
/// end, however it ends; after a power cut the last seconds may be gone, which is why it costs no sync of its
/// own. PostgreSQL syncs as it is configured to.
///
/// Used by one thread at a time.
class HistoryDatabase {
 public:
  /// A grid and how long it is kept.
  struct Tier {
    Duration step;
    Duration keep;
  };
  /// A PostgreSQL database; its tables are in the schema `forewarm`.
  struct Shared {
    std::string url{};            ///< postgresql://; what it leaves out is in libpq's environment
    std::string password_file{};  ///< read for each session; empty: none
    std::string called{};         ///< what the session is called there
    std::chrono::milliseconds timeout{10'000};  ///< for one answer
    std::stop_token stop{};                     ///< ends a wait sooner
  };
  struct Options {
    std::string path;
    std::optional<Shared> shared{};  ///< instead of the file
    /// From fine to coarse, each step a whole multiple of the one before.
    std::vector<Tier> tiers = {{10s, 24h * 7}, {5min, 24h * 90}, {1h, 24h * 1095}};
    bool create = true;  ///< NotFound when it is false and there is no file, or no tables
  };
  /// Invalid for a database of another program or a newer format, which is left untouched; Corrupt for
  /// damage; Io where a shared one cannot be reached.
  static Result<std::unique_ptr<HistoryDatabase>> open(const Options& options);

  /// All of `batch` in one transaction. Replaces what was there.
  Result<void> record(const HistoryBatch& batch);

  /// Adds intervals of one series with one step: `covered` was measured, and is zero where no row says
  /// otherwise. Time that was measured already stays as it is, so that adding the same twice changes nothing;
  /// with `replace`, what was kept with this step or a finer one gives way. All in one transaction.
  /// Invalid when the step fits none of the tiers or an interval does not start at a multiple of it.
  template <class M>
  Result<Filled> fill(const std::string& name, Duration step, std::span<const Measured<M>> rows,
                      std::span<const Span> covered, TimePoint now, bool replace = false);

  /// What `work` fills or records, all of it in one transaction: an error of `work` leaves nothing of it.
  Result<void> together(const std::function<Result<void>()>& work);

  /// All measured intervals that begin in [from, to), zeros included, in the order of time, each on the grid
  /// on which it is kept. Nothing for an unknown name.
  template <class M>
  Result<void> read(const std::string& name, TimePoint from, TimePoint to,
                    const std::function<void(const Measured<M>&)>& take);

  /// The queues' history in [from, to) on a grid of `step`. What is kept with a longer step is spread over
  /// its time at random, as if it had come evenly; the same each time. With very many queues the time begins
  /// later, so that memory stays bounded.
  Result<std::vector<RecentQueue>> recent_queues(TimePoint from, TimePoint to, Duration step);
  /// The same of one queue; none where nothing was measured.
  Result<std::optional<RecentQueue>> recent_queue(const std::string& name, TimePoint from, TimePoint to,
                                                  Duration step);

  Result<std::vector<SeriesSummary>> list();

  /// Replaces what was kept of these series: of queues, what their scalers have learnt; of functions, how
  /// they run. In one transaction.
  Result<void> keep_learnt(SeriesKind kind, std::span<const SavedMemory> memories, TimePoint now);
  /// What is kept of all series of a kind, by name. What is older than all history is not.
  Result<std::vector<SavedMemory>> learnt(SeriesKind kind);
  /// Replaces what was kept under a name.
  Result<void> keep_memory(std::string_view name, const SavedMemory& saved, TimePoint now);
  Result<std::optional<SavedMemory>> memory(std::string_view name);

  /// Of a shared database alone: what is kept of targets, by queue.
  Result<std::map<std::string, KeptTarget>> targets();
  /// Keeps what was found at a target that is about to be changed. What another copy has kept of the same
  /// target stays, and is given back.
  Result<KeptTarget> keep_target(const std::string& queue, const KeptTarget& found);
  /// Replaces what a target was told last.
  Result<void> keep_told(const std::string& queue, const KeptTarget& told);
  Result<void> forget_target(const std::string& queue);

  /// Joins what is old to coarser intervals and removes what is too old, a bounded amount of it. True when
  /// there is more to do. Joined time counts as measured when half of it was.
  Result<bool> thin_out(TimePoint now);

 private:
  explicit HistoryDatabase(Options options) : options_(std::move(options)) {}
  template <class M>
  SqlCode record_one(const HistoryBatch& batch, const NamedMeasures<M>& one);
  Result<void> transaction(const std::function<SqlCode()>& work, const char* what);
  Result<void> check_step(Duration step) const;
  template <class M>
  SqlCode join(std::int64_t to_step, Span bucket);
  SqlCode join_oldest(std::int64_t to_step, std::int64_t before, bool& joined);
  SqlCode remove_before(std::int64_t before, bool& removed);

  void prepare();
  void prepare_targets();
  Error failed(SqlCode code, const char* what) const { return session_->to_error(code, what); }

  Options options_;
  std::unique_ptr<SqlSession> session_;
  HistoryTables tables_;
  bool together_ = false;  ///< inside together(), whose transaction it is
  std::unique_ptr<SqlStatement> oldest_coverage_, finer_coverage_, old_coverage_, all_coverage_, recent_rows_;
  std::unique_ptr<SqlStatement> put_learnt_, old_learnt_, all_learnt_, put_memory_, one_memory_;
  std::unique_ptr<SqlStatement> put_target_, told_target_, all_targets_, forget_target_;
};

}  // namespace forewarm
