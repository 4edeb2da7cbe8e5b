#pragma once

#include <string>
#include <vector>

namespace forewarm {

/// forewarm worker, and the program forewarm-worker: the entry point of a worker's container.
struct WorkerCommand {
  std::string server{};      ///< https://HOST:PORT of [workers] listen
  std::string token_file{};  ///< first line: the token; read for each request. Empty: FOREWARM_TOKEN
  std::string ca_file{};     ///< PEM; empty: the system's
  std::string pod{};         ///< of Kubernetes; empty: the machine's name where that is a pod's
  std::string pod_namespace{};
  bool plain_http = false;  ///< http to other machines: the token travels in the clear
  std::vector<std::string> command{};
};
/// Runs until the runtime, the server or a signal ends it; the exit status. 0: told to end. 2: used wrongly.
int run_worker(const WorkerCommand& command);

}  // namespace forewarm
