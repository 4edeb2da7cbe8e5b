"""HTTP functions as targets: Azure's with a key, Google's real Functions Framework, ID tokens, TLS, and their failures."""

import base64
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import time
import unittest
from urllib.parse import parse_qs

from loopback_recorder import Recorder, bare_environment
from remote_functions import RemoteTest
from server_process import wait_for
from source_tests import free_port, listens, make_certificate

HERE = pathlib.Path(__file__).parent
FRAMEWORK = HERE / "node_modules" / ".bin" / "functions-framework"


class AzureFunctions(RemoteTest):
    def azure(self, answer=lambda _: (200, "")):
        """The front of a function app: 401 without the key."""
        self.key = self.folder / "key"
        self.key.write_text("right-key\n")
        self.app = self.recorder(lambda request: answer(request)
                                 if request["headers"].get("x-functions-key") == "right-key" else (401, ""))
        return self.config("azure-functions", {"url": self.app.url + "/api/orders", "key_file": str(self.key)}, attempts=1)

    def test_a_message_is_posted_with_the_key(self):
        server = self.started(self.azure())
        server.send("jobs", '{"n": 1}')
        self.wait_empty(server)
        (request,) = self.app.requests
        self.assertEqual((request["method"], request["path"], request["body"]), ("POST", "/api/orders", '{"n": 1}'))
        self.assertEqual(request["headers"]["content-type"], "application/json")
        self.assertEqual(request["headers"]["x-cloudtasks-queuename"], "jobs")

    def test_a_wrong_key_is_said_and_its_messages_wait_for_the_right_one(self):
        config = self.azure()
        self.key.write_text("wrong-key\n")
        server = self.started(config)
        server.send("jobs", "kept")
        wait_for(lambda: f"look at the key in {self.key}" in server.log_text(), "the log names the file")
        self.assertNotIn("wrong-key", server.log_text())
        self.key.write_text("right-key\n")
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        self.assertEqual(self.app.requests[-1]["headers"]["x-cloudtasks-taskretrycount"], "0")

    def test_entra_id_gives_a_token_for_the_app_and_a_new_one_when_it_is_refused(self):
        given = []

        def tokens(_):
            given.append(f"token{len(given)}")
            return 200, json.dumps({"access_token": given[-1], "expires_in": 3600})

        issuer = self.recorder(tokens)
        app = self.recorder(lambda request: (200, "") if len(given) > 1 and request["headers"].get("authorization") == "Bearer " + given[-1]
                            else (401, ""))
        server = self.started(self.config("azure-functions", {"url": app.url + "/api/orders", "audience": "api://app"}, attempts=1),
                              bare_environment(AZURE_TENANT_ID="tenant", AZURE_CLIENT_ID="me", AZURE_CLIENT_SECRET="hidden",
                                               AZURE_AUTHORITY_HOST=issuer.url))
        for body in ("x", "y"):
            server.send("jobs", body)
            self.wait_empty(server)
        self.assertEqual(len(given), 2, "one, and one more after it was refused")
        asked = parse_qs(issuer.requests[0]["body"])
        self.assertEqual((asked["scope"], asked["client_id"]), (["api://app/.default"], ["me"]))
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        self.assertNotIn("hidden", server.log_text())

    def test_statuses_of_the_function_count_and_those_of_the_platform_do_not(self):
        answers = [(503, "The service is unavailable.", {"Retry-After": "1"}), (502, ""), (429, "")]

        def answer(request):
            if request["body"] == "bad":
                return 500, "as asked"
            return answers.pop(0) if answers else (204, "")

        server = self.started(self.azure(answer))
        server.send("jobs", "good")
        self.wait_empty(server)
        came = [request for request in self.app.requests if request["body"] == "good"]
        self.assertEqual(len(came), 4)
        server.send("jobs", "bad")
        self.assertEqual(self.wait_dead(server), ["bad"])
        self.assertIn("Handler.Status500: as asked", server.run("fn", "invoke", "worker", "bad").stderr)


