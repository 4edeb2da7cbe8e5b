#include "app/listen_address.h"

#include <unistd.h>

#include <filesystem>

#include "edge/files/whole_file.h"

namespace forewarm {
namespace {

std::string endpoints_path(const std::string& data) {
  return data + "/endpoints.json";
}

}  // namespace

Result<Endpoint> listen_address(const char* setting, const std::string& text, bool guarded) {
  Result<Endpoint> endpoint = parse_endpoint(text);
  if (!endpoint) return error(ErrorCode::Invalid, std::string(setting) + ": " + endpoint.error().message);
  if (guarded || is_loopback(*endpoint)) return endpoint;
  return error(
      ErrorCode::Invalid,
      to_string(*endpoint) +
          " is not a loopback address, and nothing says who may use it: anyone who reaches it could read and "
          "delete messages. " +
          "Name those who may with " +
          (std::string_view(setting) == "admin" ? "[[admin_token]]" : "[[access_key]]") +
          ", or listen on 127.0.0.1 and put an authenticating proxy in front");
}

Result<ListenAddresses> listen_addresses(const ServerConfig& config) {
  const Result<Endpoint> sqs = listen_address("listen", config.listen, !config.access_keys.empty());
  const Result<Endpoint> admin = listen_address("admin", config.admin, !config.admin_tokens.empty());
  if (!sqs) return std::unexpected(sqs.error());
  if (!admin) return std::unexpected(admin.error());
  if (config.workers.listen.empty()) return ListenAddresses{*sqs, *admin};
  const Result<Endpoint> workers = listen_address("workers.listen", config.workers.listen, true);
  if (!workers) return std::unexpected(workers.error());
  return ListenAddresses{*sqs, *admin, *workers};
}

Result<void> write_endpoints(const std::string& data, const std::string& sqs_url,
                             const std::string& admin_url) {
  // Whole at once, so that who waits for the file never reads half of it.
  return replace_file(endpoints_path(data),
                      "{\"sqs\":\"" + sqs_url + "\",\"admin\":\"" + admin_url +
                          "\",\"pid\":" + std::to_string(::getpid()) + "}\n",
                      {.outlives_power_cut = false});
}

void remove_endpoints(const std::string& data) {
  std::error_code code;
  std::filesystem::remove(endpoints_path(data), code);
}

}  // namespace forewarm
