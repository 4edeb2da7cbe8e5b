#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "edge/cloud/targets/http_target.h"

namespace forewarm {

/// Warm instances of an app in Azure's Elastic Premium plan (App Service REST API 2025-05-01, Web Apps, Get
/// and Update Configuration; "Azure Functions Premium plan"): always ready (`minimumElasticInstanceCount`),
/// and, where there is a limit to those, pre-warmed (`preWarmedInstanceCount`), the buffer that the plan
/// keeps filled ahead of a growing app. One of the buffer is the plan's default and counts for nothing; each
/// further one is an instance. What is none cannot be said there.
struct AzureElasticApp {
  std::string url = "https://management.azure.com";
  std::string name;                    ///< /subscriptions/S/resourceGroups/G/providers/Microsoft.Web/sites/A
  std::uint32_t always_ready_max = 0;  ///< beyond them they are pre-warmed; 0: all are always ready
};
std::unique_ptr<TargetTranslator> make_azure_elastic(AzureElasticApp app);

/// Always-ready instances of one group of functions of an app in Azure's Flex Consumption plan (App Service
/// REST API 2023-12-01, Web Apps, Get and Create Or Update, `functionAppConfig.scaleAndConcurrency`; "Azure
/// Functions Flex Consumption plan hosting"). The service takes them only with the whole app, which is read
/// right before, and written as it was read but for the group's number. The groups' sum is at most
/// `maximumInstanceCount`. None and zero are the same there.
struct AzureFlexGroup {
  std::string url = "https://management.azure.com";
  std::string name;   ///< of the app, as above
  std::string group;  ///< http, blob, durable or function:NAME; case does not count
};
std::unique_ptr<TargetTranslator> make_azure_flex(AzureFlexGroup group);

/// Whether a name is of that form.
bool is_azure_app(std::string_view name);
/// Whether it is a group of functions that Flex Consumption scales together.
bool is_flex_group(std::string_view group);

}  // namespace forewarm
