#pragma once

#include <string>

#include "app/config_fields.h"
#include "base/result.h"

namespace forewarm {

/// The table [keda] of `forewarm control`: where KEDA asks by gRPC.
struct KedaConfig {
  std::string listen;  ///< empty: nowhere
  std::string tls_certificate;
  std::string tls_key;
  std::string client_ca_file;
  bool anyone = false;

  friend bool operator==(const KedaConfig&, const KedaConfig&) = default;
};

void describe(FieldVisitor& visitor, KedaConfig& config);
/// Invalid with the remedy.
Result<void> check_keda(const KedaConfig& config);

}  // namespace forewarm