class GoogleFunctions(RemoteTest):
    def framework(self, target, signature):
        """The real Functions Framework, serving; where, and what it has written."""
        self.assertTrue(FRAMEWORK.exists(), "run npm ci in tests/e2e first")
        self.assertTrue(shutil.which("node"))
        port = free_port()
        log = (self.folder / "framework.log").open("w")
        process = subprocess.Popen([str(FRAMEWORK), f"--target={target}", f"--signature-type={signature}", f"--port={port}"],
                                   cwd=HERE / "handlers" / "functions_framework", stdout=log, stderr=log,
                                   env=os.environ | {"HOST": "127.0.0.1"})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(log.close)
        wait_for(lambda: listens(port), "the framework listens")
        return f"http://127.0.0.1:{port}/", (self.folder / "framework.log").read_text

    def test_a_cloud_event_function_gets_messages_as_those_of_pub_sub(self):
        url, written = self.framework("onMessage", "cloudevent")
        server = self.started(self.config("google-functions", {"url": url}))
        server.send("jobs", "hello", MessageAttributes={"colour": {"DataType": "String", "StringValue": "red"}})
        server.send("jobs", "throw")
        self.assertEqual(self.wait_dead(server), ["throw"])
        self.wait_empty(server)
        self.assertIn('google.cloud.pubsub.topic.v1.messagePublished from //pubsub.googleapis.com/projects/forewarm/'
                      'topics/jobs: hello {"colour":"red"}', written())
        self.assertIn("Handler.Status500: X-Google-Status error", server.run("fn", "invoke", "worker", "throw").stderr)

    def test_an_http_function_gets_the_body_and_its_busy_answer_is_waited_out(self):
        url, _ = self.framework("onRequest", "http")
        server = self.started(self.config("http", {"url": url}, attempts=1))
        invoked = server.run("fn", "invoke", "worker", '{"n": 7}')
        self.assertEqual(json.loads(invoked.stdout), {"got": {"n": 7}, "queue": "trial"})
        server.send("jobs", '{"fail": true}')
        wait_for(lambda: "Handler.Status503: not now" in server.log_text(), "its answer is in the log")
        self.assertEqual(server.counts("dead"), (0, 0, 0))

    def id_token(self, audience, lasts=3600, name="t"):
        claims = {"aud": audience, "exp": int(time.time()) + lasts, "name": name}
        return "head." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".signature"

    def test_a_service_account_gets_an_id_token_for_the_function_and_a_new_one_when_it_is_refused(self):
        audience = "https://orders-x.a.run.app"
        given = []

        def tokens(_):
            given.append(self.id_token(audience, name=f"t{len(given)}"))
            return 200, json.dumps({"id_token": given[-1]})

        issuer = self.recorder(tokens)
        function = self.recorder(lambda request: (200, "") if request["headers"].get("authorization") == "Bearer " + given[-1]
                                 and len(given) > 1 else (401, "invalid token"))
        subprocess.run(["openssl", "genrsa", "-out", "key.pem", "2048"], cwd=self.folder, check=True, capture_output=True)
        account = self.folder / "account.json"
        account.write_text(json.dumps({
            "type": "service_account", "client_email": "me@p.iam", "private_key_id": "k1",
            "private_key": (self.folder / "key.pem").read_text(), "token_uri": issuer.url + "/token"}))
        server = self.started(self.config("google-functions", {"url": function.url, "audience": audience}, attempts=1),
                              bare_environment(GOOGLE_APPLICATION_CREDENTIALS=str(account)))
        for body in ("x", "y"):
            server.send("jobs", body)
            self.wait_empty(server)
        self.assertEqual(len(given), 2, "one, and one more after it was refused")
        assertion = parse_qs(issuer.requests[0]["body"])["assertion"][0].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)))
        self.assertEqual((claims["target_audience"], claims["iss"], claims["aud"]), (audience, "me@p.iam", issuer.url + "/token"))
        self.assertNotIn("scope", claims)
        self.assertEqual(server.counts("dead"), (0, 0, 0))

    def test_the_metadata_server_has_id_tokens_too(self):
        token = self.id_token("https://me")
        metadata = self.recorder(lambda request: (200, token) if request["headers"].get("metadata-flavor") == "Google" else (403, ""))
        function = self.recorder(lambda _: (200, ""))
        server = self.started(self.config("google-functions", {"url": function.url, "audience": "https://me"}),
                              bare_environment(GCE_METADATA_HOST=metadata.address))
        server.send("jobs", "x")
        self.wait_empty(server)
        self.assertEqual(function.requests[0]["headers"]["authorization"], "Bearer " + token)
        self.assertEqual(metadata.requests[0]["path"], "/computeMetadata/v1/instance/service-accounts/default/identity")
        self.assertEqual(parse_qs(metadata.requests[0]["query"]), {"audience": ["https://me"], "format": ["full"]})

    def test_what_gives_no_id_token_is_said_without_secrets(self):
        user = self.folder / "user.json"
        user.write_text(json.dumps({"type": "authorized_user", "refresh_token": "hidden"}))
        function = self.recorder(lambda _: (200, ""))
        server = self.started(self.config("google-functions", {"url": function.url, "audience": "https://me"}),
                              bare_environment(GOOGLE_APPLICATION_CREDENTIALS=str(user)))
        server.send("jobs", "x")
        wait_for(lambda: "use a service account's key file" in server.log_text(), "the log says what to do")
        self.assertNotIn("hidden", server.log_text())
        self.assertEqual(function.requests, [])


