#include "app/function_directory.h"

#include <algorithm>

#include "app/remote_factory.h"
#include "edge/sqs/message_metadata.h"

namespace forewarm {
namespace {

constexpr std::string_view kFunctionPrefix = "function/";
constexpr Duration kSlotStart = 1ms;

}  // namespace

/// Of the name, so that what has been learnt of a function is its own after a restart too. None is given
/// twice: one that is gone may still have instances.
FunctionId FunctionDirectory::new_id(std::string_view name) {
  FunctionId id(static_cast<std::uint32_t>(sqs::name_hash(name)));
  while (id == FunctionId() || !given_.insert(id).second) id = FunctionId(id.value() + 1);
  return id;
}

FunctionEntry& FunctionDirectory::place(FunctionConfig config, std::vector<MappingConfig> mappings) {
  const auto [found, added] = by_name_.try_emplace(config.name);
  FunctionEntry& entry = found->second;
  if (added) {
    entry.id = new_id(found->first);
  } else if (!(entry.config == config)) {
    ++entry.version;
  }
  entry.config = std::move(config);
  entry.mappings = std::move(mappings);
  return entry;
}

Result<bool> FunctionDirectory::recover(std::string_view key, std::string_view value) {
  if (!key.starts_with(kFunctionPrefix)) return false;
  Result<ServerConfig> read = read_config(value, key);
  if (!read || read->functions.size() != 1) {
    return error(ErrorCode::Corrupt, "the record " + std::string(key) + " is no function" +
                                         (read ? "" : ": " + read.error().message));
  }
  place(std::move(read->functions[0]), std::move(read->mappings));
  return true;
}

std::vector<std::string> FunctionDirectory::configure(const ServerConfig& config) {
  memory_max_mb_ = config.memory_max_mb;
  std::erase_if(by_name_, [&](const auto& entry) {
    return entry.second.from_file &&
           std::ranges::find(config.functions, entry.first, &FunctionConfig::name) == config.functions.end();
  });
  for (const FunctionConfig& function : config.functions) {
    std::vector<MappingConfig> mappings;
    for (const MappingConfig& mapping : config.mappings) {
      if (mapping.function != function.name) continue;
      mappings.push_back(mapping);
      for (auto& [name, other] : by_name_) {
        if (name != function.name)
          std::erase_if(other.mappings, [&](const MappingConfig& m) { return m.queue == mapping.queue; });
      }
    }
    place(function, std::move(mappings)).from_file = true;
  }
  std::vector<std::string> unfit;
  for (const auto& [name, entry] : by_name_) {
    if (const auto fits = check_memory(entry.config, memory_max_mb_); !fits)
      unfit.push_back(fits.error().message +
                      "; its messages wait. Raise memory_max_mb, or give it less memory_mb.");
  }
  return unfit;
}

Result<PutRecord> FunctionDirectory::propose(const FunctionConfig& config,
                                             const std::vector<MappingConfig>& mappings) const {
  if (const FunctionEntry* entry = find(config.name); entry != nullptr && entry->from_file) {
    return error(ErrorCode::Conflict,
                 "function '" + config.name + "' is in the configuration file; change it there");
  }
  // It would send messages with the server's own credentials, or to whoever has a token, wherever a client
  // says.
  if (runs_elsewhere(config.runtime))
    return error(ErrorCode::Invalid,
                 "function '" + config.name + "' runs elsewhere (runtime = \"" + config.runtime +
                     "\"), with the server's credentials or tokens: only the configuration file can "
                     "define it");
  if (const auto fits = check_memory(config, memory_max_mb_); !fits) return std::unexpected(fits.error());
  for (const MappingConfig& mapping : mappings) {
    const FunctionEntry* owner = of_queue(mapping.queue);
    if (owner != nullptr && owner->config.name != config.name) {
      return error(ErrorCode::Conflict, "queue '" + mapping.queue + "' is mapped to function '" +
                                            owner->config.name + "' already; a queue has one function");
    }
  }
  return PutRecord{std::string(kFunctionPrefix) + config.name, to_toml(config, mappings)};
}

Result<RemoveRecord> FunctionDirectory::propose_removal(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return error(ErrorCode::NotFound, "there is no function '" + std::string(name) + "'");
  if (found->second.from_file) {
    return error(ErrorCode::Conflict,
                 "function '" + std::string(name) + "' is in the configuration file; take it out there");
  }
  return RemoveRecord{std::string(kFunctionPrefix) + found->first};
}

const FunctionEntry* FunctionDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? &found->second : nullptr;
}

