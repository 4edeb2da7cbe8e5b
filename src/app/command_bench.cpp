// forewarm bench: a load on any SQS endpoint

#include <cstdio>
#include <iostream>

#include "app/commands.h"
#include "app/load_generator.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

std::string latency_json(const std::vector<std::int64_t>& sorted) {
  return "{\"p50\":" + std::to_string(sorted_quantile(sorted, 0.5)) +
         ",\"p99\":" + std::to_string(sorted_quantile(sorted, 0.99)) +
         ",\"max\":" + std::to_string(sorted_quantile(sorted, 1)) + "}";
}

std::vector<std::string> latency_row(const std::string& name, const std::vector<std::int64_t>& sorted) {
  const auto ms = [&](double level) {
    return fixed(static_cast<double>(sorted_quantile(sorted, level)) / 1000, 2);
  };
  return {name, ms(0.5), ms(0.99), ms(1)};
}

}  // namespace

int run_bench(const ServerAddress& server, const BenchCommand& command) {
  LoadOptions options;
  options.endpoint = server.endpoint;
  options.queue = command.queue;
  options.seconds = command.seconds;
  options.rate = command.rate;
  options.connections = command.connections;
  options.batch = command.batch;
  options.bytes = command.bytes;
  options.consume = !command.no_consume;
  Result<LoadResult> run = error(ErrorCode::Closed, "");
  {
    ProgressBar bar("bench");
    run = run_load(options, [&bar](double share) { bar.show(share); });
  }
  if (!run) return failed(run.error());
  const std::uint64_t done = options.consume ? run->deleted : run->sent;
  const double per_second = run->elapsed_seconds > 0 ? static_cast<double>(done) / run->elapsed_seconds : 0;
  if (server.json) {
    std::cout << "{\"messages_per_second\":" << fixed(per_second, 1) << ",\"sent\":" << run->sent
              << ",\"received\":" << run->received << ",\"deleted\":" << run->deleted
              << ",\"duplicates\":" << run->duplicates << ",\"failed\":" << run->failed
              << ",\"seconds\":" << fixed(run->elapsed_seconds, 3)
              << ",\"confirm_us\":" << latency_json(run->confirm_us)
              << ",\"end_to_end_us\":" << latency_json(run->end_to_end_us) << "}\n";
  } else {
    std::cout << grouped(done) << " messages in " << fixed(run->elapsed_seconds, 2)
              << " s: " << grouped(static_cast<std::uint64_t>(per_second)) << " messages/s\n";
    TextTable table;
    table.row({"milliseconds", "p50", "p99", "max"});
    table.row(latency_row("send to durable acknowledgement", run->confirm_us));
    if (options.consume) table.row(latency_row("send to receipt", run->end_to_end_us));
    std::cout << table.text();
    if (run->duplicates > 0) std::cout << run->duplicates << " messages came more than once\n";
  }
  if (run->failed > 0)
    std::cerr << run->failed << " requests failed; the first: " << run->first_error << "\n";
  const bool lost = options.consume && run->deleted < run->sent;
  if (lost)
    std::cerr << run->sent - run->deleted << " of the messages sent were not received and deleted in time\n";
  return run->failed > 0 || lost ? 1 : 0;
}

}  // namespace forewarm
