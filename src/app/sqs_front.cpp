#include "app/sqs_front.h"

#include <random>

#include "edge/net/http_text.h"
#include "edge/sqs/parse.h"
#include "edge/sqs/response.h"

namespace forewarm {
namespace {

constexpr std::size_t kTraceHeaderMax = 512;  ///< it is kept with each message

/// Signatures carry the time of the client's wall clock.
TimePoint signing_time() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return TimePoint(std::chrono::duration_cast<Duration>(since_epoch));
}

/// A browser that takes this machine for another: some site's name was made to mean this address, and then
/// the site's page need not say its Origin. Clients other than browsers may use any name.
bool is_led_here(const HttpRequest& request) {
  return find_header(request.headers, "User-Agent").starts_with("Mozilla/") &&
         !names_this_machine(find_header(request.headers, "Host"));
}

/// Shaped as the service's are, which some tools rely on.
std::string request_id(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = "00000000-0000-4000-8000-000000000000";
  for (std::size_t at = id.size(), digits = 0; digits < 16; ++digits, number >>= 4U) {
    if (digits == 12) at = 8;
    id[--at] = kDigits[number & 15U];
  }
  return id;
}

}  // namespace

SqsFront::SqsFront(QueueService& queues, std::string public_url)
    : queues_(queues), public_url_(std::move(public_url)), first_request_id_([] {
        std::random_device random;
        return static_cast<std::uint64_t>(random()) << 32U;
      }()) {}

Result<ServerConfig> SqsFront::use_keys_of(ServerConfig config, bool on_loopback) {
  Result<AccessKeys> keys = AccessKeys::load(config.access_keys);
  if (!keys) return std::unexpected(keys.error());
  if (keys->empty() && !on_loopback) {
    return error(ErrorCode::Invalid,
                 "a server that listens on more than a loopback address needs an [[access_key]]");
  }
  keys_ = std::move(*keys);
  return config;
}

void SqsFront::answer(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  if ((request.method == "GET" || request.method == "HEAD") && request.query.empty() &&
      (request.path == "/" || request.path == "/health")) {
    reply->send({200, {{"Content-Type", "text/plain"}}, "forewarm speaks the SQS protocol here\n"});
    return;
  }
  if (!find_header(request.headers, "Origin").empty() || (keys_.empty() && is_led_here(request))) {
    // A page of some other site must not reach a queue on this machine through its visitor. Only browsers
    // send an Origin.
    reply->send({403, {{"Content-Type", "text/plain"}}, "requests from web pages are refused\n"});
    return;
  }
  const sqs::Parsed parsed =
      sqs::parse({request.method, request.path, request.query, request.headers, request.body});
  const auto send = [reply, protocol = parsed.protocol, number = first_request_id_ + request_number_++](
                        std::string_view action, const auto& answer) {
    sqs::HttpOutput out = sqs::render(answer, {protocol, action, request_id(number)});
    reply->send({out.status, std::move(out.headers), std::move(out.body)});
  };
  RequestContext context;
  if (!keys_.empty()) {
    // Before anything else is said: a stranger is not told what a request should look like.
    const sqs::SqsResult<const AccessKey*> key = keys_.authenticate(request, signing_time());
    if (!key) return send("", key.error());
    if (parsed.request) {
      if (auto may = AccessKeys::authorize(**key, *parsed.request); !may) return send("", may.error());
    }
    context.sender_id = (*key)->id;
    context.sees = [known = **key](std::string_view queue) { return known.good_for(queue); };
  }
  if (!parsed.request) return send("", parsed.request.error());
  const std::string_view host = find_header(request.headers, "Host");
  if (!public_url_.empty())
    context.base_url = public_url_;
  else if (host.empty())
    context.base_url = own_url_;
  else
    context.base_url.append(own_url_, 0, own_url_.find("://") + 3).append(host);
  const std::string_view trace = find_header(request.headers, "X-Amzn-Trace-Id");
  if (trace.size() <= kTraceHeaderMax) context.trace_header = trace;
  context.on_closed = [reply](std::function<void()> closed) { reply->on_closed(std::move(closed)); };
  queues_.handle(
      *parsed.request, context,
      [send, action = sqs::action_name(*parsed.request)](const sqs::SqsResult<sqs::Response>& answer) {
        if (answer)
          send(action, *answer);
        else
          send(action, answer.error());
      });
}

}  // namespace forewarm
