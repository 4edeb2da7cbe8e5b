#pragma once

#include <string>
#include <vector>

#include "scaling/lab.h"
#include "scaling/verdict.h"

namespace forewarm::bench {

/// What is to be run.
struct Options {
  std::string folder;
  std::vector<std::string> traces, starts;  ///< empty: all
  std::size_t queues = 24;
  bool by_queue = false;
};

/// Runs every policy over every course, prints a row for each, and in the end how the bars were met.
class Laboratory {
 public:
  /// `starts`: the start models, by the name that is asked for.
  Laboratory(Options options, std::vector<StartModel> starts)
      : options_(std::move(options)), starts_(std::move(starts)) {}

  void run();

 private:
  /// Our policy under one objective, and with forecasts that cannot be wrong.
  struct Ours {
    Objective objective;
    Books own, clairvoyant;
  };
  /// All that is compared at one slack.
  struct Contest {
    const Course& course;
    const StartModel& start;
    const std::vector<std::string>& grid;
    std::vector<const Books*> theirs;  ///< as the grid
    const std::vector<double>& loss;   ///< by queue (loss_against_clim)
    std::vector<Ours> ours;            ///< by late share
  };

  bool asked(const std::string& trace) const;
  bool asked_start(const std::string& start) const;
  void spoil(const Course& course);
  void take(const Course& course);
  void compare(const Contest& contest, const Ours& ours);
  void print_by_queue(const Contest& contest, const Ours& ours, const std::vector<double>& bounds,
                      const std::vector<std::size_t>& chosen) const;

  Options options_;
  std::vector<StartModel> starts_;
  std::vector<Outcome> outcomes_;
  std::vector<RunOutcome> runs_;
  std::vector<double> spoilt_;
};

}  // namespace forewarm::bench
