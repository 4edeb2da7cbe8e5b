"""Azure Functions custom handlers and Google's Functions Framework: programs that are HTTP servers, unmodified."""

import json
import pathlib
import shutil
import signal
import unittest

from server_process import ServerTest, python_handler, wait_for

HERE = pathlib.Path(__file__).parent
HANDLER = str(HERE / "handlers" / "azure_handler.py")
APP = str(HERE / "handlers" / "azure_app")
FRAMEWORK = HERE / "node_modules" / ".bin" / "functions-framework"
QUICK_RETRIES = "\n[mapping.retry]\nbackoff_base = \"100ms\"\nbackoff_max = \"500ms\"\n"


class OtherRuntimesTest(ServerTest):
    def mapping(self, name, attempts=2, **scaling):
        policy = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{name}-dead",
                             "maxReceiveCount": attempts})
        tables = "".join(f"scaling.{key} = {value}\n" for key, value in scaling.items())
        return f"""
[[queue]]
name = "{name}-dead"
[[queue]]
name = "{name}-queue"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
[[mapping]]
queue = "{name}-queue"
function = "{name}"
{tables}{QUICK_RETRIES}"""

    def started(self, config):
        return self.server(config=config).start()

    def logs(self, server, name):
        return server.run("fn", "logs", name, "--lines", "500").stdout

    def is_empty(self, server, queue):
        return sum(server.counts(queue)) == 0

    def instances(self, server):
        return {function["name"]: function["instances"] for function in server.get("/v1/functions")}


