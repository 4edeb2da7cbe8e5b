#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/core_gate.h"
#include "app/function_directory.h"

namespace forewarm {

/// Adds, replaces and removes functions of a running server: durable first, then in force.
class FunctionChanges {
 public:
  using Done = std::function<void(const Result<void>&)>;
  struct Server {
    CoreGate* gate = nullptr;
    FunctionDirectory* functions = nullptr;
    std::function<void()> configure;  ///< the directory has changed
    std::function<void(const std::string& name)>
        has_queue;  ///< a mapping names this queue: make it if missing
  };
  explicit FunctionChanges(Server server) : server_(std::move(server)) {}

  /// The one [[function]] of a TOML text with its [[mapping]] tables. `done` once, now or later.
  void put(const std::string& toml, const Done& done);
  void remove(std::string_view name, const Done& done);

 private:
  Result<void> begin_put(const std::string& toml, const Done& done);
  Result<void> begin_removal(std::string_view name, const Done& done);

  Server server_;
};

}  // namespace forewarm
