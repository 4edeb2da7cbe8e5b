"""What tests of message sources share: the probe, brokers in folders of their own, clients that are not ours.

The probe is FOREWARM_PROBE. Brokers listen on loopback at free ports and are stopped by their process ids.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PROBE = os.environ.get("FOREWARM_PROBE", "")
PATIENCE_SECONDS = 60  # sanitizers on a busy machine; nothing waits as long unless it fails


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what, ready, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = ready()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Lines:
    """A process that takes lines of JSON and answers with such."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.events = []
        self.grown = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.grown:
                self.events.append(json.loads(line))
                self.grown.notify_all()

    def send(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def wait(self, what, found, seconds=PATIENCE_SECONDS):
        """The first true value of found(events)."""
        with self.grown:
            value = self.grown.wait_for(lambda: found(self.events), seconds)
        if not value:
            raise AssertionError(f"{what} did not happen; last: {self.events[-6:]}")
        return value

    def close(self):
        self.process.stdin.close()
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            self.reader.join()
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Probe(Lines):
    """A source, started, with a window."""

    def __init__(self, url, window=0, environment=None, queue="", password_file=""):
        super().__init__([PROBE, url, queue, str(password_file)], environment)
        self.send(op="window", n=window)
        self.send(op="start")

    def of(self, kind):
        with self.grown:
            return [event for event in self.events if event["event"] == kind]

    def lent(self):
        return [message for event in self.of("lent") for message in event["messages"]]

    def lost(self):
        return [token for event in self.of("lost") for token in event["tokens"]]

    def settled(self):
        return {event["token"]: event for event in self.of("settled")}

    def wait_count(self, count, seconds=PATIENCE_SECONDS):
        self.wait(f"{count} messages lent", lambda _: len(self.lent()) >= count, seconds)
        return self.lent()

    def wait_state(self, ok, after=0):
        """The first state at or after an index of states that is as said."""
        return self.wait(f"state {ok}", lambda _: next((s for s in self.of("state")[after:] if s["ok"] is ok), None))

    def settle(self, tokens, kind="acknowledge", **more):
        self.send(op="settle", settlements=[{"token": token, "kind": kind, **more} for token in tokens])

    def settle_and_wait(self, tokens, kind="acknowledge", **more):
        self.settle(tokens, kind, **more)
        self.wait("all settled", lambda _: set(tokens) <= set(self.settled()))
        return [self.settled()[token] for token in tokens]

    def ask(self, op, event, **more):
        """What a command is answered with."""
        before = len(self.of(event))
        self.send(op=op, **more)
        self.wait(event, lambda _: len(self.of(event)) > before)
        return self.of(event)[before]


class Client(Lines):
    """A client that is not ours: a script that answers each command with one line."""

    def __init__(self, script, url):
        super().__init__(["node", str(HERE / script), url])

    def do(self, op, **more):
        count = len(self.events)
        self.send(op=op, **more)
        self.wait(op, lambda events: len(events) > count)
        answer = self.events[count]
        if "error" in answer:
            raise AssertionError(f"{op}: {answer['error']}")
        return answer.get("value")


class Broker:
    """A server in a folder; it can be killed and started again on the same data."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.spawned = []
        self.pid = None

    def spawn(self, command, **more):
        with (self.folder / "output.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, **more)
        self.spawned.append(process)
        return process

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        """At once: nobody needs its data any more."""
        for process in reversed(self.spawned):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.spawned.clear()


def make_certificate(folder):
    """A private authority and a certificate of its for localhost: ca.pem, server.pem, server.key."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "server.key",
            "-out", "server.csr", "-subj", "/CN=localhost")
    (pathlib.Path(folder) / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "server.pem", "-days", "2", "-extfile", "names")
