#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/id_map.h"
#include "core/model/function_memory.h"
#include "core/route/message_class.h"

namespace forewarm {

/// A mean that forgets.
struct RecentMean {
  float mean = 0;
  float weight = 0;
  /// Of it, and of a prior that has been seen `prior_weight` times.
  double shrunk(double prior, double prior_weight) const;
  void add(double value, float weight_most);
};

MeansMemory memory_of(std::span<const RecentMean> means);
/// `count` means from -`most` to `most`, none of which weighs more than a mean may.
bool could_be(const MeansMemory& memory, std::size_t count, float most);
/// Into means that are as many, each with half of what the most weighs at most: what comes is believed sooner
/// than it would have been by who learnt them.
void restore(const MeansMemory& memory, std::span<RecentMean> means);

/// The logarithm of something that messages take, learned per variant x size class x type from every run.
///
/// It is a sum. First the class's mean wherever it ran: of the type, shrunk towards that of its size, which
/// is shrunk towards that of all: n / (n + shrink) of each counts (partial pooling; Gelman and Hill 2007,
/// chapter 12). Then what the variant has beside that, and the size (and type) on the variant beside both:
/// means of what is left over, shrunk in the same way. So a class never seen on a variant is predicted from
/// the class elsewhere and the variant with other classes. All means forget.
///
/// A table for each pair would need evidence in every cell before it said anything; one mean for all cannot
/// tell a thumbnail from a film. Bounded: 17 x 8 cells, and at most 512 types x variants.
class PooledLog {
 public:
  struct Settings {
    double shrink = 2;             ///< variance within classes over that between them
    double variance_prior = 0.25;  ///< of residuals
    double deviation_least = 0.1;
    bool early_residuals =
        true;  ///< those of the first runs, whose classes were not known yet, count as well
  };
  explicit PooledLog(const Settings& settings) : settings_(settings) {}

  /// The part that each variant is taken to have before it is known; at least one. Drops what was learned of
  /// variants and types.
  void configure(const std::vector<double>& priors);

  struct Prediction {
    double log = 0;
    std::uint32_t evidence = 0;  ///< observations of the class on the variant
    double deviation = 0;        ///< standard deviation of the logarithm around the prediction

    double value() const;
  };
  /// Meaningless while known() is false.
  Prediction predict(std::uint16_t variant, MessageClass message) const;
  /// How many deviations more than predicted that was, and by which factor's logarithm: (0, 0) while too
  /// little is known to say.
  struct Surprise {
    double deviations = 0;
    double log_factor = 0;
  };
  Surprise observe(std::uint16_t variant, MessageClass message, double log);
  bool known() const { return all_.weight > 0; }
  std::size_t variants() const { return variant_size_.size(); }
  const Settings& settings() const { return settings_; }
  PooledMemory memory() const;
  /// Whether another of as many variants could have learnt it.
  static bool could_be_learnt(const PooledMemory& memory, std::size_t variants);
  /// Takes what another had learnt; `of_variants`: of the same variants, else only what configure() leaves.
  /// It could be learnt, and nothing is known here.
  void restore(const PooledMemory& memory, bool of_variants);

 private:
  using TypeKey = Id<struct TypeKeyTag>;
  static TypeKey key(std::uint16_t variant, MessageClass message);
  const RecentMean* typed(std::uint16_t variant, MessageClass message) const;
  RecentMean* typed_to_learn(std::uint16_t variant, MessageClass message);
  double anywhere(MessageClass message) const;
  void learn_deviation(const Prediction& predicted, MessageClass message, double log);
  void learn_parts(std::uint16_t variant, MessageClass message, double log);

  Settings settings_;
  RecentMean all_;
  std::array<RecentMean, kSizeClasses> size_{};
  std::vector<RecentMean> variant_;                                 ///< empty where there is one variant only
  std::vector<std::array<RecentMean, kSizeClasses>> variant_size_;  ///< one array a variant, also for one
  std::vector<double> prior_;
  IdMap<TypeKey, RecentMean> typed_;
  std::vector<TypeKey> types_;                  ///< those that it has, the oldest first
  double variance_ = settings_.variance_prior;  ///< of residuals, over all classes
  double variance_weight_ = 4;
  std::array<RecentMean, kSizeClasses> variance_of_size_{};  ///< shrunk to it
};

}  // namespace forewarm
