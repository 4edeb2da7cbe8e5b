#include "app/server_guard.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "edge/sqs/sqs_error.h"

namespace forewarm {
namespace {

constexpr std::string_view kNoSender = "000000000000";
constexpr std::size_t kAuditShown = 100;
constexpr std::size_t kAuditShownMax = 100'000;

TimePoint audit_time() {
  return TimePoint(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

/// Bodies of the other routes may hold secrets (a function's environment, a token) or what messages say.
constexpr std::array<std::string_view, 4> kBodiesOnRecord = {"orderScaling", "pauseQueue", "redriveGroup",
                                                             "redriveQueue"};

std::string body_on_record(const HttpRequest& request, const Route& route) {
  if (std::ranges::find(kBodiesOnRecord, route.id) == kBodiesOnRecord.end()) return {};
  return sqs::printable(sqs::excerpt(request.body));
}

std::string lines_as_array(const std::vector<std::string>& lines) {
  std::string text = "[";
  for (const std::string& line : lines) text += (text.size() > 1 ? "," : "") + line;
  return text + "]";
}

}  // namespace

ServerGuard::ServerGuard(const std::string& data, Log& log, AdminAccess access)
    : audit_directory_(data + "/audit"),
      log_(log),
      access_(std::move(access)),
      audit_({.directory = audit_directory_}) {}

Result<std::unique_ptr<ServerGuard>> ServerGuard::open(const ServerConfig& config, Log& log) {
  std::shared_ptr<TlsIdentity> tls;
  if (!config.tls_certificate.empty()) {
    auto loaded = TlsIdentity::load(config.tls_certificate, config.tls_key);
    if (!loaded) return std::unexpected(loaded.error());
    tls = std::move(*loaded);
  }
  auto access = AdminAccess::read(config.admin_tokens, {.secure_cookies = tls != nullptr});
  if (!access) return std::unexpected(access.error());
  std::unique_ptr<ServerGuard> guard(new ServerGuard(config.data, log, std::move(*access)));
  guard->tls_ = std::move(tls);
  return guard;
}

Routes::Options ServerGuard::route_options(const Endpoint& admin) {
  const bool loopback = is_loopback(admin);
  if (!loopback && !tls_)
    log_.warning("the admin port is open to other machines without TLS: tokens travel in the clear");
  Routes::Options options;
  options.loopback = loopback;
  options.guard = [this](const HttpRequest& request, const Route& route) {
    return access_.refusal(request, route);
  };
  options.answered = [this](const HttpRequest& request, const Route& route, unsigned status) {
    note(request, route, status);
  };
  return options;
}

void ServerGuard::add_routes(Routes& routes) {
  access_.add_routes(routes);
  routes.add(
      {.path = "/v1/audit",
       .id = "getAudit",
       .summary = "The newest calls that changed something, with who made them, oldest first",
       .parameters = {{"limit", "at most so many",
                       R"({"type":"integer","minimum":1,"maximum":100000,"default":100})"}},
       .schema =
           R"({"type":"array","items":{"type":"object","required":["time","principal","action","target","result"],"properties":{"time":{"type":"string"},"principal":{"type":"string"},"action":{"type":"string"},"target":{"type":"string"},"details":{"type":"string"},"result":{"type":"string"}}}})",
       .problems = {400},
       .handle = [this](const RouteRequest& request, const std::shared_ptr<HttpReply>& reply) {
         std::size_t limit = kAuditShown;
         if (const std::string_view text = request.parameter("limit"); !text.empty()) {
           const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), limit);
           if (failed != std::errc() || end != text.data() + text.size() || limit == 0 ||
               limit > kAuditShownMax)
             return reply->send(problem(400, "limit must be a whole number from 1 to 100000"));
         }
         reply->send(json_response(lines_as_array(read_audit(audit_directory_, limit))));
       }});
}

void ServerGuard::note(const HttpRequest& request, const Route& route, unsigned status) {
  // Values of signals are data. Who has no token could push all else out of the log.
  if (route.method == "GET" || route.id == "pushSignal" || status == 401) return;
  append({.time = audit_time(),
          .principal = access_.principal(request),
          .action = "admin:" + route.id,
          .target = request.path,
          .result = status < 400 ? "ok" : "refused with status " + std::to_string(status),
          .details = body_on_record(request, route)});
}

void ServerGuard::note(const QueueChange& change) {
  append({.time = audit_time(),
          .principal = std::string(change.sender_id == kNoSender ? "anonymous" : change.sender_id),
          .action = "sqs:" + std::string(change.action),
          .target = std::string(change.queue),
          .result = change.refusal.empty() ? "ok" : std::string(change.refusal),
          .details = std::string(change.details)});
}

/// One warning until it works again: a full disk would otherwise fill the log too.
void ServerGuard::append(const AuditEntry& entry) {
  const Result<void> appended = audit_.append(entry);
  if (!appended && !audit_failed_) log_.warning(appended.error().message);
  audit_failed_ = !appended;
}

void ServerGuard::reload(const ServerConfig& config) {
  auto access = AdminAccess::read(config.admin_tokens, {});
  if (!access)
    log_.error("the tokens are not reloaded, those in force stay", {{"reason", access.error().message}});
  else if (access->needs_token() != access_.needs_token())
    log_.warning("the first or the last [[admin_token]] needs a restart");
  else
    access_.replace(std::move(*access));
  if (tls_) reload_certificate();
}

void ServerGuard::reload_certificate() {
  if (const Result<void> loaded = tls_->reload(); !loaded)
    log_.error("the certificate is not reloaded, the one in force stays",
               {{"reason", loaded.error().message}});
  else
    log_.info("the certificate is reloaded");
}

void ServerGuard::tick(bool disk_full) {
  if (disk_full && !disk_full_)
    log_.error("the disk is full: messages are refused until there is room again");
  else if (!disk_full && disk_full_)
    log_.info("there is room on the disk again: messages are taken");
  disk_full_ = disk_full;
  if (tls_ && tls_->files_changed()) reload_certificate();
}

}  // namespace forewarm
