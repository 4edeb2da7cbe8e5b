#include "app/target_clash.h"

#include <algorithm>
#include <string_view>

namespace forewarm {
namespace {

/// Of an ARN, NAME or NAME:QUALIFIER what comes after "function:", or all.
std::string_view bare_function(std::string_view name) {
  constexpr std::string_view kKind = "function:";
  const std::size_t at = name.find(kKind);
  return at == std::string_view::npos ? name : name.substr(at + kKind.size());
}

/// Names of Azure's resources and Lambda's mappings are the same in capitals.
std::string in_small_letters(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::string joined_parts(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all.append(part) += '|';
  return all;
}

/// Empty: it is nobody else's.
std::string number_of(const ControlTarget& t) {
  if (t.kind == "kubernetes" || t.kind == "keda")
    return joined_parts({"replicas", t.space, t.workload, t.name});
  if (t.kind == "provisioned-concurrency")
    return joined_parts({"provisioned", t.region, bare_function(t.function), t.qualifier});
  if (t.kind == "application-auto-scaling" && t.dimension == "lambda:function:ProvisionedConcurrency") {
    const std::string_view id = bare_function(t.name);
    const std::size_t colon = std::min(id.find(':'), id.size() - 1);
    return joined_parts({"provisioned", t.region, id.substr(0, colon), id.substr(colon + 1)});
  }
  if (t.kind == "application-auto-scaling") return joined_parts({"capacity", t.region, t.name, t.dimension});
  if (t.kind == "event-source-mapping" || t.kind == "provisioned-pollers")
    return joined_parts({"mapping", t.region, in_small_letters(t.uuid)});
  if (t.kind == "reserved-concurrency")
    return joined_parts({"reserved", t.region, bare_function(t.function)});
  if (t.kind == "cloud-run") return joined_parts({"minimum", t.name});
  if (t.kind == "azure-premium" || t.kind == "azure-flex")
    return in_small_letters(joined_parts({"ready", t.name, t.group}));
  return {};
}

}  // namespace

bool is_same_target(const ControlTarget& one, const ControlTarget& other) {
  const std::string number = number_of(one);
  if (number.empty() || number != number_of(other)) return false;
  // KEDA's url is where it asks, and Application Auto Scaling's is not Lambda's.
  return one.kind != other.kind || one.kind == "keda" || one.url == other.url;
}

}  // namespace forewarm
