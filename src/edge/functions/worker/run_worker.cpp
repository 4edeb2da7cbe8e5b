#include "edge/functions/worker/run_worker.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>

#include "edge/functions/worker/forwarder.h"
#include "edge/functions/worker/runtime_process.h"
#include "edge/functions/worker_protocol.h"
#include "edge/net/tls.h"

namespace forewarm {
namespace {

constexpr const char* kTokenVariable = "FOREWARM_TOKEN";
/// Kubernetes sets it in all containers, and puts its namespace into those that have an account.
constexpr const char* kInPodVariable = "KUBERNETES_SERVICE_HOST";
constexpr const char* kPodNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

void tell(const std::string& text) {
  std::cerr << "forewarm worker: " << text << "\n" << std::flush;
}

struct ServerUrl {
  bool https = false;
  Endpoint endpoint{};
};

Result<ServerUrl> read_server_url(const std::string& url) {
  ServerUrl read{.https = url.starts_with("https://")};
  if (!read.https && !url.starts_with("http://"))
    return error(ErrorCode::Invalid, "--server must be https://HOST:PORT, not '" + url + "'");
  std::string authority = url.substr(read.https ? 8 : 7);
  if (authority.ends_with('/')) authority.pop_back();
  const bool has_port =
      authority.find(':', authority.rfind(']') == std::string::npos ? 0 : authority.rfind(']')) !=
      std::string::npos;
  if (!has_port) authority += read.https ? ":443" : ":80";
  const bool plain = authority.find_first_of("/?#@ ") == std::string::npos;
  Result<Endpoint> endpoint = parse_endpoint(authority);
  if (!plain || !endpoint || endpoint->port == 0 || endpoint->host.empty())
    return error(ErrorCode::Invalid,
                 "--server must be https://HOST:PORT, without a path or a user, not '" + url + "'");
  read.endpoint = std::move(*endpoint);
  return read;
}

bool fits_a_header(const std::string& token) {
  for (const char character : token) {
    if (character <= ' ' || character > '~') return false;
  }
  return !token.empty();
}

/// For each request anew: secrets that are mounted change while their readers run.
Result<std::string> read_token(const std::string& file) {
  std::string token;
  if (file.empty()) {
    if (const char* given = std::getenv(kTokenVariable)) token = given;
    if (!fits_a_header(token))
      return error(ErrorCode::Invalid, std::string("no token: give --token-file, or set ") + kTokenVariable);
    return token;
  }
  std::ifstream stream(file);
  if (!stream || !std::getline(stream, token))
    return error(ErrorCode::Invalid, "--token-file: " + file + " cannot be read or is empty");
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (!fits_a_header(token))
    return error(ErrorCode::Invalid, "--token-file: the first line of " + file +
                                         " is no token: it is empty, or has spaces or control characters");
  return token;
}

std::string machine_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

/// The machine's name, for people, and a number that no other has.
std::string new_worker_id() {
  std::string name = machine_name().substr(0, 39);
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) c = '-';
  }
  std::random_device random;
  std::array<char, 24> number{};
  std::snprintf(number.data(), number.size(), "%08x%08x", random(), random());
  return name + "." + number.data();
}

/// As kPodHeader has it; empty: this is no pod, or nobody says which.
std::string pod_of(const WorkerCommand& command) {
  std::string pod = command.pod;
  if (pod.empty() && std::getenv(kInPodVariable) != nullptr) pod = machine_name();
  if (pod.empty()) return "";
  std::string space = command.pod_namespace;
  if (std::ifstream file(kPodNamespaceFile); space.empty() && file) std::getline(file, space);
  if (!space.empty()) pod = space + "/" + pod;
  if (names_pod(pod)) return pod;
  tell("'" + pod +
       "' is no pod of Kubernetes, and the server is not told of it; --pod (POD_NAME) and "
       "--pod-namespace (POD_NAMESPACE) say which this is");
  return "";
}

int used_wrongly(const std::string& text) {
  tell(text);
  return 2;
}

}  // namespace

int run_worker(const WorkerCommand& command) {
  const Result<ServerUrl> server = read_server_url(command.server);
  if (!server) return used_wrongly(server.error().message);
  if (!server->https && !command.plain_http && !is_loopback(server->endpoint))
    return used_wrongly(
        "the token would travel in the clear to another machine: use https://, or say --plain-http where the "
        "network protects it");
  if (const Result<std::string> token = read_token(command.token_file); !token)
    return used_wrongly(token.error().message);
  std::shared_ptr<ssl_ctx_st> tls;
  if (server->https) {
    auto made = client_tls(command.ca_file);
    if (!made) return used_wrongly("--ca-file: " + made.error().message);
    tls = std::move(*made);
  }
  ::signal(SIGPIPE, SIG_IGN);
  Loop loop;
  std::optional<int> status;
  std::unique_ptr<RuntimeProcess> runtime;
  const auto end = [&](int code) {
    status = code;
    runtime->end([&loop] { loop.stop(); });
  };
  auto forwarder = Forwarder::open(loop,
                                   {.server = server->endpoint,
                                    .tls = tls,
                                    .worker = new_worker_id(),
                                    .pod = pod_of(command),
                                    .token = [&command] { return read_token(command.token_file); },
                                    .say = &tell},
                                   end);
  if (!forwarder) return used_wrongly(forwarder.error().message);
  auto started = RuntimeProcess::start(
      loop, command.command, to_string((*forwarder)->runtime_api()),
      [&](const std::string& how, int code) { (*forwarder)->runtime_ended(how, code); });
  if (!started) return used_wrongly(started.error().message);
  runtime = std::move(*started);
  const auto signals = loop.watch_signals({SIGTERM, SIGINT}, [&](int) { (*forwarder)->leave(); });
  while (!loop.stopped()) loop.run_until(Loop::Clock::now() + std::chrono::hours(1));
  return status.value_or(1);
}

}  // namespace forewarm
