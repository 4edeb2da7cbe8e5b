#pragma once

#include <string>

#include "edge/sqs/response.h"

namespace forewarm::sqs {

// The two notations of an answer; render() chooses.
std::string render_json(const Response& response, std::string_view action);
std::string render_json(const SqsError& error);
std::string render_xml(const Response& response, std::string_view action, std::string_view request_id);
std::string render_xml(const SqsError& error, std::string_view request_id);

}  // namespace forewarm::sqs
