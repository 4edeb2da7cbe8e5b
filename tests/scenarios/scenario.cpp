#include "scenario.h"

#include <toml++/toml.h>

#include <set>
#include <sstream>

namespace forewarm {
namespace {

/// What a table holds; a key that nobody asked for is an error.
class Reader {
 public:
  Reader(const toml::table& table, std::string& problem) : table_(table), problem_(problem) {}
  ~Reader() {
    for (const auto& [key, node] : table_) {
      if (!asked_.contains(std::string(key.str()))) fail(node, "unknown key " + std::string(key.str()));
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  double number(const char* key, double otherwise) {
    const toml::node* node = find(key);
    if (node == nullptr) return otherwise;
    if (const auto value = node->value<double>()) return *value;
    fail(*node, std::string(key) + " must be a number");
    return otherwise;
  }
  template <class Integer>
  void whole(const char* key, Integer& into) {
    into = static_cast<Integer>(number(key, static_cast<double>(into)));
  }
  Duration ms(const char* key, Duration otherwise) {
    return from_seconds(number(key, seconds(otherwise) * 1e3) * 1e-3);
  }
  Duration s(const char* key, Duration otherwise) { return from_seconds(number(key, seconds(otherwise))); }
  bool flag(const char* key, bool otherwise) {
    const toml::node* node = find(key);
    return node == nullptr ? otherwise : node->value_or(otherwise);
  }
  std::string text(const char* key, const std::string& otherwise) {
    const toml::node* node = find(key);
    return node == nullptr ? otherwise : node->value_or(otherwise);
  }
  const toml::table* table(const char* key) {
    const toml::node* node = find(key);
    return node == nullptr ? nullptr : node->as_table();
  }
  /// Calls `take` with a Reader of each table of an array.
  template <class Take>
  void each(const char* key, Take take) {
    const toml::node* node = find(key);
    const toml::array* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr) return;
    for (const toml::node& entry : *list) {
      if (const toml::table* inner = entry.as_table()) {
        Reader reader(*inner, problem_);
        take(reader);
      }
    }
  }
  const toml::table& all() const { return table_; }
  void ask(const std::string& key) { asked_.insert(key); }
  std::string& problem() { return problem_; }
  void fail(const toml::node& node, const std::string& what) {
    if (!problem_.empty()) return;
    std::ostringstream out;
    out << node.source() << ": " << what;
    problem_ = out.str();
  }

 private:
  const toml::node* find(const char* key) {
    asked_.insert(key);
    return table_.get(key);
  }
  const toml::table& table_;
  std::string& problem_;
  std::set<std::string> asked_;
};

/// late_share_max = 0.05, dead_lettered_min = 3
std::vector<Expectation> bounds(Reader& reader) {
  std::vector<Expectation> out;
  for (const auto& [name, node] : reader.all()) {
    const std::string key(name.str());
    const bool at_most = key.ends_with("_max");
    if (!at_most && !key.ends_with("_min")) continue;
    reader.ask(key);
    const auto bound = node.value<double>();
    const std::string figure = key.substr(0, key.size() - 4);
    if (!bound || !figure_of({}, figure)) {
      reader.fail(node, "no such figure, or its bound is no number: " + key);
      continue;
    }
    out.push_back({figure, at_most, *bound});
  }
  return out;
}

ArrivalPattern pattern_of(Reader& reader, std::uint32_t queue) {
  ArrivalPattern pattern;
  pattern.queue = queue;
  const std::string kind = reader.text("kind", "poisson");
  pattern.kind = kind == "periodic"  ? PatternKind::Periodic
                 : kind == "bursts"  ? PatternKind::Bursts
                 : kind == "diurnal" ? PatternKind::Diurnal
                                     : PatternKind::Poisson;
  if (kind != "poisson" && pattern.kind == PatternKind::Poisson)
    reader.fail(reader.all(), "unknown kind " + kind);
  pattern.rate_per_second = reader.number("rate_per_second", pattern.rate_per_second);
  pattern.period = reader.s("period_s", pattern.period);
  pattern.spread = reader.s("spread_s", pattern.spread);
  reader.whole("size", pattern.size);
  reader.whole("tenants", pattern.tenants);
  reader.whole("groups", pattern.groups);
  pattern.urgent_share = reader.number("urgent_share", 0);
  return pattern;
}

void mapping_of(Reader& reader, const SimulatedQueue& queue, Configuration& configuration) {
  FunctionSettings function;
  function.id = FunctionId(queue.id.value());
  function.timeout = reader.s("timeout_s", function.timeout);
  reader.whole("concurrency_max", function.concurrency_max);
  MappingSettings mapping;
  mapping.queue = queue.id;
  mapping.function = function.id;
  reader.whole("batch_size", mapping.batch_size);
  mapping.scaling.objective = reader.ms("objective_ms", mapping.scaling.objective);
  reader.whole("instances_min", mapping.scaling.instances_min);
  reader.whole("instances_max", mapping.scaling.instances_max);
  mapping.scaling.keep_idle_max = reader.s("keep_idle_max_s", mapping.scaling.keep_idle_max);
  mapping.scaling.predict = reader.flag("predict", true);
  if (queue.clients.clients > 0) return;
  configuration.functions.push_back(function);
  configuration.mappings.push_back(mapping);
}

void queue_of(Reader& reader, Scenario& scenario) {
  SimulationOptions& world = scenario.simulation;
  const auto index = static_cast<std::uint32_t>(world.queues.size());
  SimulatedQueue queue;
  queue.id = QueueId(index + 1);
  queue.settings.fifo = reader.flag("fifo", false);
  queue.settings.retention = reader.s("retention_s", queue.settings.retention);
  const auto attempts = static_cast<std::uint16_t>(reader.number("dead_letter_after", 0));
  if (attempts > 0) queue.settings.redrive = RedrivePolicy{QueueId(queue.id.value() + 1000), attempts};
  queue.service_time =
      DurationDistribution::log_normal(reader.ms("service_ms", 100ms), reader.number("service_sigma", 0.3));
  reader.whole("clients", queue.clients.clients);
  mapping_of(reader, queue, world.configuration);
  reader.each("arrivals",
              [&](Reader& arrivals) { scenario.patterns.push_back(pattern_of(arrivals, index)); });
  world.queues.push_back(queue);
}

void faults_of(Reader& reader, FaultOptions& faults) {
  faults.start_failure = reader.number("start_failure", 0);
  faults.crash_idle_per_hour = reader.number("crash_idle_per_hour", 0);
  faults.crash_busy = reader.number("crash_busy", 0);
  faults.lost_busy = reader.number("lost_busy", 0);
  faults.slow_run = reader.number("slow_run", 0);
  faults.handler_failure = reader.number("handler_failure", 0);
  faults.poison = reader.number("poison", 0);
  faults.capacity = reader.number("capacity", 0);
  faults.fit_failure = reader.number("fit_failure", 0);
  faults.clock_jumps_per_hour = reader.number("clock_jumps_per_hour", 0);
}

void expectations_of(Reader& reader, Scenario& scenario) {
  scenario.must_be_quiet = reader.flag("quiet", true);
  reader.each("against", [&](Reader& against) {
    Comparison comparison;
    comparison.policy = against.text("policy", "");
    comparison.shares = bounds(against);
    scenario.comparisons.push_back(comparison);
  });
  scenario.expectations = bounds(reader);
}

void scenario_of(const toml::table& table, Scenario& scenario, std::string& problem) {
  Reader reader(table, problem);
  reader.text("about", "");
  SimulationOptions& world = scenario.simulation;
  world.start = time_point_us(1'700'000'000'000'000);
  scenario.policy = reader.text("policy", scenario.policy);
  reader.whole("seed", world.seed);
  world.length = reader.s("minutes", 30s) * 60;
  world.settle = reader.s("settle_minutes", 30s) * 60;
  reader.whole("instances_max", world.configuration.instances_max);
  world.start_time =
      DurationDistribution::log_normal(reader.ms("start_ms", 1s), reader.number("start_sigma", 0.25));
  world.configuration.forecast.step = reader.s("step_s", world.configuration.forecast.step);
  reader.each("queue", [&](Reader& queue) { queue_of(queue, scenario); });
  for (std::size_t i = 0, count = world.queues.size(); i < count; ++i) {
    const auto& redrive = world.queues[i].settings.redrive;
    if (!redrive) continue;
    SimulatedQueue dead;
    dead.id = redrive->dead_letter_queue;
    dead.settings.fifo = world.queues[i].settings.fifo;
    world.queues.push_back(dead);
  }
  if (const toml::table* entry = reader.table("faults")) {
    Reader faults(*entry, problem);
    faults_of(faults, world.faults);
  }
  if (const toml::table* entry = reader.table("expect")) {
    Reader expect(*entry, problem);
    expectations_of(expect, scenario);
  }
}

}  // namespace

Result<Scenario> read_scenario(const std::string& path) {
  Scenario scenario;
  std::string problem;
  try {
    const toml::table table = toml::parse_file(path);
    scenario_of(table, scenario, problem);
  } catch (const toml::parse_error& failure) {
    std::ostringstream out;
    out << failure;
    problem = out.str();
  }
  if (!problem.empty()) return error(ErrorCode::Invalid, problem);
  return scenario;
}

Result<double> figure_of(const QueueLedger& book, const std::string& figure) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  if (figure == "messages") return number(book.messages);
  if (figure == "started") return number(book.started);
  if (figure == "unstarted") return number(book.unstarted);
  if (figure == "late_share") return book.late_share();
  if (figure == "wait_p50_ms") return seconds(book.waits.quantile(0.5)) * 1e3;
  if (figure == "wait_p99_ms") return seconds(book.waits.quantile(0.99)) * 1e3;
  if (figure == "cold_starts") return number(book.cold_starts);
  if (figure == "starts") return number(book.starts);
  if (figure == "instances_peak") return number(book.instances_peak);
  if (figure == "instance_seconds") return book.instance_seconds();
  if (figure == "idle_seconds") return book.idle_seconds;
  if (figure == "busy_share") return book.busy_share();
  if (figure == "dead_lettered") return number(book.dead_lettered);
  if (figure == "expired") return number(book.expired);
  if (figure == "runs_failed") return number(book.runs_failed);
  return error(ErrorCode::Invalid, "no figure " + figure);
}

}  // namespace forewarm
