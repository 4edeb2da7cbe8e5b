#pragma once

#include "edge/observe/names.h"

namespace forewarm {

/// What the tests of this folder call their queues and their function.
constexpr QueueId kOrders(1), kMails(2), kDead(3);
constexpr FunctionId kShip(7);

class FixedNames : public Names {
 public:
  std::string queue(QueueId id) const override {
    return id == kOrders ? "orders" : id == kMails ? "mails" : id == kDead ? "orders-dead" : "";
  }
  std::string function(FunctionId id) const override { return id == kShip ? "ship" : ""; }
};

}  // namespace forewarm
