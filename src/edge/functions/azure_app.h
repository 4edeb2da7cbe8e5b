#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forewarm {

/// What an Azure function app's files say of its custom handler
/// (learn.microsoft.com/azure/azure-functions/functions-custom-handlers, "Application structure").
struct AzureApp {
  std::vector<std::string> command{};  ///< of host.json's customHandler; empty: there is no host.json
  std::string working_directory{};     ///< where it runs
};
/// host.json of a folder. Invalid with the file and what it lacks.
Result<AzureApp> read_azure_app(const std::string& folder);
/// The name of a function's trigger in its function.json; `myQueueItem`, that of Azure's template, where
/// there is no such file. Invalid with the file and what it lacks.
Result<std::string> read_azure_trigger(const std::string& folder, std::string_view function);

}  // namespace forewarm
