"""`forewarm serve` that is killed again and again, and a client that lives through it. Python's standard library only."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
from urllib.parse import urlsplit

READY_SECONDS = 60


class Unanswered(Exception):
    """The server died, is not there, or was too busy: what was asked may or may not have been done."""


class Refused(Exception):
    """The server answered that it will not."""


class KilledServer:
    def __init__(self, program, folder, config):
        self.folder = pathlib.Path(folder)
        self.endpoints_file = self.folder / "data" / "endpoints.json"
        self.log_file = self.folder / "server.log"
        self.command = [program, "serve", "--data", str(self.folder / "data"), "--config", str(config),
                        "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.process = None
        self.endpoint = None  # (host, port) while it is ready

    def spawn(self):
        with self.log_file.open("ab") as log:
            return subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=os.environ | {"FOREWARM_FUNCTION_NICE": "0"})

    def start(self):
        """True once it is ready."""
        self.endpoints_file.unlink(missing_ok=True)
        self.process = self.spawn()
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                url = urlsplit(json.loads(self.endpoints_file.read_text(encoding="utf-8"))["sqs"])
                self.endpoint = (url.hostname, url.port)
                return True
            except (FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.002)
        return False

    def kill(self):
        """True if it was alive until now."""
        self.endpoint = None
        if self.process.poll() is not None:
            return False
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return True

    def kill_while_it_starts(self, seconds):
        early = self.spawn()
        time.sleep(seconds)
        early.kill()
        early.wait()

    def last_words(self):
        return "".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines(True)[-5:])


class Client:
    """One connection to one queue, made again after each restart. Used by one thread."""

    def __init__(self, server, queue):
        self.server = server
        self.queue = queue
        self.connection = None
        self.endpoint = None
        self.queue_url = None

    def call(self, action, **parameters):
        self.connect()
        return self.ask(action, QueueUrl=self.queue_url or self.find_queue(), **parameters)

    def create(self, attributes):
        """Asks until it is answered."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                self.connect()
                return self.ask("CreateQueue", QueueName=self.queue, Attributes=attributes)
            except Unanswered:
                time.sleep(0.05)
        raise Refused(f"CreateQueue {self.queue} was never answered")

    def connect(self):
        endpoint = self.server.endpoint
        if endpoint is None:
            time.sleep(0.005)
            raise Unanswered
        if endpoint != self.endpoint:
            self.connection = http.client.HTTPConnection(*endpoint, timeout=30)
            self.endpoint = endpoint
            self.queue_url = None

    def ask(self, action, **parameters):
        """Of whatever queue the parameters name."""
        self.connect()
        try:
            self.connection.request("POST", "/", json.dumps(parameters), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
            response = self.connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException) as problem:
            self.connection.close()
            self.endpoint = None
            raise Unanswered from problem
        if status >= 500:
            time.sleep(0.02)
            raise Unanswered
        if status != 200:
            raise Refused(f"{action} of {self.queue} was answered {status}: {body[:300]!r}")
        return json.loads(body or b"{}")

    def find_queue(self):
        self.queue_url = self.ask("GetQueueUrl", QueueName=self.queue)["QueueUrl"]
        return self.queue_url
