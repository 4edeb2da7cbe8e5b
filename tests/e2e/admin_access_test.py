"""Who may do what at the admin port, and who did what."""

import http.client
import json
import signal
import unittest
from urllib.parse import urlsplit

from server_process import Refused, ServerTest, run, wait_for

READ, OPERATE = "read-token-0123456789", "operate-token-0123456789"
# Not behind a token: what a load balancer asks, and what a browser needs to log in.
OPEN = {"/healthz", "/readyz", "/login", "/v1/login", "/v1/logout", "/app.js", "/app.css", "/favicon.svg"}
# For the role read; all other routes need the role operate.
LOOKS = {"/", "/metrics", "/v1/audit", "/v1/backup", "/v1/dead-letter-queues",
         "/v1/dead-letter-queues/{name}/groups", "/v1/functions", "/v1/logs", "/v1/messages/{id}",
         "/v1/openapi.json", "/v1/queues", "/v1/queues/{name}", "/v1/queues/{name}/arrivals",
         "/v1/queues/{name}/decisions", "/v1/queues/{name}/directives", "/v1/queues/{name}/forecast", "/v1/signals",
         "/v1/signals/{name}", "/v1/stream"}


class AdminAccessTests(ServerTest):
    def guarded(self, *arguments, extra=""):
        for name, token in (("read", READ), ("operate", OPERATE)):
            (self.folder / name).write_text(token + "\n")
        return self.server(*arguments, config=extra + "".join(
            f'[[admin_token]]\nname = "{name}er"\nrole = "{name}"\ntoken_file = "{self.folder / name}"\n'
            for name in ("read", "operate"))).start()

    def ask(self, server, method, path, token=None, headers=None, body=None):
        """(status, headers, start of the body), not waiting for the end of a stream."""
        url = urlsplit(server.endpoints["admin"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            headers = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read1(2000).decode()
        finally:
            connection.close()

    def test_every_route_refuses_without_a_token_and_with_a_lesser_role(self):
        server = self.guarded()
        document = json.loads(
            server.http("GET", "/v1/openapi.json", headers={"Authorization": f"Bearer {READ}"})[1])
        walked = 0
        for template, methods in document["paths"].items():
            path = template.replace("{name}", "x")
            for method in methods:
                method = method.upper()
                walked += 1
                where = (method, template)
                status, headers, _ = self.ask(server, method, path, body="{}" if method != "GET" else None)
                if template in OPEN:
                    self.assertNotEqual(status, 403, where)
                    continue
                self.assertEqual(status, 303 if template == "/" else 401, where)
                self.assertEqual(self.ask(server, method, path, "no-such-token-0123456789")[0],
                                 303 if template == "/" else 401, where)
                with_read = self.ask(server, method, path, READ, body="{}" if method != "GET" else None)[0]
                if method == "GET" and template in LOOKS:
                    self.assertNotIn(with_read, (401, 403), where)
                else:
                    self.assertEqual(with_read, 403, where)
                if template != "/v1/backup":
                    with_operate = self.ask(server, method, path, OPERATE, body="{}" if method != "GET" else None)[0]
                    self.assertNotIn(with_operate, (401, 403), where)
        self.assertGreater(walked, 25)

    def test_a_browser_logs_in_and_out_by_a_cookie_that_scripts_cannot_read(self):
        server = self.guarded()
        status, headers, _ = self.ask(server, "GET", "/")
        self.assertEqual((status, headers["Location"]), (303, "/login"))
        self.assertIn("password", self.ask(server, "GET", "/login")[2])
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.ask(server, "POST", "/v1/login", headers=form, body="token=wrong")[0], 401)
        status, headers, _ = self.ask(server, "POST", "/v1/login", headers=form, body=f"token={READ}")
        self.assertEqual((status, headers["Location"]), (303, "/"))
        cookie = headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, cookie)
        self.assertNotIn(READ, cookie)
        session = {"Cookie": "other=1; " + cookie.split(";")[0]}
        self.assertEqual(self.ask(server, "GET", "/", headers=session)[0], 200)
        self.assertEqual(self.ask(server, "GET", "/v1/stream", headers=session)[0], 200)
        self.assertEqual(self.ask(server, "DELETE", "/v1/functions/x", headers=session)[0], 403)
        self.assertEqual(self.ask(server, "POST", "/v1/logout", headers=session)[0], 303)
        self.assertEqual(self.ask(server, "GET", "/v1/queues", headers=session)[0], 401)

    def test_commands_take_the_token_from_the_environment_or_a_file(self):
        server = self.guarded()
        without = server.run("queue", "list")
        self.assertEqual(without.returncode, 1)
        self.assertIn("--token-file", without.stderr)
        where = {"FOREWARM_ADMIN_ENDPOINT": server.endpoints["admin"]}
        self.assertEqual(run("queue", "list", environment=where | {"FOREWARM_TOKEN": READ}).returncode, 0)
        self.assertEqual(server.run("queue", "list", "--token-file", self.folder / "read").returncode, 0)
        lesser = server.run("backup", self.folder / "backup", "--token-file", self.folder / "read")
        self.assertEqual(lesser.returncode, 1)
        self.assertIn("role", lesser.stderr)
        self.assertFalse((self.folder / "backup").exists())

    def test_pages_of_other_sites_are_refused_with_and_without_tokens(self):
        for make in (lambda: self.server().start(), self.guarded):
            server = make()
            for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
                self.assertEqual(self.ask(server, "GET", "/v1/queues", READ, headers=headers)[0], 403, headers)
            self.assertEqual(self.ask(server, "GET", "/v1/queues", READ, {"Host": "localhost:1"})[0], 200)
            server.stop()

    def test_other_machines_are_let_in_only_with_tokens(self):
        refused = run("serve", "--data", self.folder / "no", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("[[admin_token]]", refused.stderr)
        server = self.guarded("--admin", "0.0.0.0:0", "--listen", "127.0.0.1:0")
        port = urlsplit(server.endpoints["admin"]).port
        server.endpoints["admin"] = f"http://127.0.0.1:{port}"
        self.assertEqual(self.ask(server, "GET", "/v1/queues", READ, {"Host": "queue.example"})[0], 200)
        self.assertEqual(self.ask(server, "GET", "/v1/queues")[0], 401)
        cross = {"Host": "queue.example", "Origin": "http://evil.example"}
        self.assertEqual(self.ask(server, "GET", "/v1/queues", READ, cross)[0], 403)
        self.assertIn("without TLS", server.log_text())

    def test_tokens_are_read_again_on_sighup(self):
        server = self.guarded()
        (self.folder / "read").write_text("another-token-0123456789\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.ask(server, "GET", "/v1/queues", "another-token-0123456789")[0] == 200, "the new one is in force")
        self.assertEqual(self.ask(server, "GET", "/v1/queues", READ)[0], 401)
        (self.folder / "read").write_text("short\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "not reloaded" in server.log_text(), "the bad one is said")
        self.assertEqual(self.ask(server, "GET", "/v1/queues", "another-token-0123456789")[0], 200)

    def test_wrong_tokens_are_said_at_the_start(self):
        for text, words in (('[[admin_token]]\nname = "a"\n', "needs token_file"),
                            ('[[admin_token]]\nname = "a"\nrole = "king"\ntoken_file = "x"\n', "read or operate"),
                            ('[[admin_token]]\nname = "a"\ntoken_file = "/no/such/file"\n', "/no/such/file")):
            config = self.folder / "wrong.toml"
            config.write_text(text)
            done = run("serve", "--data", self.folder / "no", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                       "--config", config)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)

    def test_who_changed_what_is_on_record_through_a_kill(self):
        server = self.guarded()
        server.queue("jobs")
        server.sqs("PurgeQueue", QueueUrl=server.url("jobs"))
        server.sqs("SetQueueAttributes", QueueUrl=server.url("jobs"), Attributes={"DelaySeconds": "3", "VisibilityTimeout": "9"})
        server.sqs("AddPermission", QueueUrl=server.url("jobs"), Label="all", AWSAccountIds=["123456789012"], Actions=["*"])
        arn = "arn:aws:sqs:us-east-1:000000000000:jobs"
        with self.assertRaises(Refused):
            server.sqs("StartMessageMoveTask", SourceArn=arn, DestinationArn=arn + "2")
        self.ask(server, "POST", "/v1/queues/jobs/pause", OPERATE, body='{"paused": true}')
        self.ask(server, "POST", "/v1/queues/jobs/pause", READ, body='{"paused": false}')
        self.ask(server, "DELETE", "/v1/functions/none", OPERATE)
        self.ask(server, "GET", "/v1/queues", READ)
        server.kill()
        shown = run("audit", "--data", server.data, "--json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        entries = [(entry["principal"], entry["action"], entry["target"], entry.get("details"), entry["result"])
                   for entry in json.loads(shown.stdout)]
        self.assertEqual(entries, [
            ("anonymous", "sqs:CreateQueue", "jobs", None, "ok"),
            ("anonymous", "sqs:PurgeQueue", "jobs", None, "ok"),
            ("anonymous", "sqs:SetQueueAttributes", "jobs", "DelaySeconds=3, VisibilityTimeout=9", "ok"),
            ("anonymous", "sqs:AddPermission", "jobs", "all", "ok"),
            ("anonymous", "sqs:StartMessageMoveTask", "jobs", "to " + arn + "2",
             "Source queue must be configured as a Dead Letter Queue."),
            ("operateer", "admin:pauseQueue", "/v1/queues/jobs/pause", '{"paused": true}', "ok"),
            ("reader", "admin:pauseQueue", "/v1/queues/jobs/pause", '{"paused": false}', "refused with status 403"),
            ("operateer", "admin:removeFunction", "/v1/functions/none", None, "refused with status 404")])
        server.start()
        text = server.run("audit", "--limit", "2", "--token-file", self.folder / "read").stdout
        self.assertEqual(len(text.splitlines()), 2)
        self.assertRegex(text, r"(?m)^\d{4}-\d\d-\d\dT\S+Z  operateer  admin:removeFunction")
        for path in (server.data / "audit").iterdir():
            self.assertNotIn(OPERATE, path.read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
