#include "app/source_factory.h"

#include <algorithm>

#include "app/admin_access.h"
#include "app/source_url.h"
#include "edge/cloud/nats/nats_source.h"
#include "edge/cloud/pubsub/pubsub_source.h"
#include "edge/cloud/rabbitmq/rabbitmq_source.h"
#include "edge/cloud/servicebus/service_bus_source.h"
#include "edge/cloud/servicebus/shared_access.h"
#include "edge/cloud/sqs/sqs_protocol.h"
#include "edge/cloud/sqs/sqs_source.h"

namespace forewarm {
namespace {

using MadeSource = Result<std::unique_ptr<MessageSource>>;
/// What is in password_file now; none: there is no such file.
using SecretReader = std::function<Result<std::string>()>;

#if FOREWARM_RABBITMQ
MadeSource make_amqp(const SourceUrl& url, const SecretReader& again) {
  if (url.segments.empty() || url.segments.size() > 2) {
    return error(ErrorCode::Invalid,
                 url.shown() + ": expected " + url.scheme + "://HOST/QUEUE or /VHOST/QUEUE");
  }
  RabbitMqOptions made;
  made.tls = url.scheme == "amqps";
  made.host = url.host;
  made.port = url.port.value_or(made.tls ? 5671 : 5672);
  made.queue = url.segments.back();
  if (url.segments.size() == 2) made.vhost = url.segments.front();
  if (!url.user.empty()) made.user = url.user;
  if (!url.password.empty()) made.password = url.password;
  made.read_password = again;
  SourceUrlOptions options(url);
  options.seconds("heartbeat", made.heartbeat);
  options.text("ca_file", made.ca_file);
  options.flag("dead_letters", made.dead_letters);
  options.number("delivery_limit", made.delivery_limit);
  options.seconds("consumer_timeout", made.consumer_timeout);
  options.text("management", made.management_url);
  if (auto read = options.finish(); !read) return std::unexpected(read.error());
  return make_rabbitmq_source(std::move(made));
}
#else
MadeSource make_amqp(const SourceUrl& url, const SecretReader&) {
  return error(ErrorCode::Invalid,
               url.shown() + ": this forewarm was built without RabbitMQ (FOREWARM_RABBITMQ=OFF)");
}
#endif

#if FOREWARM_NATS
MadeSource make_nats(const SourceUrl& url, const SecretReader& again) {
  if (url.segments.size() != 2) {
    return error(ErrorCode::Invalid, url.shown() + ": expected " + url.scheme + "://HOST/STREAM/CONSUMER");
  }
  NatsOptions made;
  made.tls = url.scheme == "tls";
  made.host = url.host;
  made.port = url.port.value_or(4222);
  made.stream = url.segments[0];
  made.consumer = url.segments[1];
  // As in NATS's own URLs: one of user and password without the other is a token.
  if (!url.user.empty() && !url.password.empty()) {
    made.user = url.user;
    made.password = url.password;
  } else {
    made.token = url.user + url.password;
  }
  made.read_secret = again;
  SourceUrlOptions options(url);
  options.seconds("heartbeat", made.heartbeat);
  options.text("ca_file", made.ca_file);
  options.text("credentials_file", made.credentials_file);
  options.text("subject", made.subject);
  options.text("dead_letter_subject", made.dead_letter_subject);
  options.duration("ack_wait", made.ack_wait);
  options.text("filter", made.filter_subject);
  options.flag("create", made.create);
  if (auto read = options.finish(); !read) return std::unexpected(read.error());
  return make_nats_source(std::move(made));
}
#else
MadeSource make_nats(const SourceUrl& url, const SecretReader&) {
  return error(ErrorCode::Invalid,
               url.shown() + ": this forewarm was built without NATS (FOREWARM_NATS=OFF)");
}
#endif

MadeSource make_sqs(const SourceUrl& url) {
  if (url.segments.size() != 2) {
    return error(ErrorCode::Invalid, url.shown() +
                                         ": expected the queue's URL with sqs+ before it: "
                                         "sqs+https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE");
  }
  if (!url.user.empty() || !url.password.empty())
    return error(ErrorCode::Invalid, url.shown() +
                                         ": SQS takes no user or password here; its credentials are "
                                         "found as the AWS SDKs find them");
  SqsOptions made;
  made.endpoint = url.scheme.substr(4) + "://" + url.host + (url.port ? ":" + std::to_string(*url.port) : "");
  made.path = "/" + url.segments[0] + "/" + url.segments[1];
  made.region = region_of_sqs_host(url.host);
  SourceUrlOptions options(url);
  options.text("region", made.region);
  options.text("ca_file", made.ca_file);
  options.duration("visibility", made.visibility);
  options.duration("wait", made.wait);
  if (auto read = options.finish(); !read) return std::unexpected(read.error());
  if (made.visibility < Duration(0) || made.visibility > 12h)
    return error(ErrorCode::Invalid, url.shown() + ": option visibility is at most 12h, as in SQS");
  if (made.wait < Duration(0) || made.wait > 20s)
    return error(ErrorCode::Invalid, url.shown() + ": option wait is at most 20s, as in SQS");
  if (made.region.empty()) made.region = find_aws_region();
  if (made.region.empty())
    return error(ErrorCode::Invalid,
                 url.shown() + ": in which region is the queue? Give option region, or set AWS_REGION");
  made.credentials = make_aws_credentials();
  return make_sqs_source(std::move(made));
}

MadeSource make_pubsub(const SourceUrl& url) {
  if (url.segments.size() != 1)
    return error(ErrorCode::Invalid, url.shown() + ": expected pubsub://PROJECT/SUBSCRIPTION");
  if (!url.user.empty() || !url.password.empty())
    return error(ErrorCode::Invalid, url.shown() +
                                         ": Pub/Sub takes no user or password; its credentials are "
                                         "Google's application default credentials");
  PubSubOptions made;
  made.project = url.host;
  made.subscription = url.segments[0];
  const auto own = own_surroundings();
  const std::string emulator = own.variable("PUBSUB_EMULATOR_HOST");
  if (!emulator.empty()) made.endpoint = "http://" + emulator;
  const std::string google = PubSubOptions().endpoint;
  SourceUrlOptions options(url);
  options.text("endpoint", made.endpoint);
  // Elsewhere is an emulator, which has neither accounts nor monitoring.
  if (made.endpoint != google) made.monitoring.clear();
  options.text("monitoring", made.monitoring);
  options.text("topic", made.topic);
  options.text("dead_letter_topic", made.dead_letter_topic);
  options.duration("wait", made.wait);
  options.text("ca_file", made.ca_file);
  bool token = made.endpoint.starts_with("https://");
  options.flag("token", token);
  if (auto read = options.finish(); !read) return std::unexpected(read.error());
  if (made.wait < Duration(0) || made.wait > 10min)
    return error(ErrorCode::Invalid, url.shown() + ": option wait is at most 10m");
  if (token) made.credentials = make_google_credentials();
  return make_pubsub_source(std::move(made));
}

#if FOREWARM_SERVICEBUS
constexpr const char* kServiceBusResource = "https://servicebus.azure.net";

std::string joined_path(const std::vector<std::string>& segments) {
  std::string path;
  for (const auto& segment : segments) path += (path.empty() ? "" : "/") + segment;
  return path;
}

bool on_this_machine(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// A key of a policy, a whole connection string, or else an identity.
Result<std::shared_ptr<BusTokens>> service_bus_tokens(const SourceUrl& url, const ServiceBusOptions& made) {
  if (url.user.empty() && url.password.empty())
    return make_identity_tokens(make_azure_credentials(kServiceBusResource));
  if (!is_bus_connection_string(url.password)) {
    if (url.user.empty() || url.password.empty())
      return error(
          ErrorCode::Invalid,
          url.shown() +
              ": a shared access policy has a name and a key: give its name before the @ and the key "
              "in password_file, or a whole connection string there");
    return make_key_tokens(url.user, url.password);
  }
  const auto parsed = parse_bus_connection_string(url.password);
  if (!parsed) return error(parsed.error().code, url.shown() + ": " + parsed.error().message);
  if (parsed->host != made.name_space)
    return error(ErrorCode::Invalid, url.shown() + ": the connection string is for " + parsed->host +
                                         ", the URL for " + made.name_space);
  if (!parsed->entity_path.empty() && parsed->entity_path != made.queue)
    return error(ErrorCode::Invalid, url.shown() + ": the connection string is for the queue " +
                                         parsed->entity_path + ", the URL for " + made.queue);
  if (!parsed->signature.empty()) return make_signature_tokens(parsed->signature);
  return make_key_tokens(parsed->key_name, parsed->key);
}

/// Something in between: a private endpoint, an emulator. Tokens go unencrypted only on this machine.
Result<void> read_service_bus_endpoint(const std::string& endpoint, const SourceUrl& url,
                                       ServiceBusOptions& made) {
  if (endpoint.empty()) return {};
  const auto parsed = parse_source_url(endpoint);
  if (!parsed || (parsed->scheme != "amqps" && parsed->scheme != "amqp") || !parsed->segments.empty())
    return error(ErrorCode::Invalid, url.shown() + ": option endpoint: expected amqps://HOST[:PORT]");
  made.tls = parsed->scheme == "amqps";
  made.host = parsed->host;
  made.port = parsed->port.value_or(made.tls ? 5671 : 5672);
  made.management.clear();
  if (made.tls || on_this_machine(made.host)) return {};
  return error(ErrorCode::Invalid, url.shown() +
                                       ": option endpoint: without TLS (amqp://) only on this machine, "
                                       "since tokens are sent there; expected amqps://HOST[:PORT]");
}

/// With `keeps_order` whoever gets the messages handles those of a group one after another.
MadeSource make_service_bus(const SourceUrl& url, bool keeps_order, const SecretReader& again) {
  if (url.segments.empty())
    return error(ErrorCode::Invalid, url.shown() + ": expected servicebus://NAMESPACE/QUEUE");
  ServiceBusOptions made;
  made.name_space = url.host.find('.') == std::string::npos ? url.host + ".servicebus.windows.net" : url.host;
  made.queue = joined_path(url.segments);
  made.host = made.name_space;
  made.port = url.port.value_or(made.port);
  made.management = "https://" + made.name_space;
  SourceUrlOptions options(url);
  std::string endpoint;
  options.text("endpoint", endpoint);
  if (auto read = read_service_bus_endpoint(endpoint, url, made); !read) return std::unexpected(read.error());
  options.text("management", made.management);
  options.text("ca_file", made.ca_file);
  options.seconds("heartbeat", made.heartbeat);
  std::optional<std::uint32_t> sessions;
  options.number("sessions", sessions);
  options.duration("session_idle", made.session_idle);
  options.duration("session_turn", made.session_turn);
  if (auto read = options.finish(); !read) return std::unexpected(read.error());
  if (sessions && *sessions == 0)
    return error(ErrorCode::Invalid,
                 url.shown() +
                     ": option sessions: how many sessions are served at a time; expected "
                     "1 or more, or no such option for a queue without sessions");
  made.has_sessions = sessions.has_value();
  made.sessions = sessions.value_or(made.sessions);
  made.keeps_order = keeps_order;
  while (made.management.ends_with('/')) made.management.pop_back();
  if (!made.management.empty() && !made.management.starts_with("https://"))
    return error(ErrorCode::Invalid, url.shown() + ": option management: expected https://HOST");
  auto tokens = service_bus_tokens(url, made);
  if (!tokens) return std::unexpected(tokens.error());
  made.tokens = std::move(*tokens);
  if (again) {
    const auto read = [url, made, again]() -> Result<std::shared_ptr<BusTokens>> {
      auto secret = again();
      if (!secret) return std::unexpected(secret.error());
      SourceUrl now = url;
      now.password = std::move(*secret);
      return service_bus_tokens(now, made);
    };
    made.tokens = make_read_tokens(made.tokens, read);
  }
  return make_service_bus_source(std::move(made));
}
#else
MadeSource make_service_bus(const SourceUrl& url, bool, const SecretReader&) {
  return error(ErrorCode::Invalid,
               url.shown() + ": this forewarm was built without Service Bus (FOREWARM_SERVICEBUS=OFF)");
}
#endif

}  // namespace

MadeSource make_source(const SourceConfig& config) {
  auto parsed = parse_source_url(config.url);
  if (!parsed) return std::unexpected(parsed.error());
  SourceUrl& url = *parsed;
  auto options = config.options;
  if (!config.ca_file.empty()) options["ca_file"] = config.ca_file;
  std::erase_if(url.options, [&](const auto& option) { return options.contains(option.first); });
  url.options.insert(url.options.end(), options.begin(), options.end());
  SecretReader again;
  if (!config.password_file.empty()) {
    again = [setting = url.shown() + ": password_file", path = config.password_file] {
      return read_secret_file(setting, path, 1);
    };
    auto secret = again();
    if (!secret) return std::unexpected(secret.error());
    url.password = std::move(*secret);
  }
  if (url.scheme == "amqp" || url.scheme == "amqps") return make_amqp(url, again);
  if (url.scheme == "nats" || url.scheme == "tls") return make_nats(url, again);
  if (url.scheme == "sqs+https" || url.scheme == "sqs+http") return make_sqs(url);
  if (url.scheme == "pubsub") return make_pubsub(url);
  if (url.scheme == "servicebus") return make_service_bus(url, config.queue.ends_with(".fifo"), again);
  return error(ErrorCode::Invalid,
               url.shown() + ": no engine has the scheme '" + url.scheme +
                   "'; there are amqp and amqps (RabbitMQ), nats and tls (NATS "
                   "JetStream), sqs+https (SQS), pubsub (Google Pub/Sub), servicebus (Azure Service Bus)");
}

}  // namespace forewarm
