#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/net/fetch.h"

namespace forewarm {

/// Which of a workload's pods Kubernetes deletes first when there are to be fewer: those of the lowest cost
/// (kubernetes.io/docs/reference/labels-annotations-taints, controller.kubernetes.io/pod-deletion-cost).
/// Without the annotation a pod's cost is 0.
inline constexpr std::int32_t kUnusedPodCost = -100;
inline constexpr std::int32_t kIdlePodCost = 0;
inline constexpr std::int32_t kBusyPodCost = 100;

/// A pod of Kubernetes (core/v1).
struct PodPlace {
  std::string space;  ///< namespace
  std::string name;

  friend auto operator<=>(const PodPlace&, const PodPlace&) = default;
};

/// What a program in a pod is used for. A pod may have several, and is what the busiest of them is.
struct PodUse {
  enum class Kind : std::uint8_t { Unused, Idle, Busy };
  PodPlace pod;
  std::uint64_t workload = 0;  ///< the same for pods that are scaled together
  Kind kind = Kind::Unused;
  std::chrono::milliseconds since{};  ///< for so long
};

struct PodCostPatch {
  PodPlace pod;
  std::int32_t cost = 0;

  friend bool operator==(const PodCostPatch&, const PodCostPatch&) = default;
};

/// Which costs pods have, and which are to be changed. Few are: a cost follows what has lasted for `settle`,
/// and only while the pod's workload has unused pods, since nothing is to be taken away at other times. But a
/// pod that is used again is not left the first to be deleted. Pure.
class PodCostBook {
 public:
  using Clock = std::chrono::steady_clock;
  struct Timing {
    std::chrono::milliseconds settle{2'000};
    std::chrono::milliseconds rest{10'000};  ///< of a namespace that refuses
  };
  explicit PodCostBook(Timing timing) : timing_(timing) {}

  /// What is to be changed now, the most urgent first. Pods that are not in `uses` are forgotten.
  std::vector<PodCostPatch> plan(const std::vector<PodUse>& uses, Clock::time_point now);
  /// It has been changed, or cannot be.
  void settled(const PodCostPatch& patch) { known_.insert_or_assign(patch.pod, patch.cost); }
  /// It may or may not have been; its namespace rests.
  void failed(const PodPlace& pod, Clock::time_point now);

 private:
  struct Seen {
    PodUse::Kind kind;
    std::chrono::milliseconds since;
    std::uint64_t workload;
  };
  std::optional<std::int32_t> cost_of(const Seen& seen, bool surplus,
                                      std::optional<std::int32_t> known) const;

  Timing timing_;
  std::map<PodPlace, std::int32_t> known_;
  std::map<std::string, Clock::time_point> resting_;
};

/// Where the pods are.
struct PodCosts {
  std::string url;        ///< of the API server
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  std::function<Result<void>(FetchRequest&)> authorise{};  ///< adds the token, for each request
  std::chrono::milliseconds timeout{5'000};
  std::chrono::milliseconds pause{100};  ///< after each request, so that the API server has not too many
  PodCostBook::Timing timing{};
  /// Called on the keeper's thread when those of a namespace cannot be set, once for each reason, and with an
  /// empty text when they can again.
  std::function<void(const std::string& space, const std::string& text)> problem{};
};

/// Sets them, on a thread of its own. Best effort, as what Kubernetes makes of them is: it ends without
/// taking anything back.
class PodCostKeeper {
 public:
  virtual ~PodCostKeeper() = default;
  virtual void look(std::vector<PodUse> uses) = 0;  ///< how it is now; any thread, every second or so
};
std::unique_ptr<PodCostKeeper> keep_pod_costs(PodCosts costs);

/// The JSON merge patch (RFC 7386) that sets the annotation, or takes it away for a cost of 0.
std::string pod_cost_patch(std::int32_t cost);

}  // namespace forewarm
