#include "app/access_keys.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "app/move_tasks.h"
#include "edge/net/aws_verification.h"
#include "edge/sqs/parse.h"

namespace forewarm {
namespace {

using sqs::Fault;

Result<std::string> read_secret(const std::string& id, std::string_view setting, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string secret;
  std::getline(file, secret);
  while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
  if (!secret.empty()) return secret;
  return error(ErrorCode::NotFound, "[[access_key]] '" + id + "': " + std::string(setting) +
                                        ": there is no text in " + path + "; its first line is what is read");
}

Fault fault_of(SignatureFault fault) {
  switch (fault) {
    case SignatureFault::MissingAuthenticationToken:
      return Fault::MissingAuthenticationToken;
    case SignatureFault::IncompleteSignature:
      return Fault::IncompleteSignature;
    case SignatureFault::InvalidClientTokenId:
      return Fault::InvalidClientTokenId;
    case SignatureFault::RequestExpired:
      return Fault::RequestExpired;
    case SignatureFault::SignatureDoesNotMatch:
      return Fault::SignatureDoesNotMatch;
  }
  return Fault::AccessDenied;
}

std::unexpected<sqs::SqsError> signature_refusal(const SignatureRefusal& refusal) {
  return sqs::refuse(fault_of(refusal.fault), refusal.message);
}

enum class Right { Look, Send, Receive, Manage };

/// One thing that a request wants.
struct Want {
  Right right;
  std::string queue;
};

template <class Asked>
constexpr Right right_for() {
  if constexpr (std::is_same_v<Asked, sqs::SendMessage> || std::is_same_v<Asked, sqs::SendMessageBatch>)
    return Right::Send;
  if constexpr (std::is_same_v<Asked, sqs::ReceiveMessage> || std::is_same_v<Asked, sqs::DeleteMessage> ||
                std::is_same_v<Asked, sqs::DeleteMessageBatch> ||
                std::is_same_v<Asked, sqs::ChangeMessageVisibility> ||
                std::is_same_v<Asked, sqs::ChangeMessageVisibilityBatch>)
    return Right::Receive;
  if constexpr (std::is_same_v<Asked, sqs::GetQueueUrl> || std::is_same_v<Asked, sqs::GetQueueAttributes> ||
                std::is_same_v<Asked, sqs::ListQueueTags> ||
                std::is_same_v<Asked, sqs::ListDeadLetterSourceQueues>)
    return Right::Look;
  return Right::Manage;
}

struct Wants {
  std::vector<Want> operator()(const sqs::ListQueues&) const { return {}; }
  std::vector<Want> operator()(const sqs::StartMessageMoveTask& request) const {
    std::vector<Want> wants = {{Right::Manage, std::string(sqs::queue_name_of_arn(request.source_arn))}};
    if (request.destination_arn)
      wants.push_back({Right::Send, std::string(sqs::queue_name_of_arn(*request.destination_arn))});
    return wants;
  }
  std::vector<Want> operator()(const sqs::CancelMessageMoveTask& request) const {
    return {{Right::Manage, queue_of_task(request.task_handle)}};
  }
  std::vector<Want> operator()(const sqs::ListMessageMoveTasks& request) const {
    return {{Right::Manage, std::string(sqs::queue_name_of_arn(request.source_arn))}};
  }
  template <class Asked>
  std::vector<Want> operator()(const Asked& request) const {
    if constexpr (requires { request.queue_url; }) {
      return {{right_for<Asked>(), std::string(sqs::queue_name(request.queue_url))}};
    } else {
      return {{right_for<Asked>(), request.name}};
    }
  }
};

bool has_right(const AccessKey& key, Right right) {
  switch (right) {
    case Right::Look:
      return true;
    case Right::Send:
      return key.send;
    case Right::Receive:
      return key.receive;
    case Right::Manage:
      return key.manage;
  }
  return false;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  // One star is gone back to at most once a character: the product of the lengths, not exponential.
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (in < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

bool AccessKey::good_for(std::string_view queue) const {
  return std::ranges::any_of(queues, [&](const std::string& glob) { return matches_glob(glob, queue); });
}

Result<AccessKeys> AccessKeys::load(const std::vector<AccessKeyConfig>& configured) {
  AccessKeys keys;
  for (const AccessKeyConfig& each : configured) {
    const auto may = [&](std::string_view action) {
      return std::ranges::find(each.actions, action) != each.actions.end();
    };
    AccessKey key{.id = each.id,
                  .secret = {},
                  .session_token = {},
                  .queues = each.queues,
                  .send = may("send"),
                  .receive = may("receive"),
                  .manage = may("manage")};
    Result<std::string> secret = read_secret(each.id, "secret_file", each.secret_file);
    if (!secret) return std::unexpected(secret.error());
    key.secret = std::move(*secret);
    if (!each.session_token_file.empty()) {
      Result<std::string> token = read_secret(each.id, "session_token_file", each.session_token_file);
      if (!token) return std::unexpected(token.error());
      key.session_token = std::move(*token);
    }
    keys.keys_.push_back(std::move(key));
  }
  return keys;
}

sqs::SqsResult<const AccessKey*> AccessKeys::authenticate(const HttpRequest& request,
                                                          TimePoint wall_clock) const {
  const auto claim = read_signature(request);
  if (!claim) return signature_refusal(claim.error());
  const auto key = std::ranges::find(keys_, claim->access_key_id, &AccessKey::id);
  if (key == keys_.end())
    return sqs::refuse(Fault::InvalidClientTokenId, "The security token included in the request is invalid.");
  const auto verified = verify_signature(*claim, request,
                                         {.secret_access_key = key->secret,
                                          .session_token = key->session_token,
                                          .service = "sqs",
                                          .now = wall_clock});
  if (!verified) return signature_refusal(verified.error());
  return &*key;
}

sqs::SqsResult<void> AccessKeys::authorize(const AccessKey& key, const sqs::Request& request) {
  for (const Want& want : std::visit(Wants{}, request)) {
    if (has_right(key, want.right) && key.good_for(want.queue)) continue;
    return sqs::refuse(Fault::AccessDenied,
                       "User: " + key.id +
                           " is not authorized to perform: sqs:" + std::string(sqs::action_name(request)) +
                           " on resource: " + (want.queue.empty() ? std::string("none") : want.queue));
  }
  return {};
}

}  // namespace forewarm
