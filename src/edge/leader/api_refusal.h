#pragma once

#include <string_view>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// The Kubernetes API's own words for a refusal (a Status object), and what can be done: `needs` are the
/// rights that a Role has to give.
Error api_refusal(const HttpResponse& answer, std::string_view needs);

}  // namespace forewarm
