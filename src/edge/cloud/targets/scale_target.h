#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace forewarm {

class LevelSchedule;

/// What a target is set to.
struct TargetState {
  std::optional<std::uint32_t> set;       ///< none: nothing is set there
  std::optional<std::uint32_t> ready;     ///< instances that can work now, where it says so
  std::optional<std::uint32_t> most{};    ///< that it takes as it is set up now; none: it does not say
  std::optional<std::uint32_t> beside{};  ///< another number that set() may change too; none: there is none

  friend bool operator==(const TargetState&, const TargetState&) = default;
};

/// Something elsewhere that has as many instances as it is told. current() and set() wait for the other side
/// and are called by one thread; request_text() by any.
class ScaleTarget {
 public:
  virtual ~ScaleTarget() = default;

  /// False: it takes numbers and never says what it has.
  virtual bool readable() const { return true; }
  /// Invalid or NotFound for what the other side refuses, Exhausted for what it may take later, Io where
  /// there is no answer; with the other side's words.
  virtual Result<TargetState> current(const std::stop_token& stop) = 0;
  /// The same number again changes nothing. None: that nothing is set, as it may have been found.
  virtual Result<void> set(std::optional<std::uint32_t> instances, const std::stop_token& stop) = 0;
  /// As it was found, with what was beside.
  virtual Result<void> put_back(const TargetState& found, const std::stop_token& stop) {
    return set(found.set, stop);
  }
  /// What set() sends, for people: no secrets.
  virtual std::string request_text(std::optional<std::uint32_t> instances) const = 0;
  virtual std::string put_back_text(const TargetState& found) const { return request_text(found.set); }
  /// Where it keeps numbers for times to come; null: it takes only what is to be set at once. A part of this.
  virtual LevelSchedule* schedule() { return nullptr; }
};

}  // namespace forewarm
