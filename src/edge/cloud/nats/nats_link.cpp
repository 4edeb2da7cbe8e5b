#include "edge/cloud/nats/nats_link.h"

#include <algorithm>
#include <cstdlib>

#include "edge/cloud/authorisation.h"
#include "edge/cloud/utf8.h"
#include "edge/net/egress.h"

namespace forewarm {
namespace {

constexpr std::int64_t kAnswerMs = 5000;

struct FreeArray {
  void operator()(const char** array) const { std::free(static_cast<void*>(array)); }
};
using NatsStrings = std::unique_ptr<const char*, FreeArray>;

}  // namespace

std::string_view nats_data(const NatsMessage& message) {
  return {natsMsg_GetData(message.get()), static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))};
}

std::string_view nats_reply_subject(const NatsMessage& message) {
  const char* subject = natsMsg_GetReply(message.get());
  return subject == nullptr ? "" : subject;
}

std::string_view nats_header(const NatsMessage& message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message.get(), name, &value) == NATS_OK && value != nullptr ? value : "";
}

NatsHeaders nats_headers(const NatsMessage& message) {
  const char** names = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(message.get(), &names, &count) != NATS_OK) return {};
  const NatsStrings names_owned(names);
  NatsHeaders headers;
  for (int i = 0; i < count; ++i) {
    const char** values = nullptr;
    int value_count = 0;
    if (natsMsgHeader_Values(message.get(), names[i], &values, &value_count) != NATS_OK) continue;
    const NatsStrings values_owned(values);
    for (int k = 0; k < value_count; ++k) {
      if (is_utf8(names[i]) && is_utf8(values[k])) headers.emplace_back(names[i], values[k]);
    }
  }
  // The library keeps them by hash.
  std::ranges::stable_sort(headers, {}, &std::pair<std::string, std::string>::first);
  return headers;
}

NatsSubscription::NatsSubscription(natsConnection* connection, const std::string& subject, Take take)
    : receiver_(std::make_shared<Receiver>()) {
  receiver_->take = std::move(take);
  auto* closure = new std::shared_ptr<Receiver>(receiver_);
  if (natsConnection_Subscribe(&subscription_, connection, subject.c_str(), &receive, closure) != NATS_OK) {
    subscription_ = nullptr;
    delete closure;
    return;
  }
  // The library may be in the middle of a call when the subscription is destroyed; this comes after the last.
  natsSubscription_SetOnCompleteCB(
      subscription_, [](void* last) { delete static_cast<std::shared_ptr<Receiver>*>(last); }, closure);
}

NatsSubscription::~NatsSubscription() {
  {
    const std::lock_guard lock(receiver_->mutex);
    receiver_->take = nullptr;
  }
  natsSubscription_Destroy(subscription_);
}

void NatsSubscription::receive(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
  const auto& receiver = *static_cast<std::shared_ptr<Receiver>*>(closure);
  NatsMessage owned(message, &natsMsg_Destroy);
  const std::lock_guard lock(receiver->mutex);
  if (receiver->take) receiver->take(std::move(owned));
}

Result<std::unique_ptr<NatsLink>> NatsLink::open(const NatsOptions& options, std::function<void()> ended) {
  std::unique_ptr<NatsLink> link(new NatsLink(options));
  link->ended_ = std::make_shared<Ended>();
  link->ended_->call = std::move(ended);
  if (auto connected = link->connect(); !connected) return std::unexpected(connected.error());
  return link;
}

NatsLink::~NatsLink() {
  {
    const std::lock_guard lock(ended_->mutex);
    ended_->call = nullptr;
  }
  if (connection_ == nullptr) return;
  natsConnection_Close(connection_);
  natsConnection_Destroy(connection_);
}

Result<void> NatsLink::configure(natsOptions* made) {
  const std::string url = "nats://" + options_.host + ":" + std::to_string(options_.port);
  natsOptions_SetURL(made, url.c_str());
  natsOptions_SetName(made, "forewarm");
  natsOptions_SetTimeout(made, kAnswerMs);
  natsOptions_SetWriteDeadline(made, kAnswerMs);
  natsOptions_SetAllowReconnect(made, false);
  natsOptions_SetIgnoreDiscoveredServers(made, true);
  natsOptions_SetPingInterval(made, std::chrono::milliseconds(options_.heartbeat).count());
  natsOptions_SetMaxPingsOut(made, 1);
  // One thread of the library for all that comes, instead of one for each pull request.
  natsOptions_UseGlobalMessageDelivery(made, true);
  const auto secret = options_.read_secret
                          ? options_.read_secret()
                          : Result<std::string>(options_.user.empty() ? options_.token : options_.password);
  if (!secret) return error(secret.error().code, place() + ": " + secret.error().message);
  if (!options_.user.empty()) {
    natsOptions_SetUserInfo(made, options_.user.c_str(), secret->c_str());
  } else if (!secret->empty()) {
    natsOptions_SetToken(made, secret->c_str());
  }
  if (!options_.credentials_file.empty()) {
    natsOptions_SetUserCredentialsFromFiles(made, options_.credentials_file.c_str(), nullptr);
  }
  if (!options_.tls) return {};
  natsOptions_SetSecure(made, true);
  natsOptions_SetExpectedHostname(made, options_.host.c_str());
  if (!options_.ca_file.empty() &&
      natsOptions_LoadCATrustedCertificates(made, options_.ca_file.c_str()) != NATS_OK) {
    return error(ErrorCode::Invalid, place() + ": \"" + options_.ca_file +
                                         "\" cannot be read as certificates of authorities (PEM)");
  }
  return {};
}

