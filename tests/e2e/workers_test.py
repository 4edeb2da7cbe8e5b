"""Functions whose programs are workers elsewhere: real forwarders and runtimes on loopback, and what becomes of their runs."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import sys
import unittest
import urllib.request

from remote_functions import RemoteTest
from server_process import PROGRAM, wait_for
from source_tests import free_port, make_certificate

HERE = pathlib.Path(__file__).parent
HANDLER = str(HERE / "handlers" / "scripted.py")
NODE = HERE.parent.parent / "build" / "node-runtime" / "node_modules" / ".bin" / "aws-lambda-ric"
# The static program, as in a container's image.
FORWARDER = str(pathlib.Path(PROGRAM).parent / "forewarm-worker")


class WorkersTest(RemoteTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.token = self.folder / "token"
        self.token.write_text("a-token-of-workers-0123456789\n")
        self.workers = []

    def tearDown(self):
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        super().tearDown()

    def serve(self, settings="", attempts=2, top="", mapping=""):
        table = f'{top}[workers]\nlisten = "127.0.0.1:{self.port}"\nlost_after = "1s"\n'
        config = self.config("workers", {"token_file": str(self.token)}, settings, attempts, mapping)
        return self.started(config.replace("[[queue]]", table + "[[queue]]", 1))

    def worker(self, name, *command, program=(FORWARDER,), url=None, arguments=(), token=None, folder=None):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FOREWARM_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*program, "--server", url or f"http://127.0.0.1:{self.port}", "--token-file", str(token or self.token),
                 *arguments, "--", *(command or (sys.executable, HANDLER, name))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env=environment | {"JOURNAL": str(self.journal), "FOREWARM_INSTANCE": name})
        self.workers.append(process)
        return process

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def tries(self, words):
        """Who tried a message with these words, a name for each try."""
        lines = [line.split(" ", 2) for line in self.journal.read_text().splitlines()]
        return [name for name, _, said in lines if said == words]

    def counts_of(self, server):
        """What is told of the function; the first second tells nothing."""
        function, = wait_for(lambda: server.get("/v1/functions"), "the function is told of")
        return function

    def wait_workers(self, server, count):
        wait_for(lambda: sum(self.counts_of(server)["workers"].values()) == count, f"{count} workers are connected")


class Runs(WorkersTest):
    def test_messages_go_to_workers_and_one_that_is_killed_loses_nothing(self):
        server = self.serve(attempts=3)
        self.worker("first", program=(PROGRAM, "worker"))
        self.worker("second")
        self.wait_workers(server, 2)
        server.send("jobs", "sleep 1.5")
        victim = wait_for(lambda: self.tries("sleep 1.5"), "it runs")[0]
        server.send("jobs", *(f"ok {i}" for i in range(20)))
        self.workers[0 if victim == "first" else 1].kill()
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        for i in range(20):
            self.assertTrue(self.tries(f"ok {i}"))
        other = "second" if victim == "first" else "first"
        self.assertEqual(self.tries("sleep 1.5"), [victim, other])
        self.assertIn("of 'worker': not heard of for 1 s", server.log_text())

    def test_a_worker_that_is_told_to_end_ends_its_run_first(self):
        server = self.serve()
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "sleep 0.8")
        wait_for(lambda: self.tries("sleep 0.8"), "it runs")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.wait_empty(server)
        self.assertEqual(self.tries("sleep 0.8"), ["only"])
        self.wait_workers(server, 0)

    def test_a_run_over_its_time_is_a_timeout_and_its_worker_and_runtime_end(self):
        server = self.serve('timeout = "500ms"', attempts=1)
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "hang")
        self.assertEqual(self.wait_dead(server), ["hang"])
        self.assertEqual(worker.wait(30), 1)
        self.assertIn("the server has ended the run", self.log("only"))
        self.assertIn("Function.TimedOut", server.run("dlq", "triage", "dead", "--json").stdout)

    def test_a_runtime_that_ends_in_its_run_is_a_crash_at_once(self):
        server = self.serve(attempts=1)
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "exit")
        self.assertEqual(self.wait_dead(server), ["exit"])
        self.assertEqual(worker.wait(30), 3)
        self.assertIn("its runtime has ended: exit status 3", server.log_text())

    def test_workers_outlive_their_server(self):
        server = self.serve()
        self.worker("only")
        self.wait_workers(server, 1)
        server.kill()
        server.start()
        self.wait_workers(server, 1)
        server.send("jobs", "ok again")
        self.wait_empty(server)
        self.assertIn("the server is there again", self.log("only"))

    def test_how_many_are_wanted_is_told_before_there_are_any(self):
        server = self.serve()
        server.send("jobs", "ok")
        wait_for(lambda: self.counts_of(server)["instances_wanted"] >= 1, "one is wanted")
        _, metrics = server.http("GET", "/metrics")
        self.assertRegex(metrics, r'forewarm_instances_wanted\{function="worker"\} [1-9]')
        self.assertIn('forewarm_workers{function="worker",state="used"} 0', metrics)
        self.worker("late")
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))


class Doors(WorkersTest):
    def test_amazons_node_client_is_a_worker_over_tls(self):
        self.assertTrue(NODE.exists(), "run tests/e2e/install_node_runtime first")
        make_certificate(self.folder)
        top = f'tls_certificate = "{self.folder}/server.pem"\ntls_key = "{self.folder}/server.key"\n'
        config = self.config("workers", {"token_file": str(self.token)})
        config = config.replace("[[queue]]", f'{top}[workers]\nlisten = "127.0.0.1:{self.port}"\n[[queue]]', 1)
        self.started(config)
        url = f"https://localhost:{self.port}"
        other = self.folder / "other"
        other.mkdir()
        make_certificate(other)
        stranger = self.worker("stranger", url=url, arguments=("--ca-file", str(other / "ca.pem")))
        wait_for(lambda: "its certificate is not trusted" in self.log("stranger"), "it is said")
        stranger.send_signal(signal.SIGTERM)
        self.assertEqual(stranger.wait(30), 0)
        self.worker("node", str(NODE), "index.handler", url=url, arguments=("--ca-file", str(self.folder / "ca.pem")),
                    folder=HERE / "handlers" / "node")
        server, = self.servers
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        admin = server.endpoints["admin"].replace("127.0.0.1", "localhost")
        request = urllib.request.Request(admin + "/v1/functions/worker/invocations", data=b'{"number": 21}', method="POST",
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            self.assertEqual(json.loads(answer.read()), {"doubled": 42, "remaining": True})

    def test_a_wrong_token_is_said_and_ends_the_worker(self):
        server = self.serve()
        wrong = self.folder / "wrong"
        wrong.write_text("another-token-0123456789\n")
        worker = self.worker("wrong", token=wrong)
        self.assertEqual(worker.wait(30), 1)
        self.assertIn("the server answers 403: no function of this server has that token", self.log("wrong"))
        self.assertNotIn("another-token", server.log_text() + self.log("wrong"))

    def test_nothing_but_workers_calls_is_at_their_port(self):
        server = self.serve()
        server.endpoints["workers"] = f"http://127.0.0.1:{self.port}"
        right = {"Authorization": "Bearer a-token-of-workers-0123456789", "Forewarm-Worker": "w"}
        for path in ("/metrics", "/v1/functions", "/healthz", "/", "/v1/queues/jobs/messages"):
            self.assertEqual(server.http("GET", path, at="workers")[0], 401)
            self.assertEqual(server.http("GET", path, headers=right, at="workers")[0], 404)
        status, text = server.http("GET", "/2018-06-01/runtime/invocation/next", at="workers")
        self.assertEqual(status, 401)
        self.assertIn("start them by forewarm-worker", text)

    def test_what_is_used_wrongly_is_said(self):
        def said(*arguments, environment=None):
            kept = {name: value for name, value in os.environ.items() if not name.startswith("FOREWARM_")}
            done = subprocess.run([FORWARDER, *arguments], capture_output=True, text=True, timeout=30, env=kept | (environment or {}))
            self.assertEqual(done.returncode, 2)
            return done.stderr

        self.assertIn("the token would travel in the clear",
                      said("--server", "http://far.example:1", "--token-file", str(self.token), "--", "true"))
        self.assertIn("must be https://HOST:PORT", said("--server", "far", "--token-file", str(self.token), "--", "true"))
        self.assertIn("no token: give --token-file", said("--server", "http://127.0.0.1:1", "--", "true"))
        self.assertIn("cannot run ./nothing-here",
                      said("--server", "http://127.0.0.1:1", "--token-file", str(self.token), "--", "./nothing-here"))
        self.assertIn("no readable PEM file",
                      said("--server", "https://far", "--token-file", str(self.token), "--ca-file", HANDLER, "--", "true"))

    def test_tokens_are_read_and_told_apart_at_the_start(self):
        self.token.write_text("short\n")
        with self.assertRaisesRegex(AssertionError, "remote.token_file: the first line of .* has 5 characters"):
            self.serve()

    @unittest.skipIf(os.environ.get("FOREWARM_SANITIZE", "OFF") not in ("", "OFF", "0", "FALSE"), "sanitizers need shared libraries")
    def test_the_forwarder_needs_no_library_of_its_image(self):
        headers = subprocess.run(["readelf", "-l", FORWARDER], capture_output=True, text=True, check=True).stdout
        self.assertIsNone(re.search(r"INTERP|DYNAMIC", headers))


if __name__ == "__main__":
    unittest.main()
