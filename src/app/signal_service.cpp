#include "app/signal_service.h"

#include <algorithm>

#include "app/signal_config.h"

namespace forewarm {
namespace {

std::string without_digits(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

}  // namespace

struct SignalService::Entry {
  SignalId id;
  SignalConfig config;
  SignalIntake intake;
  PlanFeed plan = {};
  std::string failure = {};
  std::vector<std::string> notes = {};
  std::uint64_t readings = 0;
  std::uint64_t failures = 0;
  std::map<std::string, SignalBenefit, std::less<>> benefits = {};  ///< by queue
  TimePoint read_at = {};
  std::unique_ptr<SourceThread> thread = {};  ///< last, so that it ends first
};

SignalService::SignalService(Loop& loop, Now now, Report report, Warn warn)
    : loop_(loop),
      now_(std::move(now)),
      report_(std::move(report)),
      warn_(std::move(warn)),
      self_(std::make_shared<SignalService*>(this)) {}

SignalService::~SignalService() {
  *self_ = nullptr;
  for (const auto& [name, entry] : entries_) {
    if (entry->thread) entry->thread->stop();
  }
}

void SignalService::configure(const ServerConfig& config) {
  // A calendar of more than a year back teaches nothing that its last year does not.
  constexpr Duration kPastMax = 24h * 400;
  const Duration step = config.forecast_step;
  history_ = std::min<Duration>(step * config.forecast_history, kPastMax);
  ahead_ = step * (config.forecast_horizon + 2) + 1min;
  cell_ = step / 4;
  std::erase_if(entries_, [&](const auto& entry) {
    const auto wanted = std::ranges::find(config.signals, entry.first, &SignalConfig::name);
    return wanted == config.signals.end() || *wanted != entry.second->config;
  });
  for (const SignalConfig& signal : config.signals) {
    if (entries_.contains(signal.name)) continue;
    const IntakeSettings intake{.counts = signal.counts(),
                                .future_known = signal.knows_future(),
                                .minimum = signal.minimum,
                                .maximum = signal.maximum,
                                .keep = history_,
                                .cell = cell_};
    auto entry = std::make_unique<Entry>(
        Entry{.id = SignalId(++last_id_), .config = signal, .intake = SignalIntake(intake)});
    start_source(*entry);
    entries_.emplace(signal.name, std::move(entry));
  }
}

void SignalService::start_source(Entry& entry) {
  std::unique_ptr<SignalSource> source =
      make_signal_source(entry.config, {.past = history_, .ahead = ahead_});
  if (!source) return;
  std::vector<std::unique_ptr<SignalSource>> sources;
  sources.push_back(std::move(source));
  const auto report = [&loop = loop_, self = self_, name = entry.config.name, id = entry.id](
                          std::size_t, Reading reading) {
    loop.post([self, name, id, reading = std::make_shared<Reading>(std::move(reading))] {
      if (*self != nullptr) (*self)->take(name, id, std::move(*reading));
    });
  };
  entry.thread = std::make_unique<SourceThread>(std::move(sources), now_, report);
}

/// What a thread brought. The signal may be gone by now, or be another one of the same name.
void SignalService::take(std::string_view name, SignalId id, Reading reading) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second->id != id) return;
  Entry& entry = *found->second;
  entry.read_at = now_();
  ++entry.readings;
  const std::string failure = reading.failure.value_or("");
  if (!failure.empty()) {
    ++entry.failures;
    // Once, and not every time that it is tried again: often only a duration in it differs.
    if (without_digits(entry.failure) != without_digits(failure))
      warn_("signal '" + entry.config.name + "' cannot be read: " + failure);
  }
  entry.failure = failure;
  if (reading.unchanged) return;
  if (entry.notes != reading.notes) {
    for (const std::string& note : reading.notes) warn_("signal '" + entry.config.name + "': " + note);
  }
  entry.notes = std::move(reading.notes);
  if (!reading.points.problem.empty()) entry.notes.push_back(reading.points.problem);
  entry.intake.count_malformed(reading.points.malformed);
  for (const Observation& observation : reading.points.taken) entry.intake.take(observation, now_());
  take_plan(entry, reading);
}

void SignalService::take_plan(Entry& entry, const Reading& reading) {
  const TimePoint now = now_();
  for (const LevelChange& change : entry.plan.tell(reading.plan, reading.plan_end)) {
    entry.intake.note(change, now);
    report_(SignalObserved{entry.id, change.at, change.value});
  }
}

std::vector<SignalSettings> SignalService::settings(
    const std::function<std::optional<QueueId>(std::string_view)>& queue_id) {
  std::vector<SignalSettings> out;
  lacks_queues_ = false;
  for (const auto& [name, entry] : entries_) {
    const SignalConfig& config = entry->config;
    SignalSettings settings{.id = entry->id,
                            .kind = config.counts() ? SignalKind::Count : SignalKind::Level,
                            .future_known = config.knows_future(),
                            .holds = config.planned() || config.counts() ? Duration(0) : config.hold,
                            .upstream = config.upstream};
    for (const std::string& queue : config.queues) {
      if (const std::optional<QueueId> id = queue_id(queue))
        settings.queues.push_back(*id);
      else
        lacks_queues_ = true;
    }
    if (settings.queues.empty() && !config.queues.empty()) continue;
    out.push_back(std::move(settings));
  }
  std::ranges::sort(out, {}, [](const SignalSettings& settings) { return settings.id.value(); });
  return out;
}

