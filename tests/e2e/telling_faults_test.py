"""Those who are told, a collector of OpenTelemetry and receivers of alerts, through the six failures: what may pass is sent again,
what is refused is counted, a new secret is used, and whoever is well hears at once. A server for each failure, side by side."""

import socketserver
import threading
import unittest

from alert_tests import STALE_SIGNAL
from faults import FAULTS, FaultyLink
from loopback_recorder import Recorder
from server_process import Server, ServerTest, wait_for

TIMES = 2
RECEIVERS = ("webhook", "slack", "pagerduty", "email")
# Of 401 a receiver says that it is for good; the rest may pass.
FAILS = {"throttled", "unavailable", "server_error", "timeout", "half_open"}


class FaultyMail:
    """A mail server that fails `times` sessions, and takes what comes after."""

    def __init__(self, fault, times):
        self.fault, self.left, self.lock = fault, times, threading.Lock()
        self.met, self.mails = 0, []
        self.released = threading.Event()
        outer = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                with outer.lock:
                    fault = outer.fault if outer.left > 0 else None
                    outer.left -= 1
                    outer.met += fault is not None
                if fault == "half_open":
                    outer.released.wait()
                    return
                self.say({"throttled": "421 too busy", "unavailable": "421 going down", "malformed": "<html>"}.get(fault, "220 ready"))
                for line in self.rfile:
                    word = line.split()[0].upper()
                    self.say("354 go on" if word == b"DATA" else "221 bye" if word == b"QUIT" else "250 good")
                    if word == b"DATA" and not self.take(fault):
                        return

            def take(self, fault):
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                if fault == "server_error":
                    self.say("451 local error")
                    return True
                with outer.lock:
                    outer.mails.append(text.decode())
                if fault == "timeout":
                    outer.released.wait()
                    return False
                self.say("250 kept")
                return True

            def say(self, line):
                try:
                    self.wfile.write(line.encode() + b"\r\n")
                except OSError:
                    pass  # it has gone away

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.server.handle_error = lambda *_: None
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Trial:
    """A server that tells by links which all have one fault."""

    def __init__(self, test, fault):
        self.fault, self.folder = fault, test.folder / fault
        self.folder.mkdir()
        self.web = test.recorder(lambda request: (404, "") if request["path"] == "/price" else (200, "{}"))
        self.links = {name: FaultyLink(self.web.url, {"unavailable": (503, "not now", {})}) for name in ("collector", *RECEIVERS[:3])}
        for link in self.links.values():
            test.addCleanup(link.close)
            link.fail(fault, TIMES)
        self.links["collector"].meets = lambda request: request["path"] == "/v1/traces"
        if fault == "expired":
            # Each secret has a file of its own, and is not taken until it is another one.
            for name, link in self.links.items():
                link.meets = lambda request, name=name: f"secret-of-{name}" in "".join(
                    [request["path"], request["body"].decode(), *request["headers"].values()])
                link.fail(fault)
        self.mail = FaultyMail(fault, TIMES)
        test.addCleanup(self.mail.close)
        for name in self.links:
            self.give_secret(name, "secret-of-" + name)
        (self.folder / "forewarm.toml").write_text(self.config())
        self.server = Server(self.folder, config=self.folder / "forewarm.toml")
        test.servers.append(self.server)

    def give_secret(self, name, secret):
        (self.folder / name).write_text((f"{self.links[name].url}/slack/{secret}" if name == "slack" else secret) + "\n")

    def config(self):
        haste = 'alerts = ["ForewarmSignalStale"]\ntimeout = "500ms"\ngroup_wait = "0s"\ngroup_interval = "1s"\n'
        text = f'''
[otlp]
endpoint = "{self.links["collector"].url}"
timeout = "500ms"
sample_ratio = 1
header_files = {{ "x-key" = "{self.folder / "collector"}" }}
{STALE_SIGNAL.format(url=self.web.url)}[[function]]
name = "work"
runtime = "http"
remote.url = "{self.web.url}/work"
[[mapping]]
queue = "jobs"
function = "work"
[[notify]]
name = "well"
url = "{self.web.url}/well"
{haste}'''
        for kind in RECEIVERS[:3]:
            url = "" if kind == "slack" else f'url = "{self.links[kind].url}/{kind}"\n'
            text += f'[[notify]]\nname = "{kind}"\nkind = "{kind}"\n{url}secret_file = "{self.folder / kind}"\n{haste}'
        return text + (f'[[notify]]\nname = "email"\nkind = "email"\nurl = "{self.mail.url}"\nstarttls = false\n'
                       f'from = "forewarm@example.org"\nto = ["ops@example.org"]\n{haste}')

    def told(self, path):
        return [request for request in self.web.requests if request["path"].startswith("/" + path)]

    def counted(self, name, *labels):
        _, text = self.server.http("GET", "/metrics")
        found = [line for line in text.splitlines() if line.startswith(name + "{") and all(label in line for label in labels)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def spans(self, reason):
        return self.counted("forewarm_otlp_items_total", 'kind="spans"', f'reason="{reason}"')

    def notified(self, receiver, reason):
        return self.counted("forewarm_notifications_total", f'receiver="{receiver}"', f'reason="{reason}"')


class TellingFaults(ServerTest):
    def recorder(self, answer):
        recorder = Recorder(answer)
        self.addCleanup(recorder.close)
        return recorder

    def test_who_is_told_through_each_failure(self):
        trials = [Trial(self, fault) for fault in (*FAULTS, "unavailable")]
        for trial in trials:
            trial.server.start()
            trial.server.send("jobs", "a message")
        for trial in trials:
            with self.subTest(fault=trial.fault):
                trial.web.wait(lambda _: trial.told("well") and trial.told("work"))
                self.check_refusal(trial) if trial.fault == "expired" else self.check_failure(trial)
                self.check_collector(trial)
        for trial in trials:
            self.assertEqual(trial.server.stop(), 0)
            self.assertNotIn("secret-of-", trial.server.log.read_text())

    def check_failure(self, trial):
        failed = TIMES if trial.fault in FAILS else 0
        done_each_time = 1 + (TIMES if trial.fault == "timeout" else 0)
        for receiver in RECEIVERS:
            wait_for(lambda: trial.notified(receiver, "delivered") == 1, f"{trial.fault}: {receiver} is told")
            if receiver == "email":
                # What greets as no mail server does has not taken it.
                failed = TIMES if trial.fault == "malformed" else failed
                self.assertEqual((trial.mail.met, len(trial.mail.mails)), (TIMES, done_each_time))
            else:
                self.assertEqual(len(trial.told(receiver)), done_each_time, receiver)
                self.assertEqual(len(trial.links[receiver].met), failed or 1, receiver)
                if failed:
                    met = trial.links[receiver].met
                    self.assertGreater(met[1]["at"] - met[0]["at"], 0.49, "it is not hammered")
            self.assertEqual((trial.notified(receiver, "failed"), trial.notified(receiver, "refused")), (failed, 0), receiver)

    def check_refusal(self, trial):
        for receiver in RECEIVERS[:3]:
            wait_for(lambda: trial.notified(receiver, "refused"), f"{receiver} refuses")
            self.assertEqual(trial.told(receiver), [])
            trial.give_secret(receiver, "secret-anew")
        for receiver in RECEIVERS[:3]:
            wait_for(lambda: trial.notified(receiver, "delivered") == 1, f"{receiver} is told with the new secret")
            self.assertEqual(trial.notified(receiver, "failed"), 0)

    def check_collector(self, trial):
        """429, 502, 503 and 504 are asked again, and what is not answered; other refusals are for good."""
        collector = trial.links["collector"]
        if trial.fault in ("server_error", "expired"):
            wait_for(lambda: trial.spans("rejected"), f"{trial.fault}: what is refused is counted")
            self.assertEqual(trial.told("v1/traces"), [])
            if trial.fault == "expired":
                trial.give_secret("collector", "secret-anew")
        # Spans of several messages may be one request.
        wait_for(lambda: trial.spans("sent") or trial.server.send("jobs", "another"), f"{trial.fault}: spans are sent")
        self.assertEqual(trial.spans("dropped"), 0)
        same = {request["body"] for request in collector.met}
        if trial.fault in ("throttled", "unavailable", "timeout", "half_open"):
            self.assertEqual((len(collector.met), len(same)), (TIMES, 1), "the same again")
            self.assertGreater(collector.met[1]["at"] - collector.met[0]["at"], 0.49, "it is not hammered")
            self.assertRegex(trial.server.log.read_text(), "answered (429|503)|timed out|tim(ed|e) ?out")


if __name__ == "__main__":
    unittest.main()
