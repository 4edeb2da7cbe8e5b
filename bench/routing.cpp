// Which instance takes which message, and in which order: forewarm's core in the simulated world beside how
// others spread messages over the same instances.
//
//   ./dev bench routing [DIR] [--design] [--seed N]
//
// Made messages first (routing/made.cpp): two variants and bimodal sizes at equal memory; one instance of
// eight slowed ten times; a noisy neighbour; priority classes under overload. With DIR, recorded messages
// with priorities and tenants from DIR/alibaba_gpu2023_pods and DIR/alibaba_gentd26 (docs/formats/trace.md),
// beside FIFO and round-robin: who came when, and how long each took beside the others; all scaled to a load
// of 0.9.
//
// JSON on standard output, an object a line: a row for each case and policy, and one for each bar with its
// value, the bar, and whether it is met. Seconds. "wait" is until the first start, "response" until the end,
// "slowdown" response / service time, "lateness" what the wait is above the objective. Settings were chosen
// with --design (another seed, and the first 60 % of the recordings); without it the rest is scored. Exit
// status 1 if a bar is missed.

#include <cstdlib>
#include <iostream>
#include <string>

#include "base/random.h"
#include "routing/cases.h"

int main(int count, char** words) {
  std::string folder;
  bool design = false;
  std::uint64_t seed = 1;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--design") {
      design = true;
    } else if (word == "--seed" && i + 1 < count) {
      seed = std::strtoull(words[++i], nullptr, 10);
    } else if (folder.empty() && !word.starts_with("-")) {
      folder = word;
    } else {
      std::cerr << "usage: bench_routing [DIR] [--design] [--seed N]\n"
                   "DIR has folders of traces with priorities or tenants, for example alibaba_gentd26\n";
      return 2;
    }
  }
  seed = forewarm::mix_bits(seed * 2 + (design ? 1 : 0));
  const bool met = forewarm::bench::run_made_cases(seed);
  if (!folder.empty()) {
    if (const std::string wrong = forewarm::bench::run_recorded_cases(folder, design, seed); !wrong.empty()) {
      std::cerr << wrong << "\n";
      return 1;
    }
  }
  return met ? 0 : 1;
}
