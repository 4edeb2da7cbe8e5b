// How much of what perfect foresight would save the scaler does save, on recorded traces.
//
//   ./dev bench scaling DIR [--trace NAME]... [--start NAME]... [--queues N] [--by-queue]
//
// DIR has folders of traces (docs/formats/trace.md). Of each, N queues of every volume are taken (24), no
// gauges and none of more than 2,000,000 messages, since it is run hundreds of times. Two more are made:
// "unpredictable", queues that nobody can foresee, and "spoilt", one whose forecasts are good while it learns
// and stale, inverted or ten times too high for the day that is scored. The first 70 % of each trace's time
// are for learning: there the best of the other autoscalers, over a grid of their settings, is chosen for
// each queue, as is whether a queue is predictable. The rest is scored. JSON on standard output, an object a
// line: a row for each trace, start model, objective and policy, then one with the bars: name, value, bar,
// met, and of how many values.
//
// Instances take as long to start as is recorded under DIR (scaling/start_times.h), else by a fit;
// start_times in a row says which.
//
// Our row says how it compares with the best tuned baseline of each queue, all queues summed:
// instance_seconds_ratio and late_share_difference, each with the 95 % interval of a paired bootstrap of
// 2,000 resamples over blocks of block_seconds: days; hours where fewer than 5 days are scored; 10 minutes
// where fewer than 5 hours are, which is little more than an instance is kept, so that those intervals are
// too narrow. A queue that is later than its objective allows, and than the baseline, has saved nothing:
// instance_seconds_ratio_without_them counts queues_paid_in_lateness at no less than the baseline's cost, and
// so do the bars. And how the objective held as a contract by the day: queue_days of queues with >= 1,000
// messages, counted from when the scored part begins (a shorter part is one day); queue_days_kept, those with
// no more late messages than the 95 % upper bound of a binomial at 1.2 times the late share; and the worst.
//
// Of the bars, four need a word. The worst queue-day is (late + 1) / (allowed + 1). Fewer late messages at
// equal instance-seconds: our policy is run at late shares of 0.1, 1 and 5 %; between these, log late share
// over instance-seconds, is our late share at the baseline's cost; nothing is said where the baseline costs
// less than our cheapest or more than our dearest, or is never late. Direction changes are how often a
// queue's number of instances, starting ones counted, turns from rising to falling or back, beside KEDA's
// HPA with its `behavior`. Starts are beside the same policy with clairvoyant forecasts: the trace's own
// counts of the steps to come, at every level.

#include <cstdlib>
#include <iostream>

#include "scaling/laboratory.h"
#include "scaling/start_times.h"

int main(int count, char** words) {
  forewarm::bench::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool more = i + 1 < count;
    if (word == "--trace" && more)
      options.traces.emplace_back(words[++i]);
    else if (word == "--start" && more)
      options.starts.emplace_back(words[++i]);
    else if (word == "--queues" && more)
      options.queues = std::max<std::size_t>(1, std::strtoull(words[++i], nullptr, 10));
    else if (word == "--by-queue")
      options.by_queue = true;
    else if (options.folder.empty() && !word.starts_with("-"))
      options.folder = word;
    else
      options.folder.clear();
  }
  if (options.folder.empty()) {
    std::cerr << "usage: bench_scaling DIR [--trace NAME]... [--start lambda|functions|pod|model]... "
                 "[--queues N] [--by-queue]\n"
                 "DIR has folders of traces, for example azure_functions_2019_8h\n";
    return 2;
  }
  forewarm::Result<std::vector<forewarm::bench::StartModel>> starts =
      forewarm::bench::start_models(options.folder);
  if (!starts) {
    std::cerr << starts.error().message << "\n";
    return 1;
  }
  forewarm::bench::Laboratory(std::move(options), std::move(*starts)).run();
}