void SignalService::visit(
    std::string_view queue,
    const std::function<void(const SignalConfig&, SignalId, const SignalIntake&)>& take) const {
  for (const auto& [name, entry] : entries_) {
    const std::vector<std::string>& queues = entry->config.queues;
    if (queues.empty() || std::ranges::find(queues, queue) != queues.end())
      take(entry->config, entry->id, entry->intake);
  }
}

std::vector<RecordedSignal> SignalService::recorded() const {
  std::vector<RecordedSignal> out;
  for (const auto& [name, entry] : entries_) {
    const SignalConfig& config = entry->config;
    if (!config.planned()) out.push_back({entry->id, name, config.counts(), config.hold});
  }
  return out;
}

std::vector<SignalObserved> SignalService::restore(const std::vector<SignalPast>& pasts) {
  std::vector<SignalObserved> out;
  for (const SignalPast& past : pasts) {
    const auto found = entries_.find(past.name);
    if (found == entries_.end()) continue;
    found->second->intake.restore(past.values, past.until, now_());
    for (const LevelChange& value : past.values) out.push_back({found->second->id, value.at, value.value});
  }
  return out;
}

void SignalService::tick() {
  const TimePoint until = now_() + ahead_;
  for (const auto& [name, entry] : entries_) {
    for (const LevelChange& value : entry->intake.drain(until))
      report_(SignalObserved{entry->id, value.at, value.value});
  }
}

Result<PushAnswer> SignalService::push(std::string_view name, const PushRequest& request) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    ++unknown_;
    return error(ErrorCode::NotFound,
                 "there is no signal '" + std::string(name.substr(0, 80)) +
                     "'; add a [[signal]] with this name to the configuration and reload it (SIGHUP)");
  }
  Entry& entry = *found->second;
  const SignalConfig& config = entry.config;
  if (config.source != "push") {
    return error(ErrorCode::Conflict, "signal '" + config.name + "' has the source " + config.source +
                                          "; only those with source = \"push\" take values here");
  }
  const TimePoint now = now_();
  Result<Points> points = read_push(request, {config.items, config.value, config.time}, now);
  if (!points) {
    entry.intake.count_malformed(1);
    return std::unexpected(points.error());
  }
  PushAnswer answer;
  answer.problem = std::move(points->problem);
  answer.counts[static_cast<std::size_t>(Verdict::Malformed)] = points->malformed;
  entry.intake.count_malformed(points->malformed);
  for (const Observation& observation : points->taken) {
    const Verdict verdict = entry.intake.take(observation, now);
    ++answer.counts[static_cast<std::size_t>(verdict)];
    if (!is_taken(verdict) && verdict != Verdict::Duplicate && answer.problem.empty())
      answer.problem = "a value is refused: " + std::string(kVerdictNames[static_cast<std::size_t>(verdict)]);
  }
  entry.read_at = now;
  ++entry.readings;
  return answer;
}

SignalSnapshot SignalService::show(Entry& entry, std::size_t past, std::size_t future) {
  const TimePoint now = now_();
  SignalSnapshot out;
  out.name = entry.config.name;
  out.source = entry.config.source;
  out.kind = entry.config.kind;
  out.future_known = entry.config.knows_future();
  out.upstream = entry.config.upstream;
  out.queues = entry.config.queues;
  out.failure = entry.failure;
  out.notes = entry.notes;
  out.readings = entry.readings;
  out.failures = entry.failures;
  for (std::size_t verdict = 0; verdict < kVerdictNames.size(); ++verdict)
    out.counts.emplace_back(kVerdictNames[verdict], entry.intake.count(static_cast<Verdict>(verdict)));
  for (const LevelChange& value : entry.intake.around(now, past, future)) {
    (value.at <= now ? out.past : out.future).emplace_back(value.at, value.value);
  }
  for (const auto& [queue, benefit] : entry.benefits) out.benefits.push_back(benefit);
  return out;
}

void SignalService::note(std::string_view queue, const FitAnswer& answer) {
  if (queue.empty() || answer.fitted.forecasts.empty()) return;
  const Duration step = answer.fitted.forecasts.front().forecast.step;
  for (const ForecastReason& reason : answer.reasons) {
    if (reason.kind != ForecastReason::Kind::Signal) continue;
    for (const auto& [name, entry] : entries_) {
      if (entry->id.value() != reason.signal) continue;
      entry->benefits[std::string(queue)] = {.queue = std::string(queue),
                                             .gain = reason.gain,
                                             .share = reason.share,
                                             .lead = step * static_cast<Duration::rep>(reason.steps)};
    }
  }
}

void SignalService::fill(Snapshot& snapshot) {
  snapshot.signals = list();
  snapshot.signals_unknown = unknown_;
}

std::vector<SignalSnapshot> SignalService::list() {
  std::vector<SignalSnapshot> out;
  out.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) out.push_back(show(*entry, 1, 1));
  return out;
}

std::optional<SignalSnapshot> SignalService::find(std::string_view name, std::size_t past,
                                                  std::size_t future) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return show(*found->second, past, future);
}

}  // namespace forewarm
