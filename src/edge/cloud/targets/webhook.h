#pragma once

#include <memory>
#include <string>

#include "edge/cloud/targets/http_target.h"

namespace forewarm {

/// Anything that takes a number by HTTP: POST {"schema":1,"queue":"jobs","instances":5}, answered with any
/// 2xx, and, where it can be asked, GET `read_url` with {"instances":5}.
struct Webhook {
  std::string queue;
  std::string url;
  std::string read_url{};  ///< empty: it cannot be asked
};
std::unique_ptr<TargetTranslator> make_webhook(Webhook webhook);

}  // namespace forewarm
