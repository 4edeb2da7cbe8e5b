#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "edge/sqs/sqs_error.h"

namespace forewarm::sqs {

/// Folds the parameters of a Query request (application/x-www-form-urlencoded) into the object that the JSON
/// protocol would have sent: "Attribute.2.Name=a&Attribute.2.Value=b" becomes {"Attributes": {"a": "b"}}.
/// Numbers stay text. Lists and maps are in the order of their indices, however the parameters are ordered.
SqsResult<boost::json::object> fold_parameters(std::string_view form);

}  // namespace forewarm::sqs
