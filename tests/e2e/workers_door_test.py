"""The port at which workers call: tokens, TLS, what else is not there; Amazon's Node client behind the forwarder; how
many workers are wanted, and a server that goes away."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import unittest
import urllib.request

from server_process import wait_for
from source_tests import make_certificate
from worker_tests import FORWARDER, HANDLER, WorkersTest

HERE = pathlib.Path(__file__).parent
NODE = HERE.parent.parent / "build" / "node-runtime" / "node_modules" / ".bin" / "aws-lambda-ric"


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


class Numbers(WorkersTest):
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
        server = self.serve(start_timeout="1s")
        server.send("jobs", "ok")
        wait_for(lambda: self.counts_of(server)["instances_wanted"] >= 1, "one is wanted")

        def taken_back():
            _, metrics = server.http("GET", "/metrics")
            return int(re.search(r'forewarm_instance_losses_total\{function="worker",reason="stopped"\} (\d+)', metrics)[1])

        wait_for(lambda: taken_back() >= 1, "nobody has come to be it")
        wait_for(lambda: self.counts_of(server)["instances_wanted"] >= 1, "it is asked for anew")
        _, metrics = server.http("GET", "/metrics")
        self.assertIn('forewarm_instance_losses_total{function="worker",reason="start_timeout"} 0', metrics)
        self.assertIn('forewarm_workers{function="worker",state="used"} 0', metrics)
        self.assertIn('forewarm_instances_wanted{function="worker"}', metrics)
        self.worker("late")
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
