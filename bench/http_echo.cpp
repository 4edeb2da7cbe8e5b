// A POST echo through HttpServer: what one loop thread can take. Run beside a peer, on the same machine in
// one run:
//   bench_http_echo 9400 &
//   wrk -t1 -c64 -d10 -s POST_SCRIPT http://127.0.0.1:9400/
#include <csignal>
#include <cstdio>

#include "edge/net/http.h"

using namespace forewarm;

int main(int argc, char** argv) {
  const auto endpoint = parse_endpoint(argc > 1 ? argv[1] : "9400");
  if (!endpoint) {
    std::fprintf(stderr, "%s\n", endpoint.error().message.c_str());
    return 2;
  }
  Loop loop;
  auto server = HttpServer::listen(
      loop, {.listen = *endpoint}, [&](HttpRequest request, const std::shared_ptr<HttpReply>& reply) {
        reply->send({.headers = {{"Content-Type", "application/json"}}, .body = std::move(request.body)});
        loop.wake();  // as the server's core does at each event
      });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  const auto watch = loop.watch_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  std::printf("listening on %s; stop with Ctrl-C; try: wrk -t1 -c64 -d10 http://%s/\n",
              to_string((*server)->endpoint()).c_str(), to_string((*server)->endpoint()).c_str());
  std::fflush(stdout);
  while (!loop.stopped()) loop.run_until(Loop::Clock::now() + std::chrono::seconds(1));
  return 0;
}
