#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/result.h"
#include "core/model/ids.h"
#include "core/model/settings.h"
#include "edge/store/store.h"

namespace forewarm {

/// A function as the server knows it.
struct FunctionEntry {
  FunctionId id;
  std::uint32_t version = 1;  ///< rises with every change of what it runs
  FunctionConfig config;
  std::vector<MappingConfig> mappings;
  bool from_file = false;  ///< the configuration file has it; the store does not
};

/// The functions by name and id: those of the configuration file, and those added to the running server,
/// which are one record of the store each ("function/NAME", as TOML). The file wins where both have a name.
class FunctionDirectory {
 public:
  /// One record of the store, at recovery. False if it is not a function's. Corrupt names the record.
  Result<bool> recover(std::string_view key, std::string_view value);
  /// Takes what the file says, over what the store had; functions that an earlier file had and this one has
  /// not are gone. Gives back, in words, which of those that the store has can never start under this file.
  std::vector<std::string> configure(const ServerConfig& config);

  /// Adds or replaces a function of the running server; the record that makes it durable. Conflict if the
  /// file has it, or if another function has one of its queues.
  Result<PutRecord> propose(const FunctionConfig& config, const std::vector<MappingConfig>& mappings) const;
  /// Takes what was proposed, once its record is durable.
  void accept(FunctionConfig config, std::vector<MappingConfig> mappings) {
    place(std::move(config), std::move(mappings));
  }
  /// What takes a function out of the store. NotFound, or Conflict if the file has it.
  Result<RemoveRecord> propose_removal(std::string_view name) const;
  /// Once that is durable.
  void accept_removal(const std::string& name) { by_name_.erase(name); }

  const FunctionEntry* find(std::string_view name) const;
  const FunctionEntry* find(FunctionId id) const;
  const std::map<std::string, FunctionEntry, std::less<>>& all() const { return by_name_; }
  /// The function that a queue is mapped to; null if none.
  const FunctionEntry* of_queue(std::string_view queue) const;
  const MappingConfig* mapping_of_queue(std::string_view queue) const;

  /// What the core must know at `now`; mappings of queues that `queue_id` does not know are left out. The
  /// windows of overrides are those of the next days: tell it anew when windows_due().
  Configuration configuration(const ServerConfig& config,
                              const std::function<std::optional<QueueId>(std::string_view)>& queue_id,
                              TimePoint now);
  bool windows_due(TimePoint now) const { return now >= windows_due_; }

 private:
  FunctionId new_id(std::string_view name);
  FunctionEntry& place(FunctionConfig config, std::vector<MappingConfig> mappings);

  std::map<std::string, FunctionEntry, std::less<>> by_name_;
  std::set<FunctionId> given_;      ///< ids, also of those that are gone
  std::int64_t memory_max_mb_ = 0;  ///< as last configured
  TimePoint windows_due_ = kNever;
};

}  // namespace forewarm