const FunctionEntry* FunctionDirectory::find(FunctionId id) const {
  for (const auto& [name, entry] : by_name_) {
    if (entry.id == id) return &entry;
  }
  return nullptr;
}

const FunctionEntry* FunctionDirectory::of_queue(std::string_view queue) const {
  for (const auto& [name, entry] : by_name_) {
    if (std::ranges::find(entry.mappings, queue, &MappingConfig::queue) != entry.mappings.end())
      return &entry;
  }
  return nullptr;
}

const MappingConfig* FunctionDirectory::mapping_of_queue(std::string_view queue) const {
  const FunctionEntry* entry = of_queue(queue);
  if (entry == nullptr) return nullptr;
  return &*std::ranges::find(entry->mappings, queue, &MappingConfig::queue);
}

Configuration FunctionDirectory::configuration(
    const ServerConfig& config, const std::function<std::optional<QueueId>(std::string_view)>& queue_id,
    TimePoint now) {
  windows_due_ = kNever;
  Configuration out;
  out.instances_max = static_cast<std::uint32_t>(config.instances_max);
  out.memory_max_bytes = static_cast<std::uint64_t>(config.memory_max_mb) << 20;
  out.starts_per_second = config.starts_per_second;
  out.starts_burst = static_cast<std::uint32_t>(config.starts_burst);
  out.forecast.step = config.forecast_step;
  out.forecast.horizon = static_cast<std::uint16_t>(config.forecast_horizon);
  out.forecast.history =
      static_cast<std::uint16_t>(std::min<std::int64_t>(config.forecast_history, UINT16_MAX));
  out.forecast.refit_every = static_cast<std::uint16_t>(config.forecast_refit_every);
  for (const auto& [name, entry] : by_name_) {
    FunctionSettings& settings = out.functions.emplace_back();
    settings.id = entry.id;
    settings.version = entry.version;
    settings.timeout = entry.config.timeout;
    settings.concurrency_max = static_cast<std::uint32_t>(entry.config.concurrency_max);
    settings.start_time_guess = entry.config.start_time_guess;
    if (entry.config.freeze_after > Duration(0)) settings.freeze_after = entry.config.freeze_after;
    settings.group_affinity = entry.config.group_affinity;
    settings.variants.clear();
    // It holds no memory here, and a slot is there at once. A worker is not.
    const bool elsewhere = runs_elsewhere(entry.config.runtime);
    if (elsewhere && entry.config.runtime != kWorkersRuntime) settings.start_time_guess = kSlotStart;
    for (const VariantConfig& variant : variants_of(entry.config)) {
      settings.variants.push_back(
          {.memory_bytes = elsewhere ? 0 : static_cast<std::uint64_t>(variant.memory_mb) << 20,
           .concurrency_max = static_cast<std::uint32_t>(variant.concurrency_max)});
    }
    for (const MappingConfig& mapping : entry.mappings) {
      const std::optional<QueueId> queue = queue_id(mapping.queue);
      if (!queue) continue;
      MappingSettings& mapped = out.mappings.emplace_back(mapping.settings);
      mapped.queue = *queue;
      mapped.function = entry.id;
      mapped.overrides = override_windows(mapping.overrides, now);
      const auto repeats = [](const OverrideConfig& each) { return !each.cron.empty(); };
      if (std::ranges::any_of(mapping.overrides, repeats)) windows_due_ = saturating_add(now, kWindowsHold);
    }
  }
  return out;
}

}  // namespace forewarm