class PlainHttp(RemoteTest):
    def test_a_lambda_style_endpoint_gets_batches_and_may_name_what_failed(self):
        def answer(request):
            failed = [record["messageId"] for record in json.loads(request["body"])["Records"] if record["body"] == "bad"]
            return 200, json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in failed]})

        function = self.recorder(answer)
        server = self.started(self.config("http", {"url": function.url, "payload": "sqs"}, attempts=1,
                                          mapping='batch_size = 2\nbatch_window = "300ms"'))
        server.send("jobs", "good", "bad")
        self.assertEqual(self.wait_dead(server), ["bad"])
        self.wait_empty(server)

    def test_a_redirect_is_said_and_not_followed(self):
        login = self.recorder(lambda _: (200, "welcome"))
        function = self.recorder(lambda _: (302, "", {"Location": login.url + "/login"}))
        server = self.started(self.config("http", {"url": function.url}, attempts=1))
        server.send("jobs", "kept")
        wait_for(lambda: f"it has moved to {login.url}/login" in server.log_text(), "the log says so")
        self.assertEqual(login.requests, [])
        self.assertEqual(sum(server.counts("jobs")), 1)

    def test_a_server_whose_process_ends_under_a_run_fails_it(self):
        function = self.recorder(lambda _: (200, "half", {"Content-Length": "999", "Connection": "close"}))
        server = self.started(self.config("http", {"url": function.url}, attempts=1))
        server.send("jobs", "poison")
        self.assertEqual(self.wait_dead(server), ["poison"])
        self.assertIn("Remote.NoResponse", server.run("dlq", "triage", "dead", "--json").stdout)

    def test_certificates_are_verified(self):
        make_certificate(self.folder)
        function = Recorder(lambda _: (200, ""))
        self.addCleanup(function.close)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        function.server.socket = context.wrap_socket(function.server.socket, server_side=True)
        url = function.url.replace("http://127.0.0.1", "https://localhost")
        server = self.started(self.config("http", {"url": url}, attempts=1))
        server.send("jobs", "kept")
        wait_for(lambda: "certificate" in server.log_text(), "the log says that it is not trusted")
        self.assertEqual(function.requests, [])
        server.config.write_text(self.config("http", {"url": url, "ca_file": str(self.folder / "ca.pem")}, attempts=1))
        server.process.send_signal(signal.SIGHUP)
        self.wait_empty(server)
        self.assertEqual(len(function.requests), 1)

    def test_a_function_elsewhere_is_the_configuration_files_alone(self):
        server = self.started(self.config("http", {"url": "http://127.0.0.1:9"}))
        toml = '[[function]]\nname = "other"\nruntime = "http"\nremote.url = "http://127.0.0.1:9"\n'
        status, text = server.http("PUT", "/v1/functions/other", json.dumps({"toml": toml}), {"Content-Type": "application/json"})
        self.assertEqual(status, 400)
        self.assertIn("only the configuration file can define it", text)


if __name__ == "__main__":
    unittest.main()
