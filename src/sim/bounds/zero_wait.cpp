#include "sim/bounds/zero_wait.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <vector>

namespace forewarm {

ZeroWait zero_wait_optimum(const BoundProblem& problem) {
  ZeroWait result;
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;
  std::vector<double>
      free_since;  // by level, from the lowest; of those that are not at work the last is first
  std::size_t at_work = 0;
  const auto release_until = [&](double now) {
    while (!ends.empty() && ends.top() <= now) {
      free_since[--at_work] = ends.top();
      ends.pop();
    }
  };
  for (const Job& job : problem.jobs) {
    const double end = std::min(job.at + job.service, problem.to);
    if (job.at >= problem.to) break;
    if (end <= problem.from) continue;
    const double begin = std::max(job.at, problem.from);
    release_until(begin);
    // A level that was not used yet in the window may have been up since its beginning.
    if (at_work == free_since.size()) free_since.push_back(problem.from);
    const double gap = begin - free_since[at_work];
    result.instance_seconds += std::min(gap, problem.start_seconds) + (end - begin);
    if (gap > problem.start_seconds) ++result.starts;
    ++at_work;
    result.peak = std::max(result.peak, static_cast<std::uint32_t>(at_work));
    ends.push(end);
  }
  return result;
}

}  // namespace forewarm