class AzureTests(OtherRuntimesTest):
    def handler(self, settings="", start="", attempts=2, **scaling):
        return f"""
[[function]]
name = "worker"
runtime = "azure-custom-handler"
{python_handler(HANDLER, writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))}, START = "{start}" }}
start_time_guess = "200ms"
{settings}
{self.mapping("worker", attempts, **scaling)}"""

    def tries(self, word=""):
        """Processes that tried a word, one for each try."""
        lines = [line.split(" ", 2) for line in self.journal.read_text().splitlines()]
        return [int(pid) for pid, tried, _ in lines if word in ("", tried)]

    def test_a_function_app_runs_as_its_host_json_says(self):
        server = self.started(f"""
[[function]]
name = "orders"
runtime = "azure-custom-handler"
handler = "QueueTrigger"
working_directory = {json.dumps(APP)}
{self.mapping("orders")}""")
        server.send("orders-queue", "an \"order\"")
        wait_for(lambda: self.is_empty(server, "orders-queue"), "it has run")
        wait_for(lambda: '/QueueTrigger got an "order", try 1' in self.logs(server, "orders"), "its Logs are logged")
        invoked = server.run("fn", "invoke", "orders", "by hand")
        self.assertEqual(invoked.returncode, 0, invoked.stderr)
        answer = json.loads(invoked.stdout)
        self.assertEqual(answer["Outputs"], {"receipt": "receipt of by hand"})
        self.assertEqual(answer["ReturnValue"]["method"], "QueueTrigger")
        self.assertRegex(answer["ReturnValue"]["sent"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")

    def test_an_app_that_is_not_there_is_named(self):
        server = self.started(f"""
[[function]]
name = "orders"
runtime = "azure-custom-handler"
working_directory = {json.dumps(str(self.folder))}
{self.mapping("orders")}""")
        server.send("orders-queue", "kept")
        wait_for(lambda: f"{self.folder} has no host.json" in server.log_text(), "the log names the folder")
        self.assertEqual(sum(server.counts("orders-queue")), 1)

    def test_whatever_a_handler_does_its_message_is_tried_again_and_the_others_run(self):
        words = ["fail", "raise", "garbage", "exit", "hang", "large 7"]
        server = self.started(self.handler(settings='timeout = "2s"\nconcurrency_max = 3'))
        server.send("worker-queue", *words, "ok", "half", "large 5")
        wait_for(lambda: server.counts("worker-dead")[0] == len(words), "what fails is in the dead-letter queue")
        wait_for(lambda: self.is_empty(server, "worker-queue"), "the others have run")
        self.assertEqual({message["Body"] for message in server.receive("worker-dead")}, set(words))
        for word in ("fail", "raise", "garbage", "exit", "hang"):
            self.assertEqual(len(self.tries(word)), 2, word)
        for word in ("ok", "half"):
            self.assertEqual(len(self.tries(word)), 1, word)
        self.assertIn("ok is done", self.logs(server, "worker"))
        self.assertIn("working on ok", self.logs(server, "worker"))

        def refusal(word):
            done = server.run("fn", "invoke", "worker", word)
            self.assertEqual(done.returncode, 1, word)
            return done.stderr

        self.assertIn("Handler.Status500: it failed as asked", refusal("fail"))
        self.assertIn("Handler.NoResponse", refusal("raise"))
        self.assertIn("Handler.InvalidResponse", refusal("garbage"))
        self.assertIn("Function.ResponseSizeTooLarge", refusal("large 7"))
        self.assertIn("exited with status 3", refusal("exit"))
        self.assertIn("timed out after 2000 ms", refusal("hang"))

    def test_an_instance_is_warm_only_when_it_listens_and_its_start_is_what_that_took(self):
        server = self.started(self.handler(instances_min=1))
        wait_for(lambda: self.instances(server).get("worker", {}).get("idle") == 1, "it is warm")
        self.assertEqual(self.tries(), [])
        metrics = server.http("GET", "/metrics")[1]
        total = float(metrics.split('forewarm_instance_start_seconds_sum{function="worker"} ')[1].split("\n")[0])
        self.assertGreater(total, 0.3, "it was warm before it listened")

    def test_what_never_listens_is_a_failed_start_with_its_reason(self):
        for start, reason in (("exit", "exited with status 4 before it was ready; last output: no settings, no service"),
                              ("silent", "not ready after 700 ms (nothing listens on its port)"),
                              ("other port", "not ready after 700 ms (nothing listens on its port)")):
            with self.subTest(start):
                server = self.started(self.handler(settings='init_timeout = "700ms"', start=start))
                refused = server.run("fn", "invoke", "worker", "ok")
                self.assertEqual(refused.returncode, 1)
                self.assertIn(reason, refused.stderr)
                server.end()
        self.assertEqual(self.tries(), [])

    def test_a_frozen_handler_works_again_when_a_message_comes(self):
        server = self.started(self.handler(settings='freeze_after = "300ms"', instances_min=1))
        for word in ("first", "second"):
            server.send("worker-queue", word)
            wait_for(lambda: len(self.tries(word)) == 1 and self.is_empty(server, "worker-queue"), "it has run")
            wait_for(lambda: self.instances(server).get("worker", {}).get("frozen"), "it stands still")

    def test_a_server_that_ends_takes_its_handlers_with_it(self):
        server = self.started('shutdown_timeout = "1s"\n' + self.handler(settings="concurrency_max = 2"))
        server.send("worker-queue", "sleep 60", "sleep 60")
        wait_for(lambda: len(self.tries("sleep")) == 2, "both run")
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        left = [pid for pid in pathlib.Path("/proc").iterdir() if pid.name.isdigit() and HANDLER in command_of(pid)]
        self.assertEqual(left, [])

    def test_without_network_it_still_listens(self):
        server = self.started(self.handler(settings='network = "none"'))
        server.send("worker-queue", "ok")
        wait_for(lambda: self.is_empty(server, "worker-queue") and self.tries("ok"), "it has run")


class FunctionsFrameworkTests(OtherRuntimesTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(FRAMEWORK.exists(), "run npm ci in tests/e2e first")
        self.assertTrue(shutil.which("node"))

    def function(self, name, signature, settings=""):
        return f"""
[[function]]
name = "{name}"
runtime = "functions-framework"
handler = "{name}"
command = [{json.dumps(str(FRAMEWORK))}]
working_directory = {json.dumps(str(HERE / "handlers" / "functions_framework"))}
read_paths = [{json.dumps(str(HERE / "node_modules"))}]
environment = {{ FUNCTION_SIGNATURE_TYPE = "{signature}" }}
memory_mb = 512
{settings}
{self.mapping(name)}"""

    def test_a_cloud_event_function_gets_messages_as_those_of_pub_sub(self):
        server = self.started(self.function("onMessage", "cloudevent"))
        server.send("onMessage-queue", "hello", MessageAttributes={
            "colour": {"DataType": "String", "StringValue": "red"}})
        server.send("onMessage-queue", "throw")
        wait_for(lambda: server.counts("onMessage-dead") == (1, 0, 0), "what throws is in the dead-letter queue")
        wait_for(lambda: self.is_empty(server, "onMessage-queue"), "the other has run")
        wait_for(lambda: 'google.cloud.pubsub.topic.v1.messagePublished from //pubsub.googleapis.com/projects/forewarm/'
                         'topics/onMessage-queue: hello {"colour":"red"}' in self.logs(server, "onMessage"), "it is logged")
        refused = server.run("fn", "invoke", "onMessage", "throw")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Handler.Status500: X-Google-Status error", refused.stderr)
        # The framework answers for a function that ends its process.
        self.assertIn("X-Google-Status crash", server.run("fn", "invoke", "onMessage", "exit").stderr)

    def test_an_http_function_gets_the_body_and_what_cloud_tasks_says(self):
        server = self.started(self.function("onRequest", "http") + self.function("onBackground", "event"))
        invoked = server.run("fn", "invoke", "onRequest", '{"n": 7}')
        self.assertEqual(invoked.returncode, 0, invoked.stderr)
        self.assertEqual(json.loads(invoked.stdout), {"got": {"n": 7}, "queue": "trial"})
        self.assertIn("Handler.Status503: not now", server.run("fn", "invoke", "onRequest", '{"fail": true}').stderr)
        server.send("onRequest-queue", '{"n": 8}')
        server.send("onBackground-queue", "hello")
        wait_for(lambda: self.is_empty(server, "onRequest-queue"), "it has run")
        wait_for(lambda: "google.pubsub.topic.publish: hello" in self.logs(server, "onBackground"), "it is logged")


def command_of(folder):
    try:
        return (folder / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    unittest.main()
