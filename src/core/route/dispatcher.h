#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/route/pool.h"
#include "core/route/service_model.h"

namespace forewarm {

/// A message to be given to an instance of a pool whose instances differ.
struct RouteNeed {
  MessageClass message;
  InstanceNeed instance;
  Duration slack = Duration(0);    ///< until it is late; negative: it is late already
  Duration start_time = 1s;        ///< of an instance, for those that are starting
  Duration service_guess = 100ms;  ///< of a run that was not predicted
};

/// An instance that another message, one before this in the order, waits for.
struct Awaited {
  InstanceId instance;
  Duration until = Duration(0);  ///< from now, when it is predicted to be done with that one
};

struct RouteChoice {
  std::optional<InstanceId> instance;  ///< run it here now
  bool fits = true;                    ///< false: where nothing better was to be had
  RoutingDecision decision;
  std::optional<Awaited> wait_for;    ///< else wait for this one, with this message's run counted in
  Duration look_again = Duration(0);  ///< from now, when that one should be free
};

/// What a variant is predicted to make of a class of messages.
struct VariantOutlook {
  double service_seconds = 0;
  double cost = 0;  ///< bytes of memory x seconds
  std::uint32_t evidence = 0;
  bool fits = true;  ///< within the timeout, and not outgrown
};
using VariantOutlooks = std::array<VariantOutlook, kVariantsMax>;

/// What each of a function's variants is predicted to make of a class. One that has had fewer than three runs
/// of the class is taken at its best (speed in proportion to memory, and a little more): so each is tried
/// (optimism in the face of uncertainty; Lai and Robbins 1985), and three runs end it.
VariantOutlooks outlooks(const ServiceModel& model, const FunctionSettings& settings, MessageClass message,
                         std::uint64_t memory_bytes_min);
/// The variant that does it with the least memory-time of those where it fits; where it fits none, the
/// largest.
std::uint16_t best_variant(const VariantOutlooks& outlooks, const FunctionSettings& settings);
/// The variant to start for a message that fits in none of the instances that there are: the best; none where
/// it fits in one of them, or the best is there.
std::optional<std::uint16_t> missing_variant(const VariantOutlooks& outlooks, const Pool& pool);

/// Which instance of a mixed pool takes a message, now or soon.
///
/// Among the free ones in which it fits: the least predicted memory-time, which keeps large instances for the
/// messages that they are faster at (as size-interval assignment does; Harchol-Balter, Crovella, Murta 1999),
/// then the earliest predicted finish. But one that is busy or starting is waited for if the message would
/// finish there sooner, a late start counted in, and no dearer: a slow server is better left idle than given
/// what a fast one is about to do (Lin and Kumar 1984). What runs longer than predicted is expected to go on
/// for half as long again, so that nobody waits for a run that hangs.
RouteChoice route(const Pool& pool, const ServiceModel& model, const RouteNeed& need, TimePoint now,
                  std::span<const Awaited> awaited);

/// How much work comes for which variant, if each message had the one that suits it best: what the pool
/// should be made of. Forgotten with a half-life of ten minutes.
class VariantMix {
 public:
  void observe(TimePoint now, std::uint16_t variant, double work_seconds);
  /// Seconds of work by variant, as of the last message.
  std::vector<float> memory() const;
  /// As if it had come just now, if nothing has; says whether it could be another's. It says which variant to
  /// start, and makes no instance be exchanged before new work says the same.
  bool restore(TimePoint now, const std::vector<float>& work_seconds);
  /// Of the next instance to start: the variant that lacks most beside its share. None while nothing has
  /// come.
  std::optional<std::uint16_t> lacking(const Pool& pool) const;
  /// A free instance whose variant has clearly too many while another has clearly too few.
  std::optional<InstanceId> surplus(const Pool& pool) const;

 private:
  std::array<double, kVariantsMax> shares() const;

  std::array<double, kVariantsMax> work_{};
  TimePoint at_;
  std::uint64_t observed_ = 0;
};

}  // namespace forewarm
