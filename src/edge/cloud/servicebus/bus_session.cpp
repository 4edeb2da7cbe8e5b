#include "edge/cloud/servicebus/bus_session.h"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/session.h>

#include "edge/cloud/servicebus/bus_data.h"
#include "edge/cloud/servicebus/bus_message.h"

namespace forewarm {
namespace {

constexpr std::chrono::seconds kOpenWithin{10};
constexpr std::chrono::milliseconds kRefusedWithin{2000};
constexpr std::chrono::milliseconds kLastAnswers{1000};
constexpr std::chrono::seconds kLookAtToken{2};
// A link that is closed sooner is not idle: something is wrong.
constexpr std::chrono::seconds kAttachedSome{1};

const char* disposition_status(SettleKind kind) {
  return kind == SettleKind::Acknowledge ? "completed"
         : kind == SettleKind::Release   ? "abandoned"
                                         : "suspended";
}

void fill_operation(pn_message_t* message, std::string_view operation,
                    const std::vector<std::pair<std::string_view, std::string_view>>& more = {}) {
  pn_data_t* properties = pn_message_properties(message);
  pn_data_put_map(properties);
  pn_data_enter(properties);
  put_text(properties, "operation");
  put_text(properties, operation);
  for (const auto& [name, value] : more) {
    put_text(properties, name);
    put_text(properties, value);
  }
  pn_data_exit(properties);
}

/// An array of UUIDs, in a map that the caller has begun.
void put_lock_tokens(pn_data_t* body, const std::vector<std::string>& tokens) {
  put_text(body, "lock-tokens");
  pn_data_put_array(body, false, PN_UUID);
  pn_data_enter(body);
  for (const auto& token : tokens) {
    if (const auto uuid = uuid_of_lock_token(token)) pn_data_put_uuid(body, *uuid);
  }
  pn_data_exit(body);
}

ErrorCode code_of_status(int status) {
  if (status == 410 || status == 404) return ErrorCode::Closed;
  if (status == 429 || status == 503) return ErrorCode::Exhausted;
  if (status == 401 || status == 403) return ErrorCode::Invalid;
  return status >= 500 || status == 408 ? ErrorCode::Io : ErrorCode::Conflict;
}

bool fine(int status) {
  return status >= 200 && status < 300;
}

bool is_about_sessions(std::string_view condition) {
  return condition.starts_with("amqp:not-allowed") && condition.find("session") != std::string_view::npos;
}

std::string status_text(const BusAnswer& answer) {
  return " (" + std::to_string(answer.status) +
         (answer.description.empty() ? "" : ": " + answer.description) + ")";
}

}  // namespace

BusSession::BusSession(std::unique_ptr<ProtonConnection> connection, const ServiceBusOptions& options,
                       BusReceiver::Heard heard, std::optional<SessionReceivers::Heard> sessions)
    : connection_(std::move(connection)),
      options_(options),
      heard_(std::move(heard)),
      place_(connection_->place() + ", queue \"" + options.queue + "\""),
      session_(pn_session(connection_->connection())),
      sender_(session_, options.queue, place_) {
  pn_session_open(session_);
  if (!sessions) return;
  sessions_ = std::make_unique<SessionReceivers>(
      connection_->connection(), options_, place_, std::move(*sessions),
      SessionReceivers::Hands{
          .renew = [this](const std::string& session, const std::string& link, Renewed renewed) {
            renew_session(session, link, std::move(renewed));
          }});
}

Result<void> BusSession::open() {
  if (auto authorized = authorize(); !authorized) return authorized;
  if (auto answered = wait_for([this] { return authorizing_ == 0; }, "the token"); !answered) return answered;
  if (sessions_) return attach_sessions();
  attach();
  return wait_for([this] { return receiver_->attached(); }, "attaching to the queue");
}

// A queue without messages answers nothing until there are some; one that is none, or has no sessions, at
// once.
Result<void> BusSession::attach_sessions() {
  const auto until = Clock::now() + kRefusedWithin;
  sessions_->want(1, Clock::now());
  return wait_for([&] { return sessions_->answered() || Clock::now() >= until; }, "attaching to the queue");
}

void BusSession::attach() {
  attached_at_ = Clock::now();
  receiver_ = std::make_unique<BusReceiver>(session_, options_.queue, "messages" + std::to_string(++links_),
                                            place_, heard_);
}

Result<void> BusSession::wait_for(const std::function<bool()>& reached, const std::string& what) {
  auto waited = connection_->turn_until([&] { return failure_.has_value() || reached(); }, kOpenWithin,
                                        [this](pn_event_t* event) { take(event); }, what);
  if (failure_) return std::unexpected(*failure_);
  return waited;
}

Result<void> BusSession::authorize() {
  const auto token = options_.tokens->of(resource());
  if (!token) return std::unexpected(token.error());
  const auto of_management = options_.tokens->of(resource() + "/$management");
  if (!of_management) return std::unexpected(of_management.error());
  look_at_token_ = Clock::now() + kLookAtToken;
  if (token->text == authorized_) return {};
  put_token(resource(), *token);
  put_token(resource() + "/$management", *of_management);
  return {};
}

void BusSession::put_token(const std::string& resource, const BusToken& token) {
  ++authorizing_;
  const bool of_queue = resource == this->resource();
  link_to(authorization_, "$cbs", "tokens")
      .send(
          [&](pn_message_t* message) {
            fill_operation(message, "put-token", {{"type", token.type}, {"name", resource}});
            put_text(pn_message_body(message), token.text);
          },
          [this, of_queue, text = token.text](const Result<BusAnswer>& answer) {
            --authorizing_;
            if (!answer) return fail({answer.error().code, place_ + ": " + answer.error().message});
            if (fine(answer->status)) {
              if (of_queue) authorized_ = text;
              return;
            }
            const auto code = code_of_status(answer->status);
            // The management node's own name is not known to all.
            if (!of_queue && code == ErrorCode::Closed) return;
            if (code == ErrorCode::Invalid) {
              options_.tokens->renew();
              return fail(refusal("amqp:unauthorized-access" + status_text(*answer)));
            }
            if (code == ErrorCode::Closed) return fail(refusal("amqp:not-found" + status_text(*answer)));
            fail({code, place_ + " did not take the token" + status_text(*answer) + "; it is tried again"});
          });
}

void BusSession::keep_authorized(Clock::time_point now) {
  if (now < look_at_token_ || authorizing_ > 0) return;
  look_at_token_ = now + kLookAtToken;
  // A token that cannot be had now may be had before the one that was taken runs out; if not, the service
  // ends the links, and connecting says why.
  (void)authorize();
}

RequestLink& BusSession::link_to(std::unique_ptr<RequestLink>& link, const std::string& node,
                                 const char* name) {
  if (!link) link = std::make_unique<RequestLink>(session_, node, name + std::to_string(++links_));
  return *link;
}

Result<void> BusSession::turn() {
  const auto now = Clock::now();
  keep_authorized(now);
  if (receiver_) receiver_->expire(now);
  for (auto* link : {authorization_.get(), management_.get()}) {
    if (link != nullptr) link->expire(now);
  }
  auto turned = connection_->turn([this](pn_event_t* event) { take(event); });
  if (failure_) return std::unexpected(*failure_);
  return turned;
}

void BusSession::want(std::uint32_t messages, std::uint32_t window) {
  if (sessions_) return sessions_->want(window, Clock::now());
  receiver_->want(messages, window);
}

void BusSession::settle(const Settlement& settlement, const Taken& taken) {
  if (sessions_) return settle_of_session(settlement, taken);
  if (!receiver_->settle(settlement, taken)) settle_apart(settlement, std::nullopt, taken);
}

void BusSession::settle_of_session(const Settlement& settlement, const Taken& taken) {
  if (sessions_->settle(settlement, taken)) return;
  const auto session = sessions_->session_of(settlement.token);
  if (!session) {
    return taken(error(ErrorCode::Closed,
                       place_ +
                           ": the session's lock ended before the settlement reached it; the message comes "
                           "again if it was not settled"));
  }
  settle_apart(settlement, session, [this, token = settlement.token, taken](const Result<void>& result) {
    sessions_->settled(token, result);
    taken(result);
  });
}

void BusSession::settle_apart(const Settlement& settlement, const std::optional<std::string>& session,
                              const Taken& taken) {
  link_to(management_, options_.queue + "/$management", "management")
      .send(
          [&](pn_message_t* message) {
            fill_operation(message, "com.microsoft:update-disposition");
            pn_data_t* body = pn_message_body(message);
            pn_data_put_map(body);
            pn_data_enter(body);
            put_text(body, "disposition-status");
            put_text(body, disposition_status(settlement.kind));
            put_lock_tokens(body, {settlement.token});
            if (session) {
              put_text(body, "session-id");
              put_text(body, *session);
            }
            if (settlement.kind == SettleKind::DeadLetter) {
              put_text(body, "deadletter-reason");
              put_text(body, settlement.reason.empty() ? "forewarm" : settlement.reason);
              put_text(body, "deadletter-description");
              put_text(body, "dead-lettered by forewarm");
            }
            pn_data_exit(body);
          },
          [place = place_, taken](const Result<BusAnswer>& answer) {
            if (!answer) return taken(error(answer.error().code, place + ": " + answer.error().message));
            if (fine(answer->status)) return taken({});
            taken(error(code_of_status(answer->status), place + " did not settle the message" +
                                                            status_text(*answer) +
                                                            "; it comes again if it was not settled"));
          });
}

void BusSession::renew(const std::vector<std::string>& tokens, Renewed renewed) {
  link_to(management_, options_.queue + "/$management", "management")
      .send(
          [&](pn_message_t* message) {
            fill_operation(message, "com.microsoft:renew-lock");
            pn_data_t* body = pn_message_body(message);
            pn_data_put_map(body);
            pn_data_enter(body);
            put_lock_tokens(body, tokens);
            pn_data_exit(body);
          },
          [this, count = tokens.size(), renewed = std::move(renewed)](const Result<BusAnswer>& answer) {
            renew_answered(answer, count, renewed);
          });
}

void BusSession::renew_session(const std::string& session, const std::string& link, Renewed renewed) {
  link_to(management_, options_.queue + "/$management", "management")
      .send(
          [&](pn_message_t* message) {
            fill_operation(message, "com.microsoft:renew-session-lock", {{"associated-link-name", link}});
            pn_data_t* body = pn_message_body(message);
            pn_data_put_map(body);
            pn_data_enter(body);
            put_text(body, "session-id");
            put_text(body, session);
            pn_data_exit(body);
          },
          [this, renewed = std::move(renewed)](const Result<BusAnswer>& answer) {
            renew_answered(answer, 1, renewed);
          });
}

void BusSession::renew_answered(const Result<BusAnswer>& answer, std::size_t count,
                                const Renewed& renewed) const {
  if (!answer) return renewed(std::unexpected(answer.error()));
  if (!fine(answer->status)) {
    const bool lost = code_of_status(answer->status) == ErrorCode::Closed;
    return renewed(error(lost ? ErrorCode::Closed : ErrorCode::Exhausted,
                         place_ + " did not renew a lock" + status_text(*answer)));
  }
  if (answer->expirations.size() != count)
    return renewed(
        error(ErrorCode::Exhausted, place_ + " renewed another number of locks than it was asked"));
  renewed(answer->expirations);
}

void BusSession::take(pn_event_t* event) {
  switch (pn_event_type(event)) {
    case PN_DELIVERY: {
      pn_delivery_t* delivery = pn_event_delivery(event);
      const pn_link_t* link = pn_event_link(event);
      if (receiver_ && link == receiver_->link()) return receiver_->take(delivery);
      if (sessions_ && sessions_->owns(link)) return sessions_->take(link, delivery);
      if (sender_.owns(link)) return sender_.take(delivery);
      for (auto* requests : {authorization_.get(), management_.get()}) {
        if (requests != nullptr && requests->owns(link)) return requests->take(delivery);
      }
      return;
    }
    case PN_LINK_REMOTE_OPEN:
      if (sessions_) sessions_->attached(pn_event_link(event));
      return;
    case PN_LINK_REMOTE_CLOSE:
    case PN_LINK_REMOTE_DETACH:
      return link_closed(pn_event_link(event));
    case PN_SESSION_REMOTE_CLOSE:
      return channel_closed(pn_event_session(event));
    default:
      return;
  }
}

void BusSession::channel_closed(pn_session_t* channel) {
  const std::string condition = condition_text(pn_session_remote_condition(channel));
  if (channel == session_ || (sessions_ && !sessions_->closed(channel, condition))) fail(refusal(condition));
}

// A link may be closed for having had nothing to do for ten minutes. One of requests, or for publishing, is
// made again when there is something; the one on which messages come at once.
void BusSession::link_closed(pn_link_t* link) {
  const std::string condition = condition_text(pn_link_remote_condition(link));
  const Error why = refusal(condition);
  other_kind_ = other_kind_ || is_about_sessions(condition);
  if (receiver_ && link == receiver_->link()) {
    if (!condition.starts_with("amqp:link:detach-forced") || Clock::now() - attached_at_ < kAttachedSome)
      return fail(why);
    const auto ended = std::exchange(receiver_, nullptr);
    attach();
    return ended->end({ErrorCode::Io, why.message});
  }
  if (sessions_ && sessions_->owns(link)) {
    if (!sessions_->closed(link, condition)) fail(why);
    return;
  }
  if (sender_.owns(link)) return sender_.end(why);
  for (auto* requests : {&authorization_, &management_}) {
    if (!*requests || !(*requests)->owns(link)) continue;
    const auto ended = std::move(*requests);
    ended->end(why);
  }
}

Error BusSession::refusal(const std::string& condition) const {
  const std::string why = condition.empty() ? "" : " (" + condition + ")";
  if (condition.starts_with("amqp:not-found")) {
    return {ErrorCode::NotFound, place_ + " is not there" + why + "; create it, or correct the URL"};
  }
  if (is_about_sessions(condition)) {
    return {ErrorCode::Conflict,
            place_ +
                (sessions_ ? " has no sessions; leave out the option sessions, or create it with sessions"
                           : " requires sessions") +
                why};
  }
  switch (bus_error_code(condition)) {
    case ErrorCode::Invalid:
      return {ErrorCode::Invalid,
              place_ + " refused the credentials" + why +
                  "; a shared access policy needs Listen (and Send, for publishing), an identity the role "
                  "\"Azure Service Bus Data Receiver\" (and \"... Data Sender\")"};
    case ErrorCode::Exhausted:
      return {ErrorCode::Exhausted, place_ + " is throttled" + why + "; it is tried again, more slowly"};
    default:
      return {ErrorCode::Io, place_ + ": the service ended the link" + why + "; it is tried again"};
  }
}

void BusSession::end(const Error& why) {
  if (receiver_) receiver_->end(why);
  if (sessions_) sessions_->end(why);
  sender_.end(why);
  for (auto* requests : {&authorization_, &management_}) {
    if (*requests) (*requests)->end(why);
  }
}

void BusSession::close() {
  const auto until = Clock::now() + kLastAnswers;
  const auto settling = [this] {
    return (receiver_ ? receiver_->settling() : 0) + (sessions_ ? sessions_->settling() : 0);
  };
  if (settling() > 0) {
    (void)connection_->turn_until(
        [&] { return failure_.has_value() || settling() == 0 || Clock::now() >= until; }, 2 * kLastAnswers,
        [this](pn_event_t* event) { take(event); }, "the last settlements");
  }
  connection_->close();
}

}  // namespace forewarm
