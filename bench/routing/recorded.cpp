#include <algorithm>
#include <filesystem>
#include <map>

#include "base/random.h"
#include "edge/trace/csv.h"
#include "edge/trace/gzip.h"
#include "routing/cases.h"
#include "routing/ours.h"
#include "routing/peers.h"
#include "routing/rows.h"

namespace forewarm::bench {
namespace {

constexpr double kLoad = 0.9;  ///< of the instances, over the scored part
constexpr std::uint32_t kInstances = 16;
constexpr double kMeanSeconds = 2;  ///< of a message: recorded are hours, which no queue orders by priority
constexpr double kServiceMostShare =
    0.02;  ///< of the recorded time: longer ones are cut, or one would be all

struct Columns {
  std::size_t time = kNoColumn, duration = kNoColumn, priority = kNoColumn, tenant = kNoColumn,
              bytes = kNoColumn;
};

/// Kubernetes' quality-of-service classes, latency-sensitive ones first.
Priority priority_of(std::string_view qos) {
  if (qos == "LS" || qos == "Guaranteed") return 8;
  if (qos == "Burstable") return 4;
  return qos == "BE" ? Priority{1} : kPriorityDefault;
}

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 1;
  for (const char c : text) hash = mix_bits(hash + static_cast<unsigned char>(c));
  return hash == 0 ? 1 : hash;
}

Result<std::vector<Arrival>> read_arrivals(const std::string& path) {
  std::vector<Arrival> arrivals;
  Columns columns;
  bool header = true;
  CsvReader reader(path, [&](const CsvRow& row) -> Result<void> {
    if (std::exchange(header, false)) {
      columns = {find_column(row, "timestamp_s"), find_column(row, "duration_ms"),
                 find_column(row, "priority"), find_column(row, "tenant"), find_column(row, "bytes")};
      if (columns.time == kNoColumn || columns.duration == kNoColumn)
        return error(ErrorCode::Invalid, path + ": expected columns timestamp_s and duration_ms");
      return {};
    }
    const auto field = [&](std::size_t column) {
      return column < row.fields.size() ? row.fields[column] : std::string_view();
    };
    const auto at = finite_number(field(columns.time)), takes = finite_number(field(columns.duration));
    if (!at || !takes || *takes <= 0) return {};
    Arrival arrival{.at = from_seconds(*at), .service_time = from_seconds(*takes / 1000)};
    if (const auto bytes = finite_number(field(columns.bytes)))
      arrival.bytes = static_cast<std::uint32_t>(*bytes);
    arrival.priority = priority_of(field(columns.priority));
    if (const std::string_view tenant = field(columns.tenant); !tenant.empty())
      arrival.tenant = TenantId(hash_of(tenant));
    arrivals.push_back(arrival);
    return {};
  });
  auto read = read_file_pieces(path, [&](std::string_view bytes) { return reader.feed(bytes); });
  if (read) read = reader.finish();
  if (!read) return std::unexpected(read.error());
  std::ranges::stable_sort(arrivals, {}, &Arrival::at);
  return arrivals;
}

/// The design's or the score's part, from 0 on. Service times are cut to a share of the time and scaled to
/// the load: what is left of the recording is who comes when, and how unequal the messages are.
std::vector<Arrival> part_of(std::vector<Arrival> arrivals, bool design) {
  const std::size_t cut = arrivals.size() * 6 / 10;
  arrivals = design
                 ? std::vector<Arrival>(arrivals.begin(), arrivals.begin() + static_cast<std::ptrdiff_t>(cut))
                 : std::vector<Arrival>(arrivals.begin() + static_cast<std::ptrdiff_t>(cut), arrivals.end());
  const Duration begin = arrivals.front().at;
  const double length = std::max(1.0, seconds(arrivals.back().at - begin));
  double work = 0;
  for (const Arrival& arrival : arrivals)
    work += std::min(seconds(arrival.service_time), kServiceMostShare * length);
  const double scale = kMeanSeconds * static_cast<double>(arrivals.size()) / work;
  const double faster = length * kLoad * kInstances / (work * scale);
  for (Arrival& arrival : arrivals) {
    arrival.at = from_seconds(seconds(arrival.at - begin) / faster);
    arrival.service_time =
        from_seconds(std::min(seconds(arrival.service_time), kServiceMostShare * length) * scale);
  }
  return arrivals;
}

void add_tenants(boost::json::object& row, const std::vector<Served>& served) {
  std::map<TenantId, std::vector<double>> slowdowns;
  for (const Served& one : served)
    if (one.done()) slowdowns[one.tenant].push_back(one.slowdown());
  if (slowdowns.size() < 2) return;
  std::vector<double> means;
  for (const auto& [tenant, all] : slowdowns) {
    double sum = 0;
    for (const double slowdown : all) sum += slowdown;
    means.push_back(static_cast<double>(all.size()) / sum);  // speed, as the tenant sees it
  }
  row["tenants"] = slowdowns.size();
  row["jain_of_tenants_speed"] = jain(means);
}

void print_policy(const std::string& name, const std::string& policy, const std::vector<Served>& served) {
  boost::json::object row = row_of(name, policy, served);
  double busy = 0;
  Duration end = 1s;
  for (const Served& one : served) {
    if (!one.done()) continue;
    busy += seconds(one.end - one.start);
    end = std::max(end, one.end);
  }
  row["utilisation"] = busy / (kInstances * seconds(end));
  add_classes(row, served);
  add_tenants(row, served);
  print(row);
}

}  // namespace

std::string run_recorded_cases(const std::string& folder, bool design, std::uint64_t seed) {
  for (const char* name : {"alibaba_gpu2023_pods", "alibaba_gentd26"}) {
    const std::string path = folder + "/" + name + "/messages.csv.gz";
    if (!std::filesystem::exists(path)) continue;
    Result<std::vector<Arrival>> read = read_arrivals(path);
    if (!read) return read.error().message;
    if (read->size() < 10) return path + ": expected messages with durations, found hardly any";
    const std::vector<Arrival> arrivals = part_of(std::move(*read), design);
    OurOptions options{.instances = kInstances, .objective = 10s, .seed = seed};
    print_policy(name, "forewarm", run_ours(arrivals, options, Duration(0), Duration::max()).served);
    options.classes = false;
    print_policy(name, "fifo", run_ours(arrivals, options, Duration(0), Duration::max()).served);
    const PeerOptions turns{.policy = PeerPolicy::RoundRobin,
                            .variants = std::vector<std::uint16_t>(kInstances, 0),
                            .work_time = [](const SimulatedWork& work) { return work.service_time; },
                            .seed = seed};
    std::vector<Served> theirs = run_peer(arrivals, turns);
    for (Served& one : theirs) one.objective = options.objective;
    print_policy(name, "round_robin", theirs);
  }
  return "";
}

}  // namespace forewarm::bench
