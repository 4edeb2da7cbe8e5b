#include "edge/observe/snapshot.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace forewarm {
namespace {

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (!file) return 0;
  unsigned long long total = 0, resident = 0;
  const int read = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::uint32_t open_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (!directory) return 0;
  std::uint32_t entries = 0;
  while (readdir(directory)) ++entries;
  closedir(directory);
  constexpr std::uint32_t kNotOurs = 3;  // "." and ".." and the directory's own
  return entries > kNotOurs ? entries - kNotOurs : 0;
}

Duration duration(const timeval& value) {
  return std::chrono::seconds(value.tv_sec) + std::chrono::microseconds(value.tv_usec);
}

}  // namespace

ForecastBand forecast_band(const ModelForecast& forecast, TimePoint from) {
  constexpr std::size_t kLevel5 = 1, kLevel25 = 3, kLevel50 = 4, kLevel75 = 5, kLevel95 = 7;
  static_assert(kForecastLevels[kLevel5] == 0.05 && kForecastLevels[kLevel95] == 0.95);
  const Forecast& all = forecast.forecast;
  ForecastBand band;
  band.model = forecast.model;
  band.step = all.step;
  band.start = all.start;
  for (std::size_t h = 0; h < all.horizon(); ++h) {
    if (band.empty()) band.start = all.start + static_cast<Duration::rep>(h) * all.step;
    if (band.empty() && band.start + all.step <= from) continue;
    band.p5.push_back(all.at(h, kLevel5));
    band.p25.push_back(all.at(h, kLevel25));
    band.p50.push_back(all.at(h, kLevel50));
    band.p75.push_back(all.at(h, kLevel75));
    band.p95.push_back(all.at(h, kLevel95));
  }
  return band;
}

ProcessSnapshot read_process() {
  ProcessSnapshot process;
  process.memory_bytes = resident_bytes();
  process.open_descriptors = open_descriptors();
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    process.cpu_time = duration(usage.ru_utime) + duration(usage.ru_stime);
  return process;
}

}  // namespace forewarm
