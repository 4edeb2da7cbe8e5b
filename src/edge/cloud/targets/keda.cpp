#include "edge/cloud/targets/keda.h"

#include <vector>

namespace forewarm {
namespace {

/// A scalar in double quotes (YAML 1.2 section 7.3.1).
std::string yaml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// A parameter of a trigger, and under which key of the secret it is.
struct TriggerSecret {
  const char* parameter;
  const char* key;
};
std::vector<TriggerSecret> secrets_of(const ScaledWorkload& w) {
  std::vector<TriggerSecret> all;
  if (w.scaler.empty()) {
    if (w.token) all.push_back({"token", "token"});
    return all;
  }
  if (w.tls) all.push_back({"caCert", "ca.crt"});
  if (w.tls && w.client_certificate) {
    all.push_back({"tlsClientCert", "tls.crt"});
    all.push_back({"tlsClientKey", "tls.key"});
  }
  return all;
}

std::string authentication(const ScaledWorkload& w) {
  const std::vector<TriggerSecret> secrets = secrets_of(w);
  if (secrets.empty()) return "";
  std::string text = "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata:\n  name: " +
                     yaml_text(w.name + "-forewarm") + "\n  namespace: " + yaml_text(w.space) +
                     "\nspec:\n  secretTargetRef:\n";
  for (const TriggerSecret& secret : secrets)
    text += "    - parameter: " + std::string(secret.parameter) +
            "\n      name: " + yaml_text("forewarm-keda") + "\n      key: " + secret.key + "\n";
  return text + "---\n";
}

}  // namespace

Result<TargetState> KedaTarget::current(const std::stop_token&) {
  return error(ErrorCode::Conflict, "KEDA asks; it cannot be asked");
}

Result<void> KedaTarget::set(std::optional<std::uint32_t> instances, const std::stop_token&) {
  instances_ = instances ? std::int64_t{*instances} : kNone;
  return {};
}

std::string KedaTarget::request_text(std::optional<std::uint32_t> instances) const {
  return "answer KEDA " + (instances ? "{\"value\": " + std::to_string(*instances) + "}" : "nothing");
}

std::optional<std::uint32_t> KedaTarget::number() const {
  const std::int64_t instances = instances_;
  if (instances == kNone) return std::nullopt;
  return static_cast<std::uint32_t>(instances);
}

std::string scaled_object(const ScaledWorkload& w) {
  std::string text = authentication(w);
  text += "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata:\n  name: " + yaml_text(w.name) +
          "\n  namespace: " + yaml_text(w.space) + "\nspec:\n  scaleTargetRef:\n    kind: " + w.kind +
          "\n    name: " + yaml_text(w.workload) + "\n  pollingInterval: 5\n  cooldownPeriod: 0\n" +
          "  minReplicaCount: " + std::to_string(w.least) + "\n  maxReplicaCount: " + std::to_string(w.most) +
          "\n  fallback:\n    failureThreshold: 3\n    replicas: " + std::to_string(w.most) +
          "\n    behavior: currentReplicas\n"
          "  advanced:\n    horizontalPodAutoscalerConfig:\n      behavior:\n"
          "        scaleUp:\n          stabilizationWindowSeconds: 0\n          policies:\n"
          "            - type: Percent\n              value: 10000\n              periodSeconds: 15\n"
          "            - type: Pods\n              value: " +
          std::to_string(w.most == 0 ? 1 : w.most) +
          "\n              periodSeconds: 15\n"
          "        scaleDown:\n          stabilizationWindowSeconds: 0\n          policies:\n"
          "            - type: Percent\n              value: 100\n              periodSeconds: 15\n"
          "  triggers:\n    - type: ";
  if (w.scaler.empty()) {
    text +=
        "metrics-api\n      metricType: AverageValue\n      metadata:\n        targetValue: \"1\"\n        "
        "url: " +
        yaml_text(w.url) + "\n        valueLocation: \"value\"\n";
    if (w.token) text += "        authMode: \"bearer\"\n";
  } else {
    text += "external-push\n      metricType: AverageValue\n      metadata:\n        scalerAddress: " +
            yaml_text(w.scaler) + "\n        queue: " + yaml_text(w.queue) + "\n";
    if (w.tls) text += "        enableTLS: \"true\"\n";
  }
  if (!secrets_of(w).empty())
    text += "      authenticationRef:\n        name: " + yaml_text(w.name + "-forewarm") + "\n";
  return text;
}

}  // namespace forewarm
