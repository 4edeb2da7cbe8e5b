#include "app/backup_service.h"

#include <boost/json.hpp>
#include <filesystem>

#include "app/admin_answers.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr const char* kStatus =
    R"({"type":"object","required":["state"],"properties":{)"
    R"("state":{"type":"string","enum":["none","running","done","failed"]},)"
    R"("target":{"type":"string"},"pages":{"type":"integer"},"pages_total":{"type":"integer"},)"
    R"("messages":{"type":"integer"},"detail":{"type":"string","description":"why it failed"}}})";

/// True if `inner` is `outer` or lies in it.
bool lies_in(const std::string& inner, const std::string& outer) {
  std::error_code failure;
  const std::string one = std::filesystem::weakly_canonical(inner, failure).string() + "/";
  const std::string other = std::filesystem::weakly_canonical(outer, failure).string() + "/";
  return one.starts_with(other);
}

}  // namespace

BackupService::BackupService(Loop& loop, std::string data, Routes& routes)
    : loop_(loop), data_(std::move(data)) {
  routes.add(
      {.method = "POST",
       .path = "/v1/backup",
       .id = "beginBackup",
       .summary = "Begins to copy the store into a new folder on the server's machine",
       .request_schema =
           R"({"type":"object","properties":{"target":{"type":"string","description":"absolute path of a folder that is new or empty"}},"required":["target"]})",
       .status = 202,
       .schema = kStatus,
       .problems = {400, 409},
       .handle = [this](const RouteRequest& request, const Reply& reply) { begin(request, reply); }});
  routes.add(
      {.path = "/v1/backup",
       .id = "getBackup",
       .summary = "How far the backup is, or what became of the last one",
       .schema = kStatus,
       .handle = [this](const RouteRequest&, const Reply& reply) { reply->send(json_response(status())); }});
}

BackupService::~BackupService() {
  *alive_ = false;
  if (work_) work_->give_up = true;
  if (thread_.joinable()) thread_.join();
}

void BackupService::begin(const RouteRequest& request, const Reply& reply) {
  const std::optional<json::object> body = object_of(request, reply);
  if (!body) return;
  const std::string target = text_in(*body, "target");
  if (target.empty() || target.front() != '/')
    return reply->send(problem(400, "target must be an absolute path, such as /backup/2026-03-01"));
  if (lies_in(target, data_))
    return reply->send(problem(400, "target must not lie in the data folder that is copied"));
  if (work_ && !outcome_)
    return reply->send(problem(409, "a backup to " + target_ + " is under way; wait until it has ended"));
  if (thread_.joinable()) thread_.join();
  target_ = target;
  outcome_.reset();
  work_ = std::make_shared<Work>();
  thread_ = std::thread([this, work = work_, alive = alive_, from = data_, target] {
    auto copied = copy_store(from, target, [&](std::uint64_t pages, std::uint64_t total) {
      work->copied = pages;
      work->total = total;
      return !work->give_up;
    });
    loop_.post([this, alive, copied = std::move(copied)] {
      if (*alive) outcome_ = copied;
    });
  });
  reply->send(json_response(status(), 202));
}

std::string BackupService::status() const {
  json::object out{{"state", "none"}};
  if (!work_) return json::serialize(out);
  out["state"] = !outcome_ ? "running" : *outcome_ ? "done" : "failed";
  out["target"] = target_;
  out["pages"] = work_->copied.load();
  out["pages_total"] = work_->total.load();
  if (outcome_ && *outcome_) out["messages"] = (*outcome_)->messages;
  if (outcome_ && !*outcome_) out["detail"] = outcome_->error().message;
  return json::serialize(out);
}

}  // namespace forewarm
