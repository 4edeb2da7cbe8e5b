#pragma once

#include "core/model/action.h"
#include "core/model/event.h"

namespace forewarm {

/// Sees every event with the actions that answered it, in order, before they are performed.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void observe(const TimedEvent& event, const Actions& actions) = 0;
};

}  // namespace forewarm
