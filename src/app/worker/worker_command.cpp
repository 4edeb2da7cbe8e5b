// What `forewarm worker` and forewarm-worker have in common. The second has nothing else of the program in
// it.
#include "app/worker/worker_command.h"

#include <CLI/CLI.hpp>

namespace forewarm {

void add_worker_options(CLI::App& app, WorkerCommand& command) {
  app.footer(
      "The program after -- speaks the AWS Lambda Runtime API and needs to know nothing else. SIGTERM: the "
      "run "
      "under way ends first.\n\nExamples:\n"
      "  forewarm-worker --server https://forewarm:9327 --token-file /etc/worker/token -- ./bootstrap\n"
      "  forewarm-worker --server https://forewarm:9327 --ca-file ca.pem -- npx aws-lambda-ric "
      "index.handler");
  app.add_option("--server", command.server, "https://HOST:PORT of the server's [workers] listen")
      ->envname("FOREWARM_WORKERS_SERVER")
      ->required();
  app.add_option("--token-file", command.token_file,
                 "file whose first line is the function's token (else FOREWARM_TOKEN)")
      ->envname("FOREWARM_TOKEN_FILE");
  app.add_option("--ca-file", command.ca_file,
                 "PEM file of who is trusted to be the server (else the system's)");
  app.add_option("--pod", command.pod,
                 "pod of Kubernetes that this is (else the machine's name, where it is in a pod)")
      ->envname("POD_NAME");
  app.add_option("--pod-namespace", command.pod_namespace, "its namespace (else the server's own)")
      ->envname("POD_NAMESPACE");
  app.add_flag("--plain-http", command.plain_http,
               "allow http:// to other machines, where the network itself is protected");
  app.add_option("command", command.command, "program and arguments of the runtime, after --")->required();
}

void add_worker_command(CLI::App& program, WorkerCommand& command,
                        const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* worker =
      program.add_subcommand("worker", "run a Lambda-style program as a worker of a server elsewhere");
  add_worker_options(*worker, command);
  on(worker, [&command] { return run_worker(command); });
}

}  // namespace forewarm
