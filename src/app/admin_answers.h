#pragma once

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/observe/routes.h"

namespace forewarm {

// What the routes of the admin API share in reading and answering.

/// A failure as a problem+json answer with the status of its code.
HttpResponse refusal(const Error& failure);
/// The body as a JSON object; nothing after having answered if it is none.
std::optional<boost::json::object> object_of(const RouteRequest& request,
                                             const std::shared_ptr<HttpReply>& reply);
/// Empty where there is no text of that name.
std::string text_in(const boost::json::object& object, std::string_view key);
/// Answers {"name": name} or the refusal.
std::function<void(const Result<void>&)> answer_with_name(const std::string& name,
                                                          const std::shared_ptr<HttpReply>& reply);

}  // namespace forewarm
