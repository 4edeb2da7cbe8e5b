#pragma once

#include <functional>
#include <string>

#include "app/function_directory.h"
#include "app/queue_service.h"
#include "core/orchestrator.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// The admin API's routes that change something or look into functions and dead letters; the dashboard has
/// the others.
class AdminRoutes {
 public:
  struct Sources {
    QueueService* queues = nullptr;
    const FunctionDirectory* functions = nullptr;
    const Orchestrator* core = nullptr;
    /// Adds or replaces the one function of a TOML text; `done` once that is durable and in force.
    std::function<void(const std::string& toml, std::function<void(const Result<void>&)> done)> put_function;
    /// Takes a function out; its running instances finish first, its queues keep their messages.
    std::function<void(std::string_view name, std::function<void(const Result<void>&)> done)> remove_function;
    std::function<void(const FunctionEntry&, std::string payload, std::function<void(Result<std::string>)>)>
        invoke;
  };
  AdminRoutes(Routes& routes, Sources sources);

 private:
  using Reply = std::shared_ptr<HttpReply>;

  void put_function(const RouteRequest& request, const Reply& reply);
  void remove_function(const RouteRequest& request, const Reply& reply);
  void show_function(const RouteRequest& request, const Reply& reply);
  void invoke(const RouteRequest& request, const Reply& reply);
  void redrive(const RouteRequest& request, const Reply& reply);
  void add_scaling(Routes& routes);
  void scale(const RouteRequest& request, const Reply& reply);

  Sources sources_;
};

}  // namespace forewarm
