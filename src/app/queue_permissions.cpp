#include "app/queue_permissions.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>

#include "edge/sqs/limits.h"

namespace forewarm {
namespace {

namespace json = boost::json;
using sqs::Fault;
using sqs::SqsError;

/// What others may be allowed to do; the rest is the owner's.
constexpr std::array<std::string_view, 9> kGrantable = {"*",
                                                        "SendMessage",
                                                        "ReceiveMessage",
                                                        "DeleteMessage",
                                                        "ChangeMessageVisibility",
                                                        "GetQueueUrl",
                                                        "GetQueueAttributes",
                                                        "ListDeadLetterSourceQueues",
                                                        "PurgeQueue"};

bool is_grantable(std::string_view action) {
  return std::ranges::find(kGrantable, action) != kGrantable.end();
}

bool is_account(std::string_view account) {
  return account.size() == 12 && std::ranges::all_of(account, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<SqsError> find_permission_fault(const sqs::AddPermission& request) {
  const auto too_many = [](std::size_t count, std::string_view what, std::size_t most) {
    return SqsError{Fault::OverLimit, std::to_string(count) + " " + std::string(what) +
                                          " were found, maximum allowed is " + std::to_string(most) + "."};
  };
  if (request.actions.size() > sqs::kPermissionActionsMax)
    return too_many(request.actions.size(), "Actions", sqs::kPermissionActionsMax);
  if (request.accounts.size() > sqs::kPermissionAccountsMax)
    return too_many(request.accounts.size(), "AWSAccountIds", sqs::kPermissionAccountsMax);
  for (const std::string& action : request.actions) {
    if (!is_grantable(action)) {
      return sqs::invalid_value("SQS:" + action, "ActionName",
                                "Only the queue owner is allowed to invoke this action.");
    }
  }
  for (const std::string& account : request.accounts) {
    if (!is_account(account))
      return sqs::invalid_value("[" + account + "]", "PrincipalId", "Unable to verify.");
  }
  return std::nullopt;
}

/// One is written as itself, several as a list.
json::value one_or_list(json::array list) {
  return list.size() == 1 ? json::value(list.front()) : json::value(std::move(list));
}

json::object read_policy(std::string_view text) {
  json::error_code failure;
  const json::value document = text.empty() ? json::value(json::object()) : json::parse(text, failure);
  return !failure && document.is_object() ? document.get_object() : json::object();
}

/// A policy's statement may be one that is not in a list.
json::array statements(const json::object& policy) {
  const json::value* found = policy.if_contains("Statement");
  if (!found) return {};
  return found->is_array() ? found->get_array() : json::array({*found});
}

bool has_label(const json::value& statement, std::string_view label) {
  const json::value* sid = statement.is_object() ? statement.get_object().if_contains("Sid") : nullptr;
  return sid && sid->is_string() && std::string_view(sid->get_string()) == label;
}

json::object statement_of(const sqs::AddPermission& request, std::string_view queue_arn) {
  json::array principals;
  json::array actions;
  for (const std::string& account : request.accounts)
    principals.emplace_back("arn:aws:iam::" + account + ":root");
  for (const std::string& action : request.actions) actions.emplace_back("SQS:" + action);
  return {{"Sid", request.label},
          {"Effect", "Allow"},
          {"Principal", json::object{{"AWS", one_or_list(std::move(principals))}}},
          {"Action", one_or_list(std::move(actions))},
          {"Resource", queue_arn}};
}

}  // namespace

sqs::SqsResult<std::string> add_permission(std::string_view policy, std::string_view queue_arn,
                                           const sqs::AddPermission& request) {
  if (auto fault = find_permission_fault(request)) return std::unexpected(std::move(*fault));
  json::object document = read_policy(policy);
  json::array list = statements(document);
  if (std::ranges::any_of(list, [&](const json::value& each) { return has_label(each, request.label); }))
    return std::unexpected(sqs::invalid_value(request.label, "Label", "Already exists."));
  if (list.size() >= sqs::kPermissionStatementsMax)
    return sqs::refuse(Fault::OverLimit, "A policy can have at most 20 statements.");
  if (!document.contains("Version")) document["Version"] = "2008-10-17";
  if (!document.contains("Id")) document["Id"] = std::string(queue_arn) + "/SQSDefaultPolicy";
  list.emplace_back(statement_of(request, queue_arn));
  document["Statement"] = std::move(list);
  return json::serialize(document);
}

sqs::SqsResult<std::string> remove_permission(std::string_view policy, const sqs::RemovePermission& request) {
  json::object document = read_policy(policy);
  const json::array list = statements(document);
  json::array kept;
  for (const json::value& each : list) {
    if (!has_label(each, request.label)) kept.push_back(each);
  }
  if (kept.size() == list.size()) {
    return std::unexpected(
        sqs::invalid_value(request.label, "Label",
                           policy.empty() ? "can't find label." : "can't find label on existing policy."));
  }
  if (kept.empty()) return std::string();
  document["Statement"] = std::move(kept);
  return json::serialize(document);
}

}  // namespace forewarm
