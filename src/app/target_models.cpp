#include "app/target_models.h"

#include <algorithm>

#include "edge/cloud/targets/lambda_concurrency.h"

namespace forewarm {
namespace {

// Sources: docs/control.md, "What the targets can do".
const TargetModel kModels[] = {
    {.kind = "process", .what = "processes of this machine", .actuator = {}, .controlled = false},
    {.kind = "hpa",
     .what = "pods behind a Kubernetes HPA",
     .actuator = {.change_every = 15s, .dead_band = 0.1},
     .controlled = false},
    {.kind = "keda",
     .what = "pods behind KEDA's metrics-api scaler, and so an HPA",
     .actuator = {.change_every = 15s, .dead_band = 0.1}},
    {.kind = "kubernetes",
     .what = "the replicas of a Deployment or StatefulSet",
     .actuator = {.change_every = 5s}},
    {.kind = "provisioned-concurrency",
     .what = "AWS Lambda's provisioned concurrency",
     .actuator = {.lead = 2min, .change_every = 1min, .minimum_billing = 5min}},
    {.kind = "application-auto-scaling",
     .what = "the least capacity of a scalable target of AWS Application Auto Scaling, now and by schedule",
     .actuator = {.lead = 2min, .change_every = 1min}},
    {.kind = "event-source-mapping",
     .what = "the maximum concurrency of an AWS Lambda event source mapping",
     .actuator = {.change_every = 1min, .change_max = 300},
     .least = 2,
     .most = 1000},
    {.kind = "provisioned-pollers",
     .what = "the least pollers of an AWS Lambda event source mapping in provisioned mode",
     .actuator = {.change_every = 1min, .granularity = kInvocationsPerPoller},
     .least = 2 * kInvocationsPerPoller,
     .most = 200 * kInvocationsPerPoller},
    {.kind = "reserved-concurrency",
     .what = "the reserved concurrency of an AWS Lambda function",
     .actuator = {.change_every = 1min},
     .least = 1},
    {.kind = "cloud-run",
     .what = "the minimum instances of a Cloud Run service or a function of Google Cloud",
     .actuator = {.change_every = 30s}},
    {.kind = "azure-premium",
     .what = "the always-ready and pre-warmed instances of an Azure Functions app in a Premium plan",
     .actuator = {.change_every = 1min},
     .most = 100},
    {.kind = "azure-flex",
     .what = "the always-ready instances of a group of functions in an Azure Flex Consumption plan",
     .actuator = {.change_every = 1min},
     .most = 1000},
    {.kind = "webhook", .what = "whatever takes a number by HTTP", .actuator = {.change_every = 5s}},
    {.kind = "command", .what = "a program that sets it", .actuator = {.change_every = 5s}},
};

}  // namespace

std::span<const TargetModel> target_models() {
  return kModels;
}

const TargetModel* find_target_model(std::string_view kind) {
  const auto* found = std::ranges::find(kModels, kind, &TargetModel::kind);
  return found == std::end(kModels) ? nullptr : found;
}

std::string target_kinds(bool controlled) {
  std::string names;
  for (const TargetModel& model : kModels) {
    if (!controlled || model.controlled) names += (names.empty() ? "" : ", ") + std::string(model.kind);
  }
  return names;
}

}  // namespace forewarm
