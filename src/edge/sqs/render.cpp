#include "edge/sqs/notations.h"

namespace forewarm::sqs {
namespace {

HttpOutput output(const Rendering& rendering, unsigned status, std::string body) {
  HttpOutput http{.status = status, .headers = {}, .body = std::move(body)};
  http.headers.reserve(3);
  http.headers.emplace_back("x-amzn-RequestId", rendering.request_id);
  const bool json = rendering.protocol == Protocol::Json;
  http.headers.emplace_back("Content-Type", json ? "application/x-amz-json-1.0" : "text/xml");
  return http;
}

}  // namespace

HttpOutput render(const Response& response, const Rendering& rendering) {
  return output(rendering, 200,
                rendering.protocol == Protocol::Json
                    ? render_json(response, rendering.action)
                    : render_xml(response, rendering.action, rendering.request_id));
}

HttpOutput render(const SqsError& error, const Rendering& rendering) {
  const FaultNames& fault = names(error.fault);
  if (rendering.protocol == Protocol::Query) {
    return output(rendering, fault.status, render_xml(error, rendering.request_id));
  }
  HttpOutput http = output(rendering, fault.status, render_json(error));
  http.headers.emplace_back("x-amzn-query-error",
                            std::string(fault.code) + (fault.sender ? ";Sender" : ";Receiver"));
  return http;
}

}  // namespace forewarm::sqs
