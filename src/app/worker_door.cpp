#include "app/worker_door.h"

#include <algorithm>

#include "app/admin_access.h"
#include "app/remote_factory.h"
#include "edge/functions/runtime_answer.h"
#include "edge/sqs/digest.h"

namespace forewarm {
namespace {

constexpr std::size_t kWorkerTokenBytesMin = 16;
constexpr std::string_view kScheme = "Bearer ";

}  // namespace

Result<std::unique_ptr<WorkerDoor>> WorkerDoor::open(Loop& loop, const Place& place, WorkerPool& pool,
                                                     const FunctionDirectory& functions,
                                                     const ServerConfig& config) {
  std::unique_ptr<WorkerDoor> door(new WorkerDoor(pool, functions));
  if (const auto tokens = door->take_tokens(config); !tokens) return std::unexpected(tokens.error());
  HttpServer::Options options;
  options.listen = place.listen;
  options.tls = place.tls;
  options.body_max_bytes = kRuntimeBodyMaxBytes;
  options.receive_timeout = std::chrono::seconds(60);
  auto server = HttpServer::listen(loop, options, std::bind_front(&WorkerDoor::answer, door.get()));
  if (!server) return std::unexpected(server.error());
  door->server_ = std::move(*server);
  return door;
}

Result<void> WorkerDoor::take_tokens(const ServerConfig& config) {
  std::map<std::string, std::string> names;
  for (const FunctionConfig& function : config.functions) {
    if (function.runtime != kWorkersRuntime) continue;
    const auto token = read_secret_file("[[function]] '" + function.name + "' remote.token_file",
                                        function.remote.token_file, kWorkerTokenBytesMin);
    if (!token) return std::unexpected(token.error());
    // Digests, as comparing them tells nothing by its time.
    const auto [same, added] = names.emplace(sqs::sha256_hex(*token), function.name);
    if (!added)
      return error(ErrorCode::Invalid, "[[function]] '" + function.name + "' has the token of '" +
                                           same->second + "'; workers are told apart by it");
  }
  names_ = std::move(names);
  return {};
}

void WorkerDoor::answer(HttpRequest request, std::shared_ptr<HttpReply> reply) {
  std::string_view token = find_header(request.headers, "Authorization");
  if (!token.starts_with(kScheme)) {
    HttpResponse refused =
        runtime_refusal(401, "Worker.NoToken",
                        "workers show their function's token: Authorization: Bearer TOKEN. "
                        "Runtimes do not: start them by forewarm-worker");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"forewarm workers\"");
    return reply->send(std::move(refused));
  }
  token.remove_prefix(kScheme.size());
  const auto name = names_.find(sqs::sha256_hex(token));
  const FunctionEntry* function = name != names_.end() ? functions_.find(name->second) : nullptr;
  if (function == nullptr)
    return reply->send(runtime_refusal(403, "Worker.WrongToken",
                                       "no function of this server has that token: compare the worker's "
                                       "--token-file with the function's remote.token_file"));
  pool_.handle(function->id, std::move(request), std::move(reply));
}

}  // namespace forewarm
