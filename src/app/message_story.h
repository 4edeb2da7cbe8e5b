#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "app/function_host.h"
#include "app/queue_service.h"
#include "edge/observe/dashboard.h"
#include "edge/observe/message_moments.h"
#include "edge/observe/names.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// What one message went through: `forewarm explain MESSAGE_ID`, and the lines that functions wrote for it.
class MessageStory {
 public:
  MessageStory(QueueService& queues, const Names& names) : queues_(queues), names_(names) {}

  void observe(const TimedEvent& event, const Actions& actions) { moments_.observe(event, actions); }
  void add_routes(Routes& routes, const Orchestrator& core);
  /// Invalid where the query names a message that is not this store's.
  Result<std::vector<LogEntry>> logs(const FunctionHost& host, const LogQuery& query) const;

 private:
  void tell(const RouteRequest& request, const std::shared_ptr<HttpReply>& reply,
            const Orchestrator& core) const;
  Result<MessageId> message_of(std::string_view id) const;

  QueueService& queues_;
  const Names& names_;
  MessageMoments moments_;
};

}  // namespace forewarm
