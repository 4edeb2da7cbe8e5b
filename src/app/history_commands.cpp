#include "app/history_commands.h"

#include <CLI/CLI.hpp>

namespace forewarm {
namespace {

void add_place(CLI::App* sub, HistoryCommand& command) {
  sub->add_option("--data", command.data,
                  "data folder of the server (default: the configuration's, or forewarm-data)");
  sub->add_option("--config", command.config,
                  "TOML file of the server, for its data folder and how long history is kept")
      ->envname("FOREWARM_CONFIG");
  sub->add_flag("--json", command.json, "JSON on standard output");
}

void add_remote(CLI::App* sub, HistoryCommand& command) {
  sub->add_option("--from", command.from, "RFC 3339 time to ask from (default: 14 days ago)");
  sub->add_option("--to", command.to, "RFC 3339 time to ask to (default: now)");
  sub->add_option("--prometheus", command.prometheus, "address of a Prometheus to ask");
  sub->add_option("--query", command.query,
                  "PromQL whose value at a time is what came in the --step before it");
  sub->add_option("--label", command.label, "label that names the queue")->capture_default_str();
  sub->add_option("--values", command.values,
                  "what the query's values are: count (in a step), rate (per second) or signal")
      ->check(CLI::IsMember({"count", "rate", "signal"}))
      ->capture_default_str();
  sub->add_option("--bearer-token-file", command.bearer_token_file, "file with a token for Prometheus");
  sub->add_flag(
      "--cloudwatch", command.cloudwatch,
      "ask Amazon CloudWatch how many messages were sent to the SQS queues; credentials as AWS's own tools");
  sub->add_option("--region", command.region, "AWS region")->envname("AWS_REGION");
  sub->add_option("--endpoint-url", command.endpoint_url,
                  "address of CloudWatch, if it is not the region's own");
}

void add_import(CLI::App& history, HistoryCommand& command,
                const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* sub =
      history.add_subcommand("import", "add recorded history, so that the first day is forecast well");
  sub->footer(
      "Time that was measured already stays as it is, so the same import twice changes nothing.\n\n"
      "Examples:\n  forewarm history import arrivals.csv.gz\n"
      "  forewarm history import trace.csv.gz --start 2026-01-05T00:00:00Z --queue orders\n"
      "  forewarm history import counts.csv --absent missing\n"
      "  forewarm history import --prometheus http://prometheus:9090 --from 2026-01-01T00:00:00Z --query "
      "'sum by "
      "(queue) (increase(messages_sent_total[1m]))'\n"
      "  forewarm history import --cloudwatch --region eu-west-1 --queue orders");
  sub->add_option("file", command.source, "CSV file, plain or gzip (docs/history.md)");
  sub->add_option("--queue", command.names,
                  "only this series of the file; the SQS queue to ask CloudWatch about; repeatable")
      ->allow_extra_args(false);
  sub->add_option("--as", command.as, "name of the queue here, if the file has one series or one is chosen");
  sub->add_option("--start", command.start,
                  "RFC 3339 time of stamp 0, where stamps count from the start of a recording");
  sub->add_option("--shift", command.shift, "move everything by this much later, for example 364d");
  sub->add_option("--step", command.step,
                  "width of the intervals (default: the file's own; 10s for messages)");
  sub->add_option("--absent", command.absent,
                  "a bin without a row: zero (nothing came) or missing (not measured)")
      ->check(CLI::IsMember({"zero", "missing"}))
      ->capture_default_str();
  sub->add_flag("--replace", command.replace, "overwrite what was measured or imported before");
  add_remote(sub, command);
  add_place(sub, command);
  on(sub, [&command] { return run_history_import(command); });
}

void add_export(CLI::App& history, HistoryCommand& command,
                const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* sub = history.add_subcommand("export", "write the history as CSV or JSON Lines");
  sub->footer(
      "Examples:\n  forewarm history export > history.csv\n"
      "  forewarm history export --queue orders --from 2026-01-05T00:00:00Z --format jsonl\n"
      "  forewarm history export --kind function --output functions.csv");
  sub->add_option("--queue", command.names, "only this series; repeatable")->allow_extra_args(false);
  sub->add_option("--kind", command.kind, "queue, function or signal")
      ->check(CLI::IsMember({"queue", "function", "signal"}))
      ->capture_default_str();
  sub->add_option("--from", command.from, "RFC 3339 time");
  sub->add_option("--to", command.to, "RFC 3339 time");
  sub->add_option("--format", command.format, "csv or jsonl")
      ->check(CLI::IsMember({"csv", "jsonl"}))
      ->capture_default_str();
  sub->add_option("--output", command.output, "file to write (default: standard output)");
  add_place(sub, command);
  on(sub, [&command] { return run_history_export(command); });
}

constexpr const char* kArchiveTargets =
    "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER/PREFIX, file:///FOLDER or a folder";
constexpr const char* kTargetCredentials =
    "\n\nCredentials: s3 as AWS's own tools find them; azblob AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; "
    "gs "
    "GOOGLE_HMAC_ACCESS_KEY and GOOGLE_HMAC_SECRET, or GOOGLE_OAUTH_TOKEN.";

void add_target(CLI::App* sub, HistoryCommand& command) {
  sub->add_option("target", command.target, kArchiveTargets)->required();
  sub->add_option("--queue", command.names, "only this queue or signal; repeatable")->allow_extra_args(false);
  sub->add_option("--from", command.from, "first day, for example 2026-03-01 (UTC)");
  sub->add_option("--to", command.to, "last day (UTC)");
  sub->add_option(
      "--endpoint-url", command.endpoint_url,
      "address of the store, if it is not the provider's own: an S3-compatible store, an emulator");
  sub->add_option("--region", command.region, "AWS region of the bucket")->envname("AWS_REGION");
  add_place(sub, command);
}

void add_archive(CLI::App& history, HistoryCommand& command,
                 const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* sub = history.add_subcommand("archive", "copy whole days to object storage or a folder");
  sub->footer(
      std::string(
          "One gzip-compressed CSV file for each UTC day and width of intervals. Days that are not over "
          "are left out, unless --to names them. What is there already is not sent again, and nothing is "
          "ever taken out of the archive.") +
      kTargetCredentials +
      "\n\nExamples:\n  forewarm history archive s3://backups/forewarm --region eu-west-1\n"
      "  forewarm history archive s3://backups/forewarm --endpoint-url http://minio:9000\n"
      "  forewarm history archive azblob://myaccount/backups/forewarm --from 2026-03-01 --to 2026-03-31\n"
      "  forewarm history archive gs://backups/forewarm --queue orders\n"
      "  forewarm history archive /mnt/backups/forewarm --dry-run");
  sub->add_flag("--dry-run", command.dry_run, "say what would be sent, and send nothing");
  add_target(sub, command);
  on(sub, [&command] { return run_history_archive(command); });
}

void add_restore(CLI::App& history, HistoryCommand& command,
                 const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* sub = history.add_subcommand("restore", "bring archived days back");
  sub->footer(std::string("Time that was measured here stays as it is, so the same restore twice changes "
                          "nothing, and one that was interrupted is finished by giving it again.") +
              kTargetCredentials +
              "\n\nExamples:\n  forewarm history restore s3://backups/forewarm --region eu-west-1\n"
              "  forewarm history restore azblob://myaccount/backups/forewarm --data /var/lib/forewarm\n"
              "  forewarm history restore gs://backups/forewarm --queue orders --from 2026-03-01\n"
              "  forewarm history restore /mnt/backups/forewarm");
  sub->add_flag("--replace", command.replace, "overwrite what was measured or imported before");
  add_target(sub, command);
  on(sub, [&command] { return run_history_restore(command); });
}

}  // namespace

void add_history_commands(CLI::App& program, HistoryCommand& command,
                          const std::function<void(CLI::App*, std::function<int()>)>& on) {
  CLI::App* history = program.add_subcommand(
      "history", "what was measured per interval: list, import, export, archive, restore");
  history->require_subcommand(1);
  CLI::App* list = history->add_subcommand("list", "queues, functions and signals with a history");
  list->footer("Examples:\n  forewarm history list\n  forewarm history list --data /var/lib/forewarm --json");
  add_place(list, command);
  on(list, [&command] { return run_history_list(command); });
  add_import(*history, command, on);
  add_export(*history, command, on);
  add_archive(*history, command, on);
  add_restore(*history, command, on);
}

}  // namespace forewarm
