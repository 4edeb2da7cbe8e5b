"""Who is told of alerts: webhooks beside the real Alertmanager's, Slack, PagerDuty, and mail to a real SMTP server; what
fails, is busy or refuses; and that no secret is said."""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from alert_tests import STALE_SIGNAL
from control_tests import Control
from loopback_recorder import Recorder
from server_process import PYTHON, ServerTest, run, wait_for

HERE = pathlib.Path(__file__).parent

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
HASTE = 'group_wait = "0s"\ngroup_interval = "1s"\n'


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Mailbox:
    """The mail server, with a certificate for localhost."""

    def __init__(self, folder):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                "smtp.key", "-out", "smtp.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        self.journal = folder / "mail"
        port = free_port()
        self.process = subprocess.Popen(
            [PYTHON, str(HERE / "smtp_server.py"), str(port), str(folder / "smtp.pem"), str(folder / "smtp.key"), str(self.journal)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # it complains of each handshake that fails
        self.url = f"smtp://localhost:{port}"
        self.ca = folder / "smtp.pem"
        wait_for(lambda: self.notes("ready") or self.process.poll() is not None, "the mail server is ready")
        if self.process.poll() is not None:
            raise AssertionError("the mail server ended: Debian package python3-aiosmtpd")

    def notes(self, what):
        # The last line may be under way.
        lines = self.journal.read_text().rpartition("\n")[0].splitlines() if self.journal.exists() else []
        return [note for note in map(json.loads, lines) if what in note]

    @property
    def messages(self):
        return self.notes("text")

    def close(self):
        self.process.kill()
        self.process.wait()


class NotifyTests(ServerTest):
    def recorder(self, answer):
        recorder = Recorder(answer)
        self.addCleanup(recorder.close)
        return recorder

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        return path

    def mail(self, box, password="a-mail-password", more=""):
        return f"""
[[notify]]
name = "mail"
kind = "email"
url = "{box.url}"
ca_file = "{box.ca}"
user = "forewarm"
secret_file = "{self.secret('of-' + password, password)}"
from = "forewarm <forewarm@example.org>"
to = ["ops@example.org"]
{HASTE}{more}"""

    def config(self, text):
        path = self.folder / "notify.toml"
        path.write_text(text)
        return path

    def test_everybody_is_told_of_the_beginning_and_of_the_end(self):
        reading = {"status": 404}
        trouble = {"webhook": 2}

        def answer(request):
            if request["path"] == "/price":
                return reading["status"], json.dumps({"value": 1})
            if request["path"] == "/webhook" and trouble["webhook"]:
                trouble["webhook"] -= 1
                return 503, "not now"
            return (202, '{"status":"success"}') if request["path"] == "/pagerduty" else (200, "ok")

        web = self.recorder(answer)
        box = Mailbox(self.folder)
        self.addCleanup(box.close)
        slack = self.secret("slack", web.url + "/slack/T000/secret-of-slack")
        server = self.server(config=STALE_SIGNAL.format(url=web.url) + f"""
[[notify]]
name = "hook"
url = "{web.url}/webhook"
secret_file = "{self.secret('bearer', 'a-bearer-token')}"
{HASTE}
[[notify]]
name = "chat"
kind = "slack"
secret_file = "{slack}"
{HASTE}
[[notify]]
name = "duty"
kind = "pagerduty"
url = "{web.url}/pagerduty"
secret_file = "{self.secret('routing', ROUTING_KEY)}"
severities = ["ticket"]
{HASTE}
[[notify]]
name = "pages"
url = "{web.url}/never"
severities = ["page"]
{HASTE}""" + self.mail(box)).start()

        def bodies(path, status):
            found = [json.loads(request["body"]) for request in web.requests if request["path"] == path]
            return [body for body in found if status in (body.get("status"), body.get("event_action"))]

        alert = wait_for(lambda: [a for a in server.get("/v1/alerts")["alerts"] if a["name"] == "ForewarmSignalStale"], "it fires")[0]
        self.assertEqual((alert["state"], alert["subject"], alert["severity"]), ("firing", {"signal": "price"}, "ticket"))
        web.wait(lambda _: len(bodies("/webhook", "firing")) >= 3)  # two were answered 503
        web.wait(lambda _: bodies("/pagerduty", "trigger"))
        wait_for(lambda: box.messages, "mail came")
        reading["status"] = 200
        web.wait(lambda _: bodies("/webhook", "resolved"))
        web.wait(lambda _: bodies("/pagerduty", "resolve"))
        wait_for(lambda: len(box.messages) >= 2, "mail of the end came")

        resolved = bodies("/webhook", "resolved")[0]
        self.assertEqual(resolved["alerts"][0]["labels"]["signal"], "price")
        self.assertEqual(resolved["receiver"], "hook")
        hook = next(request for request in web.requests if request["path"] == "/webhook")
        self.assertEqual(hook["headers"]["authorization"], "Bearer a-bearer-token")
        self.assertEqual(hook["headers"]["content-type"], "application/json")
        trigger, resolve = bodies("/pagerduty", "trigger")[0], bodies("/pagerduty", "resolve")[0]
        self.assertEqual((trigger["routing_key"], trigger["payload"]["severity"]), (ROUTING_KEY, "warning"))
        self.assertEqual(resolve["dedup_key"], trigger["dedup_key"])
        chat = [json.loads(request["body"]) for request in web.requests if request["path"].startswith("/slack/")]
        self.assertIn("[FIRING:1] ForewarmSignalStale", chat[0]["text"])
        self.assertEqual(chat[0]["attachments"][0]["color"], "warning")
        mail = box.messages[0]
        self.assertTrue(mail["secure"])
        self.assertEqual((mail["sender"], mail["receivers"]), ("forewarm@example.org", ["ops@example.org"]))
        self.assertIn("Subject: [FIRING:1] ForewarmSignalStale Signal price", mail["text"])
        self.assertIn("[RESOLVED]", box.messages[1]["text"])
        self.assertEqual(box.notes("login")[0], {"login": "forewarm", "good": True})
        self.assertFalse([request for request in web.requests if request["path"] == "/never"])

        wait_for(lambda: 'forewarm_notifications_total{reason="failed",receiver="hook"} 2' in server.http("GET", "/metrics")[1],
                 "what failed is counted")
        log = server.log_text()
        self.assertIn("an alert fires", log)
        self.assertIn("503 not now", log)
        for secret in ("a-bearer-token", "secret-of-slack", ROUTING_KEY, "a-mail-password"):
            self.assertNotIn(secret, log)
            self.assertNotIn(secret, server.http("GET", "/v1/alerts")[1])

    def test_a_receiver_that_hangs_holds_up_nobody_and_a_new_one_comes_with_a_reload(self):
        hanging = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(hanging.close)
        web = self.recorder(lambda request: (404, "") if request["path"] == "/price" else (200, "ok"))
        before = STALE_SIGNAL.format(url=web.url) + f"""
[[notify]]
name = "hangs"
url = "http://127.0.0.1:{hanging.getsockname()[1]}/"
timeout = "5m"
{HASTE}"""
        server = self.server(config=before).start()
        wait_for(lambda: server.get("/v1/alerts")["alerts"], "it fires")
        server.config.write_text(before.replace("hangs", "leaves") + f'[[notify]]\nname = "new"\nurl = "{web.url}/new"\n{HASTE}')
        server.process.send_signal(signal.SIGHUP)
        web.wait(lambda requests: [each for each in requests if each["path"] == "/new"])
        self.assertEqual([each["name"] for each in server.get("/v1/alerts")["receivers"]], ["leaves", "new"])
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 30, "what hangs is not waited for")

    def test_a_test_says_what_came_back(self):
        web = self.recorder(lambda request: (404, "no_service") if "slack" in request["path"] else (200, "ok"))
        box = Mailbox(self.folder)
        self.addCleanup(box.close)
        gone = free_port()
        path = self.config(f"""
[[notify]]
name = "hook"
url = "{web.url}/webhook"
[[notify]]
name = "chat"
kind = "slack"
secret_env = "CHAT_URL"
[[notify]]
name = "gone"
url = "http://127.0.0.1:{gone}/"
""" + self.mail(box))
        chat = {"CHAT_URL": web.url + "/slack/secret-of-slack?and=more"}
        done = run("notify", "test", "--config", path, environment=chat)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^hook \(webhook\): delivered: 200 ok$")
        self.assertRegex(done.stdout, r"(?m)^chat \(slack\): refused: 404 no_service$")
        self.assertRegex(done.stdout, r"(?m)^gone \(webhook\): failed: .*cannot be reached")
        self.assertRegex(done.stdout, r"(?m)^mail \(email\): delivered: 250 kept as number 7$")
        self.assertNotIn("secret-of-slack", done.stdout + done.stderr)
        self.assertIn("Nothing is wrong", box.messages[0]["text"])
        one = run("notify", "test", "hook", "--config", path, "--json")
        self.assertEqual((one.returncode, json.loads(one.stdout)[0]["outcome"]), (0, "delivered"))
        wrong = run("notify", "test", "hok", "--config", path)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("Did you mean hook?", wrong.stderr)
        unset = run("notify", "test", "chat", "--config", path)
        self.assertIn("CHAT_URL is not set", unset.stdout)
        nowhere = run("notify", "test", "chat", "--config", path, environment={"CHAT_URL": f"http://127.0.0.1:{gone}/secret-of-slack?a=b"})
        self.assertNotIn("secret-of-slack", nowhere.stdout + nowhere.stderr)

    def test_mail_that_is_refused_and_mail_that_would_go_to_somebody_else(self):
        box = Mailbox(self.folder)
        self.addCleanup(box.close)
        for text, said in ((self.mail(box, password="wrong"), "failed|refused"),
                           (self.mail(box).replace("ops@example.org", "nobody@example.org"), "refused: .*550 nobody"),
                           (self.mail(box).replace(f'ca_file = "{box.ca}"\n', ""), "failed: .*certificate"),
                           (self.mail(box).replace("localhost", "127.0.0.1"), "failed: .*(certificate|subject)")):
            done = run("notify", "test", "--config", self.config(text))
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertRegex(done.stdout, said)
            self.assertNotIn("password", done.stdout)
        self.assertEqual(box.messages, [])

    def test_check_says_what_is_wrong_with_place_and_remedy(self):
        for text, said in (
                ('[[notify]]\nname = "a"\nkind = "slak"\n', "notify.toml:1:1.*Did you mean slack"),
                ('[[notify]]\nname = "a"\n', "needs url"),
                ('[[notify]]\nname = "a"\nkind = "pagerduty"\n', "routing key"),
                ('[[notify]]\nname = "a"\nkind = "email"\nurl = "smtp://h:25"\nfrom = "a@b"\nto = ["c"]\n', "'c' is no address"),
                ('[[notify]]\nname = "a"\nkind = "email"\nurl = "smtp://h:25"\nfrom = "a@b"\nto = ["c@d"]\nuser = "u"\n', "go together"),
                ('[[notify]]\nname = "a"\nkind = "email"\nurl = "smtp://h:25"\nfrom = "a@b"\nto = ["c@d"]\nuser = "u"\n'
                 'secret_env = "X"\nstarttls = false\n', "unencrypted"),
                ('[[notify]]\nname = "a"\nurl = "http://h"\nalerts = ["ForewarmDeadLeters"]\n', "Did you mean ForewarmDeadLetters"),
                ('[[notify]]\nname = "a"\nurl = "http://h"\nseverities = ["critical"]\n', "expected page or ticket"),
                ('[[notify]]\nname = "a"\nurl = "http://h"\n' * 2, "defined twice"),
                ('[alerts]\nfor = { ForewarmDeadLetters = "soon" }\n', "notify.toml:1:1.*not a duration"),
                ('[alerts]\nfor = { ForewarmDown = "1m" }\n', "there is no alert 'ForewarmDown'")):
            done = run("check", self.config(text))
            self.assertEqual(done.returncode, 1, text)
            self.assertRegex(done.stderr, said)
        done = run("check", self.config('[[notify]]\nname = "a"\nurl = "http://h"\nsecret_file = "nowhere"\n'))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "warning: .*secret_file: there is no text in nowhere")

    def test_control_tells_that_its_metrics_say_nothing(self):
        web = self.recorder(lambda request: (200, "ok"))
        path = self.config(f"""
data = "{self.folder / 'data'}"
admin = "127.0.0.1:0"
every = "200ms"
[alerts]
every = "1s"
for = {{ ForewarmControlSilent = "0s" }}
[[notify]]
name = "hook"
url = "{web.url}/webhook"
{HASTE}
[[control]]
queue = "orders"
silent_after = "1s"
metrics.url = "http://127.0.0.1:{free_port()}"
metrics.waiting = "waiting"
metrics.done_total = "done"
target.kind = "webhook"
target.url = "{web.url}/set"
""")
        server = Control(self.folder, config=path)
        self.servers.append(server)
        server.start()
        body = json.loads(web.wait(lambda requests: [each for each in requests if each["path"] == "/webhook"])[0]["body"])
        self.assertEqual(body["alerts"][0]["labels"]["alertname"], "ForewarmControlSilent")
        self.assertEqual(body["alerts"][0]["labels"]["queue"], "orders")
        self.assertEqual(server.get("/v1/alerts")["alerts"][0]["name"], "ForewarmControlSilent")

    def test_the_webhook_is_the_real_alertmanagers(self):
        """The same alert by Alertmanager: the same members of the same types, and the same fingerprint of the same labels."""
        web = self.recorder(lambda request: (200, "ok"))
        ours = run("notify", "test", "--config", self.config(f'[[notify]]\nname = "hook"\nurl = "{web.url}/ours"\n'))
        self.assertEqual(ours.returncode, 0, ours.stdout)
        ours = json.loads(web.requests[0]["body"])
        configuration = self.folder / "alertmanager.yml"
        configuration.write_text(f"""
route: {{receiver: hook, group_by: [alertname], group_wait: 0s}}
receivers:
  - name: hook
    webhook_configs:
      - url: {web.url}/theirs
""")
        port = free_port()
        manager = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={configuration}", f"--storage.path={self.folder / 'alertmanager'}",
             f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(manager.wait)
        self.addCleanup(manager.kill)
        alert = {key: ours["alerts"][0][key] for key in ("labels", "annotations", "startsAt")}

        def post():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/api/v2/alerts", json.dumps([alert]), {"Content-Type": "application/json"})
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()

        wait_for(post, "Alertmanager takes the alert")
        theirs = json.loads(web.wait(lambda requests: [each for each in requests if each["path"] == "/theirs"])[0]["body"])

        def shape(value):
            if isinstance(value, dict):
                return {key: shape(each) for key, each in value.items()}
            return [shape(value[0])] if isinstance(value, list) else type(value).__name__

        self.assertEqual(shape(ours), shape(theirs))
        self.assertEqual(ours["version"], theirs["version"])
        self.assertEqual(ours["groupKey"], theirs["groupKey"])
        self.assertEqual(ours["commonLabels"], theirs["commonLabels"])
        self.assertEqual(ours["alerts"][0]["fingerprint"], theirs["alerts"][0]["fingerprint"])
        self.assertEqual(ours["alerts"][0]["endsAt"], theirs["alerts"][0]["endsAt"])


if __name__ == "__main__":
    unittest.main()