Result<void> NatsLink::connect() {
  if (auto allowed = check_egress({options_.host, options_.port}); !allowed) return allowed;
  natsOptions* options = nullptr;
  if (natsOptions_Create(&options) != NATS_OK) return error(ErrorCode::Exhausted, place() + ": no memory");
  const std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)> owned(options, &natsOptions_Destroy);
  if (auto configured = configure(options); !configured) return configured;
  auto* closure = new std::shared_ptr<Ended>(ended_);
  natsOptions_SetClosedCB(
      options,
      [](natsConnection*, void* last) {
        const std::unique_ptr<std::shared_ptr<Ended>> ended(static_cast<std::shared_ptr<Ended>*>(last));
        const std::lock_guard lock((*ended)->mutex);
        if ((*ended)->call) (*ended)->call();
      },
      closure);
  const auto status = natsConnection_Connect(&connection_, options);
  if (status == NATS_OK) return {};
  connection_ = nullptr;
  delete closure;
  return std::unexpected(refused(status));
}

Error NatsLink::refused(natsStatus status) const {
  natsStatus detail_status = NATS_OK;
  const char* detail = nats_GetLastError(&detail_status);
  const std::string why =
      " (" + printable_start(detail != nullptr && *detail != '\0' ? detail : natsStatus_GetText(status)) +
      ")";
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return {ErrorCode::Invalid, place() + " refused the login" + why +
                                      "; check the user and the password, the token or the credentials file"};
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_SECURE_CONNECTION_WANTED:
      return {ErrorCode::Io,
              place() + ": TLS failed" + why +
                  "; check that both sides want TLS (tls://), that its certificate names this host, "
                  "and that ca_file holds the authority that signed it"};
    default:
      return {ErrorCode::Io,
              place() + " cannot be reached" + why + "; check that it runs and that this is its client port"};
  }
}

Result<void> NatsLink::publish(const std::string& subject, const std::string& reply, std::string_view data,
                               const NatsHeaders& headers) {
  natsMsg* made = nullptr;
  auto status = natsMsg_Create(&made, subject.c_str(), reply.empty() ? nullptr : reply.c_str(), data.data(),
                               static_cast<int>(data.size()));
  const NatsMessage message(made, &natsMsg_Destroy);
  for (const auto& [name, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Add(made, name.c_str(), value.c_str());
  }
  if (status == NATS_OK) status = natsConnection_PublishMsg(connection_, made);
  if (status == NATS_OK) return {};
  if (status == NATS_CONNECTION_CLOSED) return std::unexpected(ended());
  const auto code = status == NATS_MAX_PAYLOAD || status == NATS_INVALID_SUBJECT || status == NATS_INVALID_ARG
                        ? ErrorCode::Invalid
                        : ErrorCode::Io;
  return error(code,
               place() + ": sending to \"" + subject + "\" failed (" + natsStatus_GetText(status) + ")");
}

Result<std::string> NatsLink::ask(const std::string& subject, const std::string& data) {
  natsMsg* answer = nullptr;
  const auto status = natsConnection_Request(&answer, connection_, subject.c_str(), data.data(),
                                             static_cast<int>(data.size()), kAnswerMs);
  const NatsMessage message(answer, &natsMsg_Destroy);
  if (status == NATS_OK) return std::string(nats_data(message));
  if (status == NATS_NO_RESPONDERS) {
    return error(
        ErrorCode::Invalid,
        place() + " has no JetStream for this account; start it with -js, or enable it for the account");
  }
  return error(ErrorCode::Io, place() + " did not answer " + subject + " (" + natsStatus_GetText(status) +
                                  ")" + complaint() +
                                  "; check the user's permissions for $JS.API.> and _INBOX.>");
}

Error NatsLink::ended() const {
  return {ErrorCode::Io, place() + ": the connection ended; it is tried again until it is back"};
}

std::string NatsLink::inbox() const {
  natsInbox* made = nullptr;
  natsInbox_Create(&made);
  std::string subject = made == nullptr ? "" : made;
  natsInbox_Destroy(made);
  return subject;
}

std::string NatsLink::place() const {
  return "NATS at " + options_.host + ":" + std::to_string(options_.port);
}

std::string NatsLink::complaint() const {
  const char* text = nullptr;
  natsConnection_GetLastError(connection_, &text);
  return text == nullptr || *text == '\0' ? "" : std::string(" (") + text + ")";
}

}  // namespace forewarm
