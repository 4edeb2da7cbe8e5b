#include "app/sqs_front.h"

#include "edge/sqs/parse.h"
#include "edge/sqs/response.h"

namespace forewarm {

void SqsFront::answer(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if (request.method == "GET" && request.query.empty() &&
      (request.path == "/" || request.path == "/health")) {
    reply->send({200, {{"Content-Type", "text/plain"}}, "forewarm speaks the SQS protocol here\n"});
    return;
  }
  if (!find_header(request.headers, "Origin").empty()) {
    // Only browsers send it. A page of some other site must not reach a queue on this machine through its
    // visitor.
    reply->send({403, {{"Content-Type", "text/plain"}}, "requests from web pages are refused\n"});
    return;
  }
  const sqs::Parsed parsed =
      sqs::parse({request.method, request.path, request.query, request.headers, request.body});
  const std::string id = "forewarm-" + std::to_string(++request_number_);
  const auto send = [reply, protocol = parsed.protocol, id](std::string_view action, const auto& answer) {
    sqs::HttpOutput out = sqs::render(answer, {protocol, action, id});
    reply->send({out.status, std::move(out.headers), std::move(out.body)});
  };
  if (!parsed.request) return send("", parsed.request.error());
  RequestContext context;
  const std::string_view host = find_header(request.headers, "Host");
  context.base_url =
      host.empty() ? own_url_ : own_url_.substr(0, own_url_.find("://") + 3) + std::string(host);
  context.on_closed = [reply](std::function<void()> closed) { reply->on_closed(std::move(closed)); };
  queues_.handle(*parsed.request, context,
                 [send, action = std::string(sqs::action_name(*parsed.request))](
                     const sqs::SqsResult<sqs::Response>& answer) {
                   if (answer)
                     send(action, *answer);
                   else
                     send(action, answer.error());
                 });
}

}  // namespace forewarm
