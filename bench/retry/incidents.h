#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/arrivals.h"
#include "sim/simulated_world.h"

namespace forewarm {

enum class IncidentKind : std::uint8_t { Outage, PartOutage, Poison, PoisonBatch, Degradation, BadDeploy };
inline constexpr std::size_t kIncidentKinds = 6;
std::string_view name_of(IncidentKind kind);

/// What a message's attempt at a time meets, with the truth that no policy sees.
struct Fate {
  std::optional<IncidentFailure> failure;
  bool doomed = false;  ///< it could not have succeeded at that time
};

/// What the attempts of a message have shown of it.
struct Shown {
  std::uint64_t failed_with = 0;  ///< the last failure's fingerprint; 0: none yet
  bool during = false;            ///< it was tried while the incident lasted
};

/// One seeded story: traffic, everyday errors, and an incident with drawn parameters.
class Incident {
 public:
  Incident(IncidentKind kind, std::uint64_t seed);

  SimulationOptions world(std::uint16_t attempts_max) const;
  /// Adds a signal that says how what the function needs is doing: asked every ten seconds, it is up to half
  /// a minute behind, and wrong once in a hundred times.
  void tell_upstream(SimulationOptions& world) const;
  const std::vector<Arrival>& arrivals() const { return arrivals_; }
  /// Time in the simulation's own, which starts at 0.
  Fate fate(MessageId message, TimePoint now) const;
  /// Probability that the attempt fails, for one who knows the incident: every share, when it begins and
  /// ends, and what the message has shown, but not what is drawn for it. Nothing that can be observed says
  /// more.
  double odds_at_best(MessageId message, TimePoint now, const Shown& shown) const;
  bool poison(MessageId message) const;
  TimePoint begins() const { return begins_; }
  TimePoint ends() const { return ends_; }
  IncidentKind kind() const { return kind_; }

  static constexpr QueueId kQueue{1};
  static constexpr QueueId kDeadLetters{2};

 private:
  const Arrival& arrival(MessageId message) const { return arrivals_[message.value() - 1]; }
  Random of(MessageId message, std::uint64_t about) const;
  bool hit(MessageId message) const;
  bool of_batch(const Arrival& arrived) const;
  double poison_share(const Arrival& arrived) const;

  IncidentKind kind_;
  std::uint64_t seed_;
  std::vector<Arrival> arrivals_;
  TimePoint begins_, ends_;
  double everyday_ = 0;        ///< share of attempts that fail and would not fail again
  double poison_ = 0;          ///< share of messages of one tenant that never succeed
  double hit_ = 1;             ///< share of messages that use what is out
  double worst_ = 0;           ///< of a degradation: share of attempts that fail at its end
  bool times_out_ = false;     ///< what is out is waited for, and does not refuse
  std::uint64_t poisons_ = 1;  ///< kinds of poison
};

}  // namespace forewarm
