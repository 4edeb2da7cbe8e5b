#include "edge/cloud/settlement_batches.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kShareFor{10};
constexpr std::uint32_t kEntryTries = 3;

TimePoint wall_clock_now() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace

void SettlementBatches::acknowledge(const std::string& token, PolledEngine::Taken taken) {
  acknowledgements_.push_back({token, Duration(0), std::move(taken), {}, Clock::now()});
}

void SettlementBatches::release(const std::string& token, Duration delay, PolledEngine::Taken taken) {
  // An extension that waits would come after it.
  std::erase_if(changes_, [&](const Entry& entry) { return entry.token == token; });
  changes_.push_back({token, delay, std::move(taken), {}, Clock::now()});
}

void SettlementBatches::extend(const std::string& token, Duration lease, Extended extended) {
  changes_.push_back({token, lease, {}, std::move(extended), Clock::now()});
}

SettlementBatches::Clock::time_point SettlementBatches::due() const {
  auto first = Clock::time_point::max();
  for (const Entries* entries : {&acknowledgements_, &changes_}) {
    if (!entries->empty()) first = std::min(first, entries->front().since + kShareFor);
  }
  return first;
}

void SettlementBatches::flush(Clock::time_point now) {
  flush(acknowledgements_, true, now);
  flush(changes_, false, now);
}

void SettlementBatches::flush(Entries& entries, bool acknowledging, Clock::time_point now) {
  const std::size_t most = engine_.limits().batch_max;
  while (!entries.empty() && (entries.size() >= most || now >= entries.front().since + kShareFor)) {
    std::vector<Entry> batch;
    while (!entries.empty() && batch.size() < most) {
      batch.push_back(std::move(entries.front()));
      entries.pop_front();
    }
    send(std::move(batch), acknowledging);
  }
}

void SettlementBatches::send(std::vector<Entry> batch, bool acknowledging) {
  ++under_way_;
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, Duration>> leases;
  for (Entry& entry : batch) {
    ++entry.tries;
    if (acknowledging) {
      tokens.push_back(entry.token);
    } else {
      leases.emplace_back(entry.token, entry.lease);
    }
  }
  const auto asked = Clock::now();
  const auto asked_wall = wall_clock_now();
  const auto done = [this, acknowledging, asked, asked_wall,
                     shared = std::make_shared<std::vector<Entry>>(std::move(batch))](
                        const std::vector<Result<void>>& taken) {
    --under_way_;
    for (std::size_t i = 0; i < shared->size() && i < taken.size(); ++i) {
      if (taken[i] && (*shared)[i].extended) (*shared)[i].extended(asked, asked_wall);
    }
    answered(*shared, acknowledging, taken);
  };
  if (acknowledging) {
    engine_.acknowledge(tokens, done);
  } else {
    engine_.change_leases(leases, done);
  }
}

void SettlementBatches::answered(std::vector<Entry>& batch, bool acknowledging,
                                 const std::vector<Result<void>>& taken) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Entry& entry = batch[i];
    const Result<void> result =
        i < taken.size() ? taken[i] : error(ErrorCode::Corrupt, "the engine did not answer for this one");
    // An answer that is garbled is of a request that may have been done; to be done twice is nothing more.
    const bool again = !result && (may_pass(result.error()) || result.error().code == ErrorCode::Corrupt);
    if (again && entry.tries < kEntryTries) {
      entry.since = Clock::now();
      (acknowledging ? acknowledgements_ : changes_).push_back(std::move(entry));
    } else if (entry.taken) {
      entry.taken(result);
    }
  }
}

}  // namespace forewarm
