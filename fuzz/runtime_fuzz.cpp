#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "edge/functions/output_lines.h"
#include "edge/functions/process_tree.h"
#include "edge/functions/runtime_route.h"
#include "edge/functions/worker_protocol.h"

using namespace forewarm;

namespace {

/// What may come over the network from whoever has a worker's token.
void check_worker_call(std::string_view text) {
  const std::size_t cut = text.find('\n');
  const std::string_view rest = cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);
  HttpRequest request{.method = text.size() % 2 == 0 ? "POST" : "GET",
                      .path = std::string(text.substr(0, cut)),
                      .headers = {{std::string(kWorkerHeader), std::string(rest)}},
                      .body = std::string(rest)};
  const WorkerCall call = read_worker_call(request);
  check(call.refusal ? call.refusal->status >= 400 : !call.worker.empty() && call.worker.size() <= 64,
        "a call has a worker's name, or is refused");
  request.headers = {{std::string(kWorkerHeader), "w"}, {std::string(kPodHeader), std::string(rest)}};
  const WorkerCall in_pod = read_worker_call(request);
  const std::string_view pod = rest.substr(rest.find('/') == std::string_view::npos ? 0 : rest.find('/') + 1);
  check(in_pod.pod.empty() || (in_pod.pod == rest && !pod.empty() && pod.size() <= 253 &&
                               pod.find_first_of("/?#%. \n") != 0 && pod.find('/') == pod.npos),
        "a pod's name is a DNS name");
  request.headers = {{"Lambda-Runtime-Function-Error-Type", std::string(rest)}};
  check(read_runtime_failure(request).error.message.size() <= 4096, "error messages are bounded");
  const RuntimeAnswer answer = read_runtime_response(std::move(request));
  check(answer.failed || answer.error.type.empty(), "a response that is taken is no error");
  check(answer.status == 202 || answer.failed, "what is refused has failed");
}

}  // namespace

/// What a function's process, here or as a worker, can hand to the server besides HTTP: paths, error bodies,
/// output, its own name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const RuntimeRoute route = route_runtime_call("POST", text);
  check(route.request_id.empty() || text.find(route.request_id) != std::string_view::npos,
        "an id is part of its path");
  check(read_runtime_error({}, text).message.size() <= 4096, "error messages are bounded");
  check_worker_call(text);
  (void)parse_process_stat(text);
  OutputLines lines;
  const auto harmless = [](const std::string& line) {
    for (const char c : line)
      check(c == '\t' || static_cast<unsigned char>(c) >= 0x20, "no control character passes");
  };
  lines.feed(text.substr(0, size / 2), harmless);
  lines.feed(text.substr(size / 2), harmless);
  lines.finish(harmless);
  return 0;
}
