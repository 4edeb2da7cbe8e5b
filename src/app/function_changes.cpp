#include "app/function_changes.h"

#include "app/config.h"

namespace forewarm {

void FunctionChanges::put(const std::string& toml, const Done& done) {
  if (Result<void> taken = begin_put(toml, done); !taken) done(taken);
}

void FunctionChanges::remove(std::string_view name, const Done& done) {
  if (Result<void> taken = begin_removal(name, done); !taken) done(taken);
}

Result<void> FunctionChanges::begin_put(const std::string& toml, const Done& done) {
  Result<ServerConfig> read = read_config(toml, "request");
  if (!read) return std::unexpected(read.error());
  if (read->functions.size() != 1)
    return error(ErrorCode::Invalid, "expected one [[function]] with its [[mapping]] tables");
  Result<PutRecord> record = server_.functions->propose(read->functions[0], read->mappings);
  if (!record) return std::unexpected(record.error());
  auto stored = [this, added = std::move(*read), done](const Result<void>& durable) {
    if (durable) {
      server_.functions->accept(added.functions[0], added.mappings);
      server_.configure();
      for (const MappingConfig& mapping : added.mappings) server_.has_queue(mapping.queue);
    }
    done(durable);
  };
  return server_.gate->send({}, {std::move(*record)}, std::move(stored));
}

Result<void> FunctionChanges::begin_removal(std::string_view name, const Done& done) {
  Result<RemoveRecord> record = server_.functions->propose_removal(name);
  if (!record) return std::unexpected(record.error());
  auto stored = [this, name = std::string(name), done](const Result<void>& durable) {
    if (durable) {
      server_.functions->accept_removal(name);
      server_.configure();
    }
    done(durable);
  };
  return server_.gate->send({}, {std::move(*record)}, std::move(stored));
}

}  // namespace forewarm
