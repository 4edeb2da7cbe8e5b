#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forewarm {

/// The values of a series, newest last, with sums that make the mean of any window cheap, in 6 bytes a value.
/// Values are made safe on the way in: below zero is zero, infinite is not measured (NaN), above 1e15 is
/// 1e15.
class ValueHistory {
 public:
  static constexpr std::size_t kLengthMax = 65'536;
  static constexpr std::size_t kStoredMax = kLengthMax + kLengthMax / 2;

  /// Takes the newest kLengthMax values.
  void assign(std::span<const float> values);
  /// Adds a value. Once too long by half, the oldest third is forgotten: constant time in the mean.
  void push(float value);

  std::size_t size() const { return values_.size(); }
  std::size_t measured() const { return static_cast<std::size_t>(before(size()).count); }
  bool measured_at(std::size_t at) const { return values_[at] == values_[at]; }
  double operator[](std::size_t at) const { return values_[at]; }
  std::span<const float> values() const { return values_; }
  /// Mean of the measured values in [from, to); 0 when there is none.
  double mean(std::size_t from, std::size_t to) const;

  static void fields(auto& history, auto& archive) { archive(history.values_); }
  /// After loading: sums up anew. False when these values cannot be a history's.
  bool settle();

 private:
  static constexpr std::size_t kBlock = 8;
  struct Sums {
    double value = 0;
    double count = 0;
  };
  /// Over the values before `at`.
  Sums before(std::size_t at) const;
  void append(float value);

  std::vector<float> values_;
  std::vector<Sums> sums_;  ///< [i]: over the values before kBlock * i
};

/// Correlation of a step's surprise with the next one's: of the square roots of values less those a `season`
/// before, or less the mean where `season` is 0. From 0 to 0.95.
double surprise_persistence(const ValueHistory& history, std::uint32_t season);

}  // namespace forewarm
