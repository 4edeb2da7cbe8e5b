#include "app/configured_queues.h"

#include <algorithm>

namespace forewarm {
namespace {

constexpr const char* kRedrivePolicy = "RedrivePolicy";

/// What is lent may be as old as its engine allows, and expires there.
sqs::StringMap attributes_of(const SourceConfig& source, const QueueDirectory& there) {
  sqs::StringMap attributes{
      {"MessageRetentionPeriod", "1209600"},
      {kRedrivePolicy, R"({"deadLetterTargetArn":")" + there.arn_of_name(dead_letter_queue_of(source)) +
                           R"(","maxReceiveCount":)" + std::to_string(source.attempts_max) + "}"}};
  if (source.queue.ends_with(".fifo")) attributes["FifoQueue"] = "true";
  return attributes;
}

}  // namespace

QueueRequests configured_queues(const ServerConfig& config, const FunctionDirectory& functions,
                                const QueueDirectory& there) {
  QueueRequests requests;
  const auto need = [&](const std::string& name, sqs::StringMap attributes) {
    const bool asked =
        std::ranges::find(requests.create, name, &sqs::CreateQueue::name) != requests.create.end();
    if (!asked && there.find(name) == nullptr) requests.create.push_back({name, std::move(attributes), {}});
  };
  for (const QueueConfig& queue : config.queues) need(queue.name, queue.attributes);
  for (const SourceConfig& source : config.sources) {
    const std::string dead_letters = dead_letter_queue_of(source);
    need(dead_letters,
         dead_letters.ends_with(".fifo") ? sqs::StringMap{{"FifoQueue", "true"}} : sqs::StringMap{});
    const sqs::StringMap attributes = attributes_of(source, there);
    if (const QueueEntry* entry = there.find(source.queue)) {
      const std::string& policy = attributes.at(kRedrivePolicy);
      const auto now = entry->attributes.find(kRedrivePolicy);
      if (now == entry->attributes.end() || now->second != policy)
        requests.change.emplace_back(source.queue, sqs::StringMap{{kRedrivePolicy, policy}});
    } else {
      need(source.queue, attributes);
    }
  }
  for (const auto& [name, function] : functions.all()) {
    for (const MappingConfig& mapping : function.mappings) need(mapping.queue, {});
  }
  return requests;
}

}  // namespace forewarm
