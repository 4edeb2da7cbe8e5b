#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "edge/net/fetch.h"

namespace forewarm {

/// A label of a pod of Kubernetes (core/v1) that says "true" while the copy in it leads, so that a Service
/// can select that copy.
struct PodLabel {
  std::string url;                ///< of the API server
  std::string space = "default";  ///< namespace
  std::string pod;
  std::string label;
  std::string ca_file{};  ///< PEM file of who is trusted; empty: the system's
  std::function<Result<void>(FetchRequest&)> authorise{};  ///< adds the token, for each request
  std::chrono::milliseconds timeout{5'000};
  std::chrono::milliseconds retry{2'000};
  /// Called on the keeper's thread when it cannot be set, once for each reason, and with an empty text when
  /// it can again.
  std::function<void(const std::string&)> problem{};
};

/// Sets it, on a thread of its own, until it is as it should be. It begins with taking it away, since a
/// process that was killed left it behind; and ends so.
class PodLabelKeeper {
 public:
  virtual ~PodLabelKeeper() = default;
  virtual void leads(bool now) = 0;  ///< any thread
};
std::unique_ptr<PodLabelKeeper> keep_pod_label(PodLabel label);

/// The JSON merge patch (RFC 7386) that sets the label, or takes it away.
std::string pod_label_patch(const std::string& label, bool set);

}  // namespace forewarm
