#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/id_map.h"
#include "base/time.h"
#include "core/model/message.h"
#include "core/model/settings.h"

namespace forewarm {

/// What tells how long a message takes, as far as the core can see it: its size, in powers of four, and what
/// its sender calls its type.
struct MessageClass {
  std::uint8_t size = 0;
  MessageTypeId type;

  friend bool operator==(const MessageClass&, const MessageClass&) = default;
};
inline constexpr std::size_t kSizeClasses = 17;
MessageClass class_of(const Message& message);

/// How long messages take, learned per variant x size class x type from every run.
///
/// The logarithm of a service time is a sum: the function's mean, the size's part, the type's within the
/// size, the variant's, and what variant and size (and type) have that the sum of them has not. Each part is
/// a mean of what the parts before it left over, forgotten by a half-life in observations, and shrunk towards
/// its prior as if that had been seen twice: n / (n + 2) of it counts (partial pooling; Gelman and Hill 2007,
/// chapter 12). So a class never seen on a variant is predicted from the class elsewhere and the variant with
/// other classes. The prior of a variant is speed in proportion to memory, as Lambda gives processor shares.
///
/// A table for each pair would need evidence in every cell before it said anything; one mean for all cannot
/// tell a thumbnail from a film. Bounded: 17 x 8 cells, and at most 512 types x variants.
class ServiceModel {
 public:
  /// Drops what it learned of variants if their memory sizes change.
  void configure(const std::vector<FunctionVariant>& variants);

  struct Prediction {
    double log_seconds = 0;
    std::uint32_t evidence = 0;  ///< runs of the class on the variant
    double deviation = 0;        ///< standard deviation of the logarithm around the prediction

    double seconds() const;
  };
  /// Seconds are meaningless while known() is false.
  Prediction predict(std::uint16_t variant, MessageClass message) const;
  /// A message of this class took so long on an instance of this variant. Returns how many deviations longer
  /// than predicted that was, and by which factor's logarithm: (0, 0) while too little is known to say.
  struct Surprise {
    double deviations = 0;
    double log_factor = 0;
  };
  Surprise observe(std::uint16_t variant, MessageClass message, Duration service);
  /// A run of such a message on the variant ended with its process, or did not: what it needs is more than
  /// the variant has, if that happens often enough.
  void observe_end(std::uint16_t variant, MessageClass message, bool crashed);
  bool outgrows(std::uint16_t variant, MessageClass message) const;
  bool known() const { return all_.weight > 0; }
  std::size_t variants() const { return variant_.size(); }

 private:
  /// A mean of residuals that forgets.
  struct Part {
    float mean = 0;
    float weight = 0;
    double shrunk(double prior = 0, double prior_weight = 2) const;
    void add(double residual, float weight_most);
  };
  using TypeKey = Id<struct TypeKeyTag>;
  static TypeKey key(std::uint16_t variant, MessageClass message);
  const Part* typed(std::uint16_t variant, MessageClass message) const;

  Part all_;
  std::array<Part, kSizeClasses> size_{};
  std::vector<Part> variant_;                                 ///< empty where there is one variant only
  std::vector<std::array<Part, kSizeClasses>> variant_size_;  ///< one array a variant, also for one
  std::vector<std::array<Part, kSizeClasses>> crashes_;       ///< means of 0 and 1; empty for one variant
  std::vector<double> prior_;
  std::vector<std::uint64_t> memory_;
  IdMap<TypeKey, Part> typed_;
  double variance_ = 0.25;  ///< of residuals, over all classes
  double variance_weight_ = 4;
  std::array<Part, kSizeClasses> variance_of_size_{};  ///< shrunk to it
};

}  // namespace forewarm
