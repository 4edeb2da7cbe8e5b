#pragma once

#include <string>

#include "core/model/ids.h"

namespace forewarm {

/// What people call the things that the core knows by number. Implemented by the app; empty where there is no
/// such thing. Asked only when something is seen for the first time or shown, never for each event.
class Names {
 public:
  virtual ~Names() = default;
  virtual std::string queue(QueueId queue) const = 0;
  virtual std::string function(FunctionId function) const = 0;
};

}  // namespace forewarm
