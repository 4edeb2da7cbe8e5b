#include "edge/store/row_walk.h"

#include <algorithm>

namespace forewarm {

Result<void> RowWalk::visit(IdRange range,
                            const std::function<Result<void>(const sqlite::Statement&)>& take) {
  sqlite::Statement scan;
  if (scan.prepare(connection_, sql_.c_str()) != sqlite::kOk) {
    give_up(range);
    return {};
  }
  std::vector<IdRange> left{range};  // the next one last
  int failures = 0;
  while (!left.empty()) {
    IdRange now = left.back();
    left.pop_back();
    if (failures >= kFailuresMax) {
      give_up(now);
      continue;
    }
    scan.bind(1, now.first).bind(2, now.last);
    while (scan.next()) {
      now.first = std::max(now.first, scan.unsigned_integer(0) + 1);
      if (auto taken = take(scan); !taken) return taken;
    }
    if (scan.code() == sqlite::kOk || now.first > now.last) continue;
    ++failures;
    if (now.first == now.last) {
      give_up(now);
      continue;
    }
    const std::uint64_t middle = now.first + (now.last - now.first) / 2;
    left.push_back({middle + 1, now.last});
    left.push_back({now.first, middle});
  }
  return {};
}

void RowWalk::give_up(IdRange range) {
  if (!unreadable_.empty() && unreadable_.back().last + 1 == range.first)
    unreadable_.back().last = range.last;
  else
    unreadable_.push_back(range);
}

}  // namespace forewarm
