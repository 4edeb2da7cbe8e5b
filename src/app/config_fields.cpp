#include "app/config_fields.h"

#include "app/notify_config.h"

namespace forewarm {
namespace {

constexpr Bounds<Duration> kAnyDuration{Duration(0), 24h * 365};
constexpr Bounds<Duration> kHistoryKept{1h, 24h * 36'500};

void describe_retry(FieldVisitor& v, RetrySettings& s) {
  v.integer({"attempts_max", "attempts where the queue has no RedrivePolicy"}, s.attempts_max, {1, 1000});
  v.duration({"backoff_base", "wait before the first retry that waits"}, s.backoff_base, {1ms, 24h});
  v.duration({"backoff_max", "longest wait between retries"}, s.backoff_max, {1ms, 24h});
  v.real({"dead_letter_odds", "dead-letter early when failing again is at least this likely"},
         s.dead_letter_odds, {0.5, 1});
  v.integer({"evidence_min", "outcomes on the same key needed before odds may dead-letter early"},
            s.evidence_min, {1, 10'000});
}

void describe_isolation(FieldVisitor& v, FunctionConfig& c) {
  v.text({"network", "isolated: host, or none: no connections but with the server, on one port"}, c.network);
  v.list({"read_paths",
          "isolated: files and folders that it may read, beside the system's and its working directory"},
         c.read_paths);
  v.list({"write_paths", "isolated: files and folders that it may read and change, beside its own /tmp"},
         c.write_paths);
  v.number({"tmp_mb", "isolated: size of its own /tmp, which counts as memory"}, c.tmp_mb, {1, 1'048'576});
  v.number({"processes_max", "isolated: processes and threads of one instance"}, c.processes_max,
           {2, 1'000'000});
}

void describe_remote(FieldVisitor& v, RemoteConfig& c) {
  v.begin_table({"remote", "the function, where it runs elsewhere"});
  v.text(
      {"function", "aws-lambda: NAME, NAME:ALIAS or the function's ARN, whose region is then the one asked"},
      c.function);
  v.text({"url",
          "where the function takes its requests; aws-lambda: of the API (AWS_ENDPOINT_URL_LAMBDA, else the "
          "region's)"},
         c.url);
  v.text({"key_file", "azure-functions: file whose first line is a function or host key; empty: anonymous"},
         c.key_file);
  v.text({"audience",
          "google-functions: of the ID token that goes along; empty: the URL where that is https, none where "
          "it is not; none: no token. azure-functions: of the Entra ID token, as the app's authentication "
          "expects it (api://CLIENT); empty: no token"},
         c.audience);
  v.text(
      {"payload",
       "how messages look: sqs (a batch, as Lambda gives it), cloudevent (Pub/Sub's, in binary mode), http "
       "(the body as it is); empty: sqs of aws-lambda, cloudevent of google-functions, else http"},
      c.payload);
  v.text({"ca_file", "PEM file of who is trusted to be there; empty: the system's"}, c.ca_file);
  v.text({"token_file", "workers: file whose first line is their token, 16 characters at least"},
         c.token_file);
  v.text({"surplus",
          "workers: what becomes of one that is not needed. keep: it stays, unused, for whoever runs it to "
          "take away; end: it is told to exit"},
         c.surplus);
  v.duration({"start_timeout",
              "workers: an instance that no worker has come to be is asked for anew after this, if it is "
              "still wanted"},
             c.start_timeout, {1s, 24h});
  v.flag({"wait", "aws-lambda: false hands messages to Lambda's own queue and never hears how they end"},
         c.wait);
  v.end_table();
}

void describe_connections(FieldVisitor& v, ServerConfig& c) {
  v.text({"tls_certificate", "PEM file with the certificate chain of all ports; empty: plain HTTP"},
         c.tls_certificate);
  v.text({"tls_key", "PEM file with its key"}, c.tls_key);
  v.list({"egress",
          "where the program itself may connect to, beside this machine: HOST, *.DOMAIN, ADDRESS or "
          "ADDRESS/BITS, each with or without :PORT; empty: anywhere"},
         c.egress);
}

}  // namespace

void describe(FieldVisitor& v, ScalingSettings& s) {
  v.duration({"objective", "a message should start within this time after it became visible"}, s.objective,
             {Duration(0), 24h});
  v.real({"late_share_max", "share of messages that may start later than the objective"}, s.late_share_max,
         {0.00001, 1});
  v.integer({"instances_min", "never fewer instances than this"}, s.instances_min, {0, 10'000});
  v.integer({"instances_max", "never more instances than this for this queue"}, s.instances_max, {0, 10'000});
  v.integer({"baseline_threshold", "with up to this many messages waiting only the minimum is kept"},
            s.baseline_threshold, {0, 1'000'000'000});
  v.integer({"instance_capacity", "messages that one instance works on at a time"}, s.instance_capacity,
            {1, 10'000});
  v.integer({"idle_cost_per_hour", "cost of one idle instance, in micro-units of money"},
            s.idle_cost_per_hour, {0, 1'000'000'000'000});
  v.integer(
      {"late_cost", "cost of one late message, in micro-units; 0: found by feedback from late_share_max"},
      s.late_cost, {0, 1'000'000'000'000});
  v.integer({"budget_per_hour", "above this nothing is started ahead of need, in micro-units; 0: no budget"},
            s.budget_per_hour, {0, 1'000'000'000'000});
  v.duration({"keep_idle_max",
              "what a late message is worth, in an idle instance's time, where too few come for a share of "
              "them to mean anything, and where memory is short"},
             s.keep_idle_max, kAnyDuration);
  v.flag({"predict",
          "false: use no forecast; what was needed of late still decides what is kept, and when it is back"},
         s.predict);
}

namespace {

void describe_workers(FieldVisitor& v, WorkersConfig& c) {
  v.begin_table({"workers", "functions whose programs run elsewhere and poll this server"});
  v.text({"listen", "host:port for them, HTTPS where tls_certificate is set; empty: none"}, c.listen);
  v.duration({"lost_after", "a worker that has had no request open for this long is lost, with its run"},
             c.lost_after, {1s, 1h});
  v.begin_table({"pods", "their pods, where they are in Kubernetes"});
  v.flag(
      {"deletion_cost",
       "pods of workers that are not needed get a low controller.kubernetes.io/pod-deletion-cost, and busy "
       "ones a high one, so that Kubernetes deletes idle ones first"},
      c.pods.deletion_cost);
  KubernetesAccess& api = c.pods.access;
  v.text({"namespace", "of pods that do not say theirs (empty: the server's own, or default)"}, api.space);
  v.text({"url", "of the API server (empty: the pod's own cluster)"}, api.url);
  v.text({"token_file", "file with a bearer token, read at each request (empty: the pod's service account)"},
         api.token_file);
  v.text({"ca_file", "PEM file of who is trusted (empty: the pod's service account)"}, api.ca_file);
  v.end_table();
  v.end_table();
}

}  // namespace

void describe(FieldVisitor& v, ServerConfig& c) {
  v.text({"data", "folder of the durable queue; made if missing"}, c.data);
  v.text({"listen", "host:port of the SQS endpoint; port 0 takes any free one"}, c.listen);
  v.text({"admin", "host:port of dashboard, metrics and admin API"}, c.admin);
  v.text({"region", "AWS region named in ARNs"}, c.region);
  v.text({"public_url",
          "what queue URLs begin with, where clients reach the server under another name than they send "
          "(proxies, containers), for example https://queues.example.org; empty: the request's Host"},
         c.public_url);
  v.text({"record", "file that gets every event and decision, for replay; empty: none"}, c.record);
  describe_connections(v, c);
  v.duration({"shutdown_timeout", "how long runs may still take after SIGTERM; docker stop kills after 10s"},
             c.shutdown_timeout, {Duration(0), 24h});
  v.text({"log_level", "debug, info, warning or error"}, c.log_level);
  v.number({"disk_reserve_mb",
            "disk space kept back, so that messages can be deleted when the disk is full; 0: none"},
           c.disk_reserve_mb, {0, 1'000'000});
  v.number({"instances_max", "instances on this machine, over all functions"}, c.instances_max, {1, 100'000});
  v.number({"memory_max_mb", "memory that all instances together may declare (memory_mb); 0: no limit"},
           c.memory_max_mb, {0, 100'000'000});
  v.text(
      {"isolation",
       "on: functions are shut in by all that the machine has (forewarm doctor); required: and do not start "
       "without; off: they are processes of the server's user"},
      c.isolation);
  v.number({"isolation_user_first",
            "where the server is root: the first of 100,000 user ids that its instances have, one each"},
           c.isolation_user_first, {1, 4'294'000'000});
  v.number(
      {"function_nice",
       "niceness of instances (setpriority), so that functions that keep all processors busy do not hold "
       "up the queue; 0: as of the server"},
      c.function_nice, {0, 19});
  v.real({"starts_per_second", "instances started in the long run, over all functions; 0: no limit"},
         c.starts_per_second, {0, 10'000});
  v.number({"starts_burst", "instances started at a time, after a while without a start"}, c.starts_burst,
           {1, 10'000});
  v.begin_table({"forecast", "how demand is forecast"});
  v.duration({"step", "width of an interval of history, forecast and plan"}, c.forecast_step, {100ms, 1h});
  v.number({"horizon", "steps that are forecast"}, c.forecast_horizon, {1, 200});
  v.number({"history", "steps that a fit gets, at most"}, c.forecast_history, {16, 100'000});
  v.number({"refit_every", "steps between two fits"}, c.forecast_refit_every, {1, 10'000});
  v.end_table();
  v.begin_table({"history", "how long what was measured per interval is kept"});
  v.duration({"keep", "how long intervals of forecast.step are kept; then they are joined to medium_step"},
             c.history.keep, kHistoryKept);
  v.duration({"medium_step", "width of an interval of older history; a multiple of forecast.step"},
             c.history.medium_step, {1s, 24h});
  v.duration({"medium_keep", "how long these are kept; then they are joined to coarse_step"},
             c.history.medium_keep, kHistoryKept);
  v.duration({"coarse_step", "width of an interval of the oldest history; a multiple of medium_step"},
             c.history.coarse_step, {1s, 24h});
  v.duration({"coarse_keep", "how long these are kept"}, c.history.coarse_keep, kHistoryKept);
  v.end_table();
  describe_workers(v, c.workers);
  describe(v, c.alerts);
  describe(v, c.otlp);
  describe(v, c.emf);
}

void describe(FieldVisitor& v, FunctionConfig& c) {
  v.text({"name", "unique name: letters, digits, - and _"}, c.name);
  v.text(
      {"runtime",
       "how the function hears of messages. A program here: lambda (it calls the Lambda Runtime API), "
       "azure-custom-handler or functions-framework (it is an HTTP server, as on Azure Functions or Google "
       "Cloud). Elsewhere: aws-lambda, azure-functions, google-functions, http, or workers (they poll here)"},
      c.runtime);
  v.list({"command",
          "program and arguments of one instance; azure-custom-handler: empty takes that of host.json in the "
          "working directory"},
         c.command);
  v.text(
      {"handler",
       "which function of the program. lambda: _HANDLER (empty: handler); azure-custom-handler: its name in "
       "the app (empty: name); functions-framework: FUNCTION_TARGET (empty: the framework's own default)"},
      c.handler);
  v.text({"working_directory", "where the command runs; empty: where the server runs"}, c.working_directory);
  v.map({"environment", "environment variables of the instances"}, c.environment);
  v.number({"memory_mb", "memory of one instance, told to the runtime; isolated, its limit"}, c.memory_mb,
           {1, 1'048'576});
  v.duration({"timeout", "longest time one run may take"}, c.timeout, {1ms, 24h});
  v.duration({"init_timeout", "longest time from start to ready; elsewhere: until there is a connection"},
             c.init_timeout, {1ms, 1h});
  v.number({"concurrency_max", "instances at a time, over all queues; elsewhere: invocations"},
           c.concurrency_max, {1, 10'000});
  v.duration({"start_time_guess", "start time to plan with until starts have been measured"},
             c.start_time_guess, {1ms, 1h});
  v.duration({"freeze_after",
              "an instance idle for this long is frozen: its processes are stopped (SIGSTOP) until a message "
              "comes; 0s: never"},
             c.freeze_after, kAnyDuration);
  describe_isolation(v, c);
  v.flag(
      {"group_affinity",
       "true: a message goes to the instance that ran its message group (or tenant) last, if that is free"},
      c.group_affinity);
  describe_remote(v, c.remote);
  // Last: after a table of an array, TOML has no way back to the fields of the function.
  v.variants({"variant", "ways to run the function, from which each message gets the one that suits it"},
             c.variants);
}

void describe(FieldVisitor& v, VariantConfig& c) {
  v.number({"memory_mb", "memory of one instance; 0: the function's"}, c.memory_mb, {0, 1'048'576});
  v.list({"command", "program and arguments; empty: the function's"}, c.command);
  v.map({"environment", "environment variables, over the function's"}, c.environment);
  v.number({"concurrency_max", "instances of this variant at a time; 0: the function's"}, c.concurrency_max,
           {0, 10'000});
}

void describe(FieldVisitor& v, MappingConfig& c) {
  v.text({"queue", "name of the queue; made if missing"}, c.queue);
  v.text({"function", "name of the function"}, c.function);
  v.integer({"batch_size", "messages in one run, at most, and 4 MB of them"}, c.settings.batch_size,
            {1, 10'000});
  v.duration({"batch_window", "longest wait for a batch to fill"}, c.settings.batch_window,
             {Duration(0), 5min});
  v.flag({"shared_consumers", "true: ReceiveMessage is allowed beside the function"},
         c.settings.shared_consumers);
  v.begin_table({"scaling", "how many instances, and what late and idle are worth"});
  describe(v, c.settings.scaling);
  v.end_table();
  v.begin_table({"retry", "what happens to messages whose run failed"});
  describe_retry(v, c.settings.retry);
  v.end_table();
  v.overrides({"override", "times for which the operator says how many instances there are to be"},
              c.overrides);
}

void describe(FieldVisitor& v, OverrideConfig& c) {
  v.text({"from", "RFC 3339 time; instances that are asked for are started so that they are warm by then"},
         c.from);
  v.text({"until", "RFC 3339 time"}, c.until);
  v.text(
      {"cron", "instead of from and until: minute, hour, day of month, month, day of week; or @daily, ..."},
      c.cron);
  v.duration({"for", "cron: how long each window lasts"}, c.length, {Duration(0), 24h * 7});
  v.text({"time_zone", "cron: a name of the tz database"}, c.time_zone);
  v.integer({"at_least", "never fewer instances, within scaling.instances_max; -1: not said"}, c.at_least,
            {-1, 10'000});
  v.integer({"at_most", "never more instances started; a busy one is not stopped; -1: not said"}, c.at_most,
            {-1, 10'000});
  v.real({"factor", "so many times the instances that are planned; what waits is staffed all the same"},
         c.factor, {0, 1000});
}

void describe(FieldVisitor& v, AdminTokenConfig& c) {
  v.text({"name", "unique name; the audit log has it"}, c.name);
  v.text({"role", "read: look; operate: change too"}, c.role);
  v.text({"token_file", "file whose first line is the token, 16 characters at least"}, c.token_file);
}

void describe(FieldVisitor& v, QueueConfig& c) {
  v.text({"name", "name of the queue; .fifo at its end makes it a FIFO queue"}, c.name);
  v.map({"attributes", "SQS attributes by their SQS names, for example VisibilityTimeout = \"60\""},
        c.attributes);
}

void describe(FieldVisitor& v, AccessKeyConfig& c) {
  v.text({"id", "access key id: letters, digits, -, _ and . (up to 128)"}, c.id);
  v.text({"secret_file", "file whose first line is the secret access key"}, c.secret_file);
  v.text({"session_token_file", "file whose first line is the session token that must come with the key"},
         c.session_token_file);
  v.list({"queues", "names of the queues that it is good for; * is any characters, ? is one"}, c.queues);
  v.list({"actions",
          "send, receive (and delete, and change visibility), manage (create, delete, purge, attributes, "
          "tags, permissions, move tasks); looking at its queues is always allowed"},
         c.actions);
}

void describe(FieldVisitor& v, SourceConfig& c) {
  v.text({"queue", "its name here; .fifo at its end keeps the order within the engine's groups"}, c.queue);
  v.text({"url", "where the queue is (engines.md), for example amqp://worker@127.0.0.1:5672/%2f/orders"},
         c.url);
  v.text({"password_file",
          "file whose first line is the password, token or secret for the URL's user; "
          "read again at each login"},
         c.password_file);
  v.text({"ca_file", "PEM file of who is trusted to be the engine; empty: the system's"}, c.ca_file);
  v.map({"options", "of the engine's own (engines.md)"}, c.options);
  v.number({"window_max", "messages lent to this server at a time, waiting and running, at most"},
           c.window_max, {1, 100'000});
  v.number({"attempts_max", "runs of a message before it is dead-lettered"}, c.attempts_max, {1, 1000});
  v.text({"dead_letters",
          "here: in the queue NAME-dead-letters of this server; engine: where the engine keeps them"},
         c.dead_letters);
}

void describe(FieldVisitor& v, SignalConfig& c) {
  v.text({"name", "unique name: letters, digits, -, _ and ."}, c.name);
  v.text(
      {"source",
       "push (POST /v1/signals/NAME), poll (a JSON document by HTTP), prometheus (a query), file (lines that "
       "are appended), calendar (an iCalendar file) or cron (an expression)"},
      c.source);
  v.text({"kind", "level: a value holds until the next (a price); count: values add up (posts, orders)"},
         c.kind);
  v.flag({"future_known",
          "values of times to come are forecasts or plans, and used; of calendar and cron they always are"},
         c.future_known);
  v.duration({"hold", "level: a value says nothing of times later than this after it; 0s: no limit"}, c.hold,
             kAnyDuration);
  v.list({"queues", "that it may help to forecast; empty: all"}, c.queues);
  v.flag({"upstream",
          "it tells how something is doing that the functions of its queues need: odds of failure rest on it "
          "too, "
          "and when it changes what waits for a recovery asks at once (retry.md)"},
         c.upstream);
  v.real({"minimum", "smaller values are refused"}, c.minimum, {-1e15, 1e15});
  v.real({"maximum", "larger values are refused"}, c.maximum, {-1e15, 1e15});
  v.text({"items", "push, poll, file: JSON Pointer to the list of items; empty: the document itself"},
         c.items);
  v.text({"value", "push, poll, file: JSON Pointer to an item's value"}, c.value);
  v.text({"time", "push, poll, file: JSON Pointer to an item's time; nothing there: now"}, c.time);
  v.text({"url", "poll: of the document; prometheus: of the server, for example http://127.0.0.1:9090"},
         c.url);
  v.text({"query", "prometheus: a query that gives one series"}, c.query);
  v.map({"headers", "poll, prometheus: further request headers"}, c.headers);
  v.text({"bearer_token_file", "poll, prometheus: file with a token to send"}, c.bearer_token_file);
  v.duration(
      {"every", "time between two looks; 0s: 1m for poll and prometheus, 1s for file, 10s for calendar"},
      c.every, {Duration(0), 24h});
  v.duration({"timeout", "poll, prometheus: longest wait for an answer"}, c.timeout, {100ms, 5min});
  v.text({"path", "file, calendar: the file; it may be rotated or replaced"}, c.path);
  v.text({"format", "file: jsonl (each line a JSON document) or csv (with a header)"}, c.format);
  v.text({"value_column", "file, csv: name of the values' column"}, c.value_column);
  v.text({"time_column", "file, csv: name of the times' column; none of this name: now"}, c.time_column);
  v.text({"filter", "calendar: only events with this in their summary or categories"}, c.filter);
  v.text({"expression", "cron: minute, hour, day of month, month, day of week; or @hourly, @daily, ..."},
         c.expression);
  v.text({"time_zone", "cron, calendar (all-day events and times without a zone): a name of the tz database"},
         c.time_zone);
  v.duration({"length", "cron, calendar: how long what only has a beginning lasts"}, c.length,
             {1ms, 24h * 30});
}

}  // namespace forewarm
