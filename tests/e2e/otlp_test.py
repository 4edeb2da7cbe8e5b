"""Traces and metrics by OTLP/HTTP: what is sent is read by OpenTelemetry's own JavaScript packages (sdk/otlp.mjs), contexts come
from its propagators, and collectors are busy, refuse and are away."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from loopback_recorder import Recorder
from server_process import PYTHON, PYTHON_PATHS, ServerTest, run, wait_for

HERE = pathlib.Path(__file__).parent
HANDLER = '''
import json, os, sys, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
while True:
    with urllib.request.urlopen(api + "invocation/next") as answer:
        request, trace, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], answer.headers["Lambda-Runtime-Trace-Id"], json.load(answer)
    with open(sys.argv[1], "a") as journal:
        journal.write(trace + "\\n")
    failing = [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "fail"]
    body = json.dumps({"batchItemFailures": failing}).encode()
    urllib.request.urlopen(urllib.request.Request(api + "invocation/" + request + "/response", body, method="POST")).read()
'''


def node(*arguments):
    done = subprocess.run(["node", str(HERE / "sdk" / "otlp.mjs"), *arguments], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(done.stdout)


class OtlpTests(ServerTest):
    maxDiff = None

    def collector(self, answer=lambda request: (200, "{}")):
        collector = Recorder(answer)
        self.addCleanup(collector.close)
        return collector

    def bodies(self, collector, path):
        return [request["body"] for request in collector.requests if request["path"] == path]

    def decoded(self, collector, path):
        """What OpenTelemetry's own definitions make of all that was sent, if it is strictly what they define."""
        (self.folder / "bodies.json").write_text(json.dumps(self.bodies(collector, path)))
        return node("decode", path.rsplit("/", 1)[1], str(self.folder / "bodies.json"))

    def spans(self, collector):
        return self.decoded(collector, "/v1/traces")["spans"] if self.bodies(collector, "/v1/traces") else []

    def config(self, collector, more="", mapping=""):
        script = self.notes / "handler.py"
        script.write_text(HANDLER)
        return f"""
[otlp]
endpoint = "{collector.url}"
metrics_every = "1s"
sample_ratio = 0
{more}
[[function]]
name = "work"
command = {json.dumps([PYTHON, str(script), str(self.journal)])}
read_paths = {json.dumps([str(script), *PYTHON_PATHS])}
write_paths = {json.dumps([str(self.journal)])}
[[mapping]]
queue = "jobs"
function = "work"
retry.backoff_base = "10ms"
{mapping}
"""

    def test_a_message_is_traced_from_its_sender_to_its_function(self):
        collector = self.collector()
        server = self.server(config=self.config(collector)).start()
        inject = node("inject")
        server.send("jobs", "w3c", MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in inject["w3c"]["carrier"].items()})
        server.send("jobs", "xray", MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": inject["xray"]["carrier"]["x-amzn-trace-id"]}})
        header = inject["header"]["carrier"]["x-amzn-trace-id"]
        server.http("POST", "/", json.dumps({"QueueUrl": server.url("jobs"), "MessageBody": "header"}), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage",
            "X-Amzn-Trace-Id": header}, at="sqs")
        server.send("jobs", "untraced")
        server.send("jobs", "unsampled", MessageAttributes={
            "traceparent": {"DataType": "String", "StringValue": inject["unsampled"]["carrier"]["traceparent"]}})
        wait_for(lambda: len(self.journal.read_text().splitlines()) == 5, "all have run")
        wait_for(lambda: sum(span["name"] == "message jobs" for span in self.spans(collector)) == 3, "their spans came")
        spans = self.spans(collector)
        for way in ("w3c", "xray", "header"):
            mine = [span for span in spans if span["traceId"] == inject[way]["traceId"]]
            self.assertEqual(sorted(span["name"] for span in mine), ["message jobs", "process jobs", "wait jobs"], way)
            by_name = {span["name"]: span for span in mine}
            message, process, wait = (by_name[name + " jobs"] for name in ("message", "process", "wait"))
            self.assertEqual(message["parentSpanId"], inject[way]["spanId"])
            self.assertEqual({wait["parentSpanId"], process["parentSpanId"]}, {message["spanId"]})
            self.assertEqual(message["attributes"]["forewarm.outcome"], "run_succeeded")
            self.assertEqual(process["kind"], 5)
            self.assertLessEqual(int(message["startTimeUnixNano"]), int(wait["startTimeUnixNano"]))
            self.assertLessEqual(int(wait["endTimeUnixNano"]), int(process["endTimeUnixNano"]))
            handed_on = [node("extract", line) for line in self.journal.read_text().splitlines() if line.split("-")[2].split(";")[0]
                         == inject[way]["traceId"][8:]]
            self.assertEqual([(each["traceId"], each["spanId"], each["sampled"]) for each in handed_on],
                             [(inject[way]["traceId"], process["spanId"], True)], "the function's spans are below the run's")
        self.assertEqual({span["traceId"] for span in spans}, {inject[way]["traceId"] for way in ("w3c", "xray", "header")})
        resource = self.decoded(collector, "/v1/traces")["resource"]
        self.assertEqual(resource["service.name"], "forewarm")
        self.assertRegex(resource["service.instance.id"], r":\d+$")

    def test_a_batch_links_to_its_messages_and_says_what_failed(self):
        collector = self.collector()
        server = self.server(config=self.config(collector, "", 'batch_size = 10\nbatch_window = "1s"')).start()
        contexts = [node("inject")["w3c"] for _ in range(2)]
        url = server.url("jobs")
        server.sqs("SendMessageBatch", QueueUrl=url, Entries=[
            {"Id": str(i), "MessageBody": body, "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in context["carrier"].items()}}
            for i, (body, context) in enumerate(zip(("good", "fail"), contexts))])

        def batch():
            found = [span for span in self.spans(collector) if span["name"] == "process jobs" and len(span["links"]) == 2]
            return found and found[0]

        span = wait_for(batch, "the batch's span came")
        self.assertEqual({link["traceId"] for link in span["links"]}, {context["traceId"] for context in contexts})
        self.assertNotIn(span["traceId"], {context["traceId"] for context in contexts})
        self.assertEqual(span["parentSpanId"], "")
        self.assertEqual(span["status"], {"code": 2, "message": "1 of its messages failed"})
        self.assertEqual(span["attributes"]["messaging.batch.message_count"], "2")

    def test_metrics_are_those_of_the_page(self):
        collector = self.collector()
        server = self.server(config=self.config(collector, 'service_name = "shop"')).start()
        server.send("jobs", "one", "two")

        def newest():
            if not self.bodies(collector, "/v1/metrics"):
                return None
            metrics = self.decoded(collector, "/v1/metrics")
            run = metrics["metrics"].get('forewarm_messages_started_total{queue="jobs"}')
            counted = 'forewarm_otlp_items_total{kind="points",reason="sent"}' in metrics["metrics"]
            return metrics if run and run["value"] == 2 and counted else None

        metrics = wait_for(newest, "they came")
        page = server.http("GET", "/metrics")[1].splitlines()
        kinds = {line.split()[2]: line.split()[3] for line in page if line.startswith("# TYPE")}
        names = {re.split("[{ ]", line)[0] for line in page if not line.startswith("#")}
        names = {name if name in kinds else re.sub("_(bucket|sum|count)$", "", name) for name in names}
        ours = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}
        self.assertEqual({each["name"]: each["kind"] for each in metrics["metrics"].values()},
                         {name: ours[kinds[name]] for name in names})
        wait = metrics["metrics"]['forewarm_message_wait_seconds{queue="jobs"}']
        self.assertEqual((wait["count"], wait["unit"], sum(map(int, wait["bucketCounts"]))), ("2", "s", 2))
        self.assertEqual(len(wait["bucketCounts"]), len(wait["explicitBounds"]) + 1)
        self.assertEqual(metrics["resource"]["service.name"], "shop")

    def test_a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_counted(self):
        trouble = [(503, "", {"Retry-After": "1"}), (429, "")]

        def answer(request):
            if request["path"] == "/v1/metrics":
                return 200, json.dumps({"partialSuccess": {"rejectedDataPoints": "3", "errorMessage": "too many"}})
            return trouble.pop(0) if trouble else (200, "{}")

        collector = self.collector(answer)
        server = self.server(config=self.config(collector).replace("sample_ratio = 0", "sample_ratio = 1")).start()
        server.send("jobs", "one")
        wait_for(lambda: len(self.bodies(collector, "/v1/traces")) >= 3, "the spans were sent three times")
        sent = self.bodies(collector, "/v1/traces")
        self.assertEqual(sent[0], sent[1])

        def counted(kind, reason):
            text = server.http("GET", "/metrics")[1]
            found = [line for line in text.splitlines() if line.startswith(f'forewarm_otlp_items_total{{kind="{kind}",reason="{reason}"}}')]
            return float(found[0].split()[1])

        wait_for(lambda: counted("spans", "sent") >= 3, "they are counted")
        wait_for(lambda: counted("points", "rejected") >= 3, "what was rejected is counted")
        self.assertIn("too many", server.log_text())

    def test_a_collector_that_is_away_or_hangs_costs_nothing_but_its_spans(self):
        collector = self.collector(lambda request: (time.sleep(20), (200, "{}"))[1])
        server = self.server(config=self.config(collector).replace("sample_ratio = 0", "sample_ratio = 1")).start()
        server.send("jobs", *map(str, range(20)))
        wait_for(lambda: len(self.journal.read_text().splitlines()) == 20, "all have run")
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 15)

    def test_the_standard_variables_and_what_is_wrong(self):
        collector = self.collector()
        server = self.server()
        for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url + "/", "OTEL_SERVICE_NAME": "by-variable",
                            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20secret, x-other=2"}.items():
            os.environ[name] = value
            self.addCleanup(os.environ.pop, name)
        server.start()
        request = collector.wait(lambda requests: [each for each in requests if each["path"] == "/v1/metrics"])[0]
        self.assertEqual((request["headers"]["x-key"], request["headers"]["x-other"]), ("a secret", "2"))
        self.assertEqual(self.decoded(collector, "/v1/metrics")["resource"]["service.name"], "by-variable")
        path = self.folder / "wrong.toml"
        for text, said in (('[otlp]\nendpoint = "127.0.0.1:4317"\n', "wrong.toml:1:1: otlp: endpoint.*4317 is gRPC"),
                           ('[otlp]\nheaders = { "a b" = "c" }\n', "no name of a header")):
            path.write_text(text)
            done = run("check", path)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, said)
        path.write_text('[otlp]\nendpoint = "http://h:1"\nheader_files = { X = "nowhere" }\n')
        self.assertRegex(run("check", path).stderr, "warning: .*no text in nowhere")
        wrong = run("check", path, environment={"OTEL_EXPORTER_OTLP_HEADERS": "a-secret-without-equals"})
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("OTEL_EXPORTER_OTLP_HEADERS", wrong.stderr)
        self.assertNotIn("a-secret", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
