#include "retry/first_attempts.h"

#include <algorithm>
#include <deque>
#include <map>

#include "core/history/outcomes.h"
#include "core/retry/failure_odds.h"
#include "edge/trace/csv.h"
#include "edge/trace/gzip.h"

namespace forewarm {
namespace {

constexpr double kRecentGain = 0.1;

std::uint64_t number_of(std::string_view text) {
  std::uint64_t hash = 1;
  for (const char c : text) hash = mix_bits(hash ^ static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  return hash | 1U;
}

/// Says the odds of each row, then learns what became of it once it is over.
class FirstAttempts {
 public:
  void take(TimePoint at, Duration lasts, AttemptFeatures attempt, bool failed) {
    while (!open_.empty() && open_.front().over <= at) learn_first();
    attempt.recent_failures = recent_[attempt.function];
    attempt.prior = hierarchical_odds({.function = outcomes_.function(at, attempt.function),
                                       .tenant = outcomes_.tenant(at, attempt.function, attempt.tenant),
                                       .after_error = {}});
    attempt.newest.emplace();
    attempt.newest->first = outcomes_.newest_first(attempt.function);
    attempt.newest->tenant = outcomes_.tenant_failures(attempt.function, attempt.tenant);
    score_.add(model_.odds(attempt), failed);
    const Open open{at + lasts, attempt, failed};
    open_.insert(std::ranges::upper_bound(open_, open.over, {}, &Open::over), open);
  }
  OddsScore score() const { return score_; }

 private:
  struct Open {
    TimePoint over;
    AttemptFeatures attempt;
    bool failed = false;
  };

  void learn_first() {
    const auto& [over, attempt, failed] = open_.front();
    outcomes_.observe(over, attempt.function, attempt.tenant, 0,
                      failed ? ErrorClass::Handler : ErrorClass::None);
    model_.learn(attempt, failed);
    double& recent = recent_[attempt.function];
    recent += kRecentGain * ((failed ? 1 : 0) - recent);
    open_.pop_front();
  }

  Outcomes outcomes_;
  FailureOddsModel model_;
  std::map<FunctionId, double> recent_;
  std::deque<Open> open_;
  OddsScore score_;
};

}  // namespace

Result<OddsScore> score_first_attempts(const std::string& path) {
  constexpr std::string_view kColumns[] = {"timestamp_s", "queue",  "bytes", "duration_ms",
                                           "status",      "tenant", "model"};
  std::size_t places[std::size(kColumns)] = {};
  bool header = true;
  FirstAttempts attempts;
  CsvReader* reader = nullptr;
  CsvReader csv(path, [&](const CsvRow& row) -> Result<void> {
    if (header) {
      header = false;
      for (std::size_t i = 0; i < std::size(kColumns); ++i) {
        places[i] = find_column(row, kColumns[i]);
        if (places[i] == kNoColumn)
          return reader->fail(row.place(0), "expected a column " + std::string(kColumns[i]));
      }
      return {};
    }
    const auto field = [&](std::size_t i) {
      return places[i] < row.fields.size() ? row.fields[places[i]] : std::string_view();
    };
    const bool failed = field(4) == "FAILED";
    if (!failed && field(4) != "SUCCEED") return {};
    const auto at = finite_number(field(0));
    if (!at) return reader->fail(row.place(places[0]), "expected seconds");
    AttemptFeatures attempt;
    attempt.function = FunctionId(static_cast<std::uint32_t>(number_of(field(1))));
    attempt.tenant = TenantId(number_of(field(5)));
    attempt.group = GroupId(number_of(field(6)));
    attempt.bytes = static_cast<std::uint32_t>(std::clamp(finite_number(field(2)).value_or(0), 0.0, 1e9));
    const double lasts = std::clamp(finite_number(field(3)).value_or(0) / 1e3, 0.0, 1e6);
    attempts.take(time_point_us(0) + from_seconds(std::clamp(*at, 0.0, 1e12)), from_seconds(lasts), attempt,
                  failed);
    return {};
  });
  reader = &csv;
  const Result<void> read = read_file_pieces(path, [&](std::string_view bytes) { return csv.feed(bytes); });
  if (!read) return std::unexpected(read.error());
  if (const Result<void> ended = csv.finish(); !ended) return std::unexpected(ended.error());
  return attempts.score();
}

}  // namespace forewarm
