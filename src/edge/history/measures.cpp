#include "edge/history/measures.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/math.h"

namespace forewarm {
namespace {

constexpr double kLogGrowth = 0.09531017980432487;  // log(1.1)

/// What is not measured adds nothing, and is left only where nothing was measured at all.
void add_to(double& sum, double value) {
  if (std::isnan(sum))
    sum = value;
  else if (!std::isnan(value))
    sum += value;
}

}  // namespace

void ServiceTimes::observe(Duration service_time, double count) {
  const double ms = static_cast<double>(service_time.count()) * 1e-3;
  const int bucket =
      ms <= 0.01
          ? kLeast
          : std::clamp(static_cast<int>(std::ceil(forewarm::log(ms) / kLogGrowth - 1e-9)), kLeast, kMost);
  add(bucket, count);
}

void ServiceTimes::add(int bucket, double count) {
  const auto at = std::ranges::lower_bound(counts_, bucket, {}, &std::pair<int, double>::first);
  if (at != counts_.end() && at->first == bucket)
    at->second += count;
  else
    counts_.insert(at, {bucket, count});
}

void ServiceTimes::add(const ServiceTimes& other) {
  for (const auto& [bucket, count] : other.counts_) add(bucket, count);
}

void ServiceTimes::scale(double factor) {
  for (auto& [bucket, count] : counts_) count *= factor;
}

double ServiceTimes::count() const {
  double sum = 0;
  for (const auto& [bucket, count] : counts_) sum += count;
  return sum;
}

Duration ServiceTimes::quantile(double level) const {
  const double rank = level * count();
  double sum = 0;
  for (const auto& [bucket, count] : counts_) {
    sum += count;
    if (sum >= rank) return from_seconds(1e-3 * forewarm::exp(bucket * kLogGrowth));
  }
  return Duration(0);
}

std::vector<WeightedValue> ServiceTimes::sample() const {
  std::vector<WeightedValue> sample;
  sample.reserve(counts_.size());
  for (const auto& [bucket, count] : counts_)
    sample.push_back({1e-3 * forewarm::exp((bucket - 0.5) * kLogGrowth), count});
  return sample;
}

std::string ServiceTimes::text() const {
  if (counts_.empty()) return {};
  std::string text = "{";
  char buffer[32];
  for (const auto& [bucket, count] : counts_) {
    if (text.size() > 1) text += ',';
    text += '"' + std::to_string(bucket) + "\":";
    text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, count).ptr);
  }
  return text + "}";
}

Result<ServiceTimes> ServiceTimes::parse(std::string_view text) {
  ServiceTimes read;
  if (text.empty()) return read;
  const auto wrong = [&](std::size_t at) {
    return error(ErrorCode::Invalid,
                 "expected service times such as {\"27\":3}, a bucket and its count, but at byte " +
                     std::to_string(at + 1) + " came something else");
  };
  std::size_t at = 0;
  const auto skip = [&](char expected) {
    const bool there = at < text.size() && text[at] == expected;
    if (there) ++at;
    return there;
  };
  const auto number = [&](auto& value) {
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    at = static_cast<std::size_t>(end - text.data());
    return code == std::errc();
  };
  if (!skip('{')) return wrong(at);
  int last = kLeast - 1;
  do {
    int bucket = 0;
    double count = 0;
    if (!skip('"') || !number(bucket) || !skip('"') || !skip(':') || !number(count)) return wrong(at);
    if (bucket <= last || bucket > kMost || !(count > 0) || !std::isfinite(count)) return wrong(at);
    read.counts_.emplace_back(last = bucket, count);
  } while (skip(','));
  if (!skip('}') || at != text.size()) return wrong(at);
  return read;
}

template <class M>
void Joining<M>::add(const M& part, std::int64_t length_ms) {
  std::vector<const double*> values;
  double count = 1;  // values of a signal that this part and the sum hold
  double sum_count = 0;
  if constexpr (std::same_as<M, SignalMeasures>) {
    count = part.count;
    sum_count = sum_.count;
  }
  describe(
      [&](std::string_view, Joined, const auto& value) {
        if constexpr (std::same_as<std::decay_t<decltype(value)>, double>) values.push_back(&value);
      },
      part);
  std::size_t next = 0;
  describe(
      [&](std::string_view, Joined joined, auto& sum) {
        if constexpr (std::same_as<std::decay_t<decltype(sum)>, ServiceTimes>) {
          if constexpr (std::same_as<M, QueueMeasures>) sum.add(part.service_times);
        } else {
          const double value = *values[next++];
          switch (joined) {
            case Joined::Sum:
            case Joined::Count:
              if (first_)
                sum = value;
              else
                add_to(sum, value);
              break;
            case Joined::Mean:
              add_to(sum, value * static_cast<double>(length_ms));
              break;
            case Joined::MeanOfValues:
              if (count > 0) sum = (sum * sum_count + value * count) / (sum_count + count);
              break;
            case Joined::Least:
              sum = first_ ? value : std::min(sum, value);
              break;
            case Joined::Most:
              sum = first_ ? value : std::max(sum, value);
              break;
            case Joined::Last:
              sum = value;
              break;
          }
        }
      },
      sum_);
  first_ = false;
}

template <class M>
M Joining<M>::whole(std::int64_t length_ms, std::int64_t measured_ms) const {
  M whole = sum_;
  const double measured = static_cast<double>(std::max<std::int64_t>(measured_ms, 1));
  const double scale = static_cast<double>(length_ms) / measured;
  describe(
      [&](std::string_view, Joined joined, auto& value) {
        if constexpr (std::same_as<std::decay_t<decltype(value)>, ServiceTimes>) {
          if (measured_ms < length_ms) value.scale(scale);
        } else if (joined == Joined::Sum && measured_ms < length_ms) {
          value *= scale;
        } else if (joined == Joined::Mean) {
          value /= measured;
        }
      },
      whole);
  return whole;
}

template class Joining<QueueMeasures>;
template class Joining<FunctionMeasures>;
template class Joining<SignalMeasures>;

}  // namespace forewarm
