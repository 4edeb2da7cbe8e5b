#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

class SignalSource;
struct PlanWindow;

/// One [[signal]]: an external series that may help to forecast queues. Which of the fields count depends on
/// `source`.
struct SignalConfig {
  std::string name;
  std::string source = "push";
  std::string kind = "level";
  bool future_known = false;
  Duration hold = 1h;
  std::vector<std::string> queues;
  bool upstream = false;
  double minimum = -1e15;
  double maximum = 1e15;
  // Pushed, polled, or in JSON lines: where in a document
  std::string items;
  std::string value = "/value";
  std::string time = "/time";
  // Polled
  std::string url;
  std::string query;
  std::map<std::string, std::string> headers;
  std::string bearer_token_file;
  Duration every = Duration(0);
  Duration timeout = 10s;
  // In a file
  std::string path;
  std::string format = "jsonl";
  std::string value_column = "value";
  std::string time_column = "time";
  // Planned
  std::string filter;
  std::string expression;
  std::string time_zone = "UTC";
  Duration length = 1min;

  bool counts() const { return kind == "count"; }
  bool planned() const { return source == "calendar" || source == "cron"; }
  /// Whether values of times to come are to be believed.
  bool knows_future() const { return future_known || planned(); }

  friend bool operator==(const SignalConfig&, const SignalConfig&) = default;
};

/// More would make fits slow, and each has a thread.
inline constexpr std::size_t kSignalsMax = 64;

/// What is wrong with `signal`, beside `earlier` ones: a sentence that goes on from "[[signal]] ". Empty if
/// nothing is.
std::string check_signal(const std::vector<SignalConfig>& earlier, const SignalConfig& signal);
/// What reads a signal that passed check_signal(); null for one that is pushed.
std::unique_ptr<SignalSource> make_signal_source(const SignalConfig& signal, const PlanWindow& window);

}  // namespace forewarm
