"""The program as its users have it: a server with a folder of its own, the command line, and a small SQS client.

Python's standard library only. The program is FOREWARM_PROGRAM.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import urlsplit

PROGRAM = os.environ.get("FOREWARM_PROGRAM", "")
# Sanitizers on a busy machine; nothing waits as long unless it fails.
PATIENCE_SECONDS = 60
# Functions give way to whatever else a machine does; here that is other tests, and no time limit of a test is meant for that.
os.environ.setdefault("FOREWARM_FUNCTION_NICE", "0")
# What runs handlers, isolated from the rest of the machine: the system's Python where there is one.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
PYTHON_PATHS = [] if PYTHON != sys.executable else [sys.prefix, sys.base_prefix]


class Refused(Exception):
    """An answer other than 200: its status, the error's code and its message."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:500]}")
        self.status = status
        self.body = body
        try:
            answer = json.loads(body)
            self.code = answer.get("__type", "")
            self.message = answer.get("message", answer.get("detail", ""))
        except (json.JSONDecodeError, AttributeError):
            self.code, self.message = "", body


class Server:
    """`forewarm serve`. Can be stopped or killed and started again on the same data."""

    isolation = None  # as its configuration says
    environment = None  # all that it sees; this process's if not given

    def __init__(self, folder, *arguments, config=None):
        self.data = pathlib.Path(folder) / "data"
        self.log = pathlib.Path(folder) / "server.log"
        self.config = config
        self.arguments = arguments
        self.process = None
        self.endpoints = None

    def start(self):
        self.data.mkdir(exist_ok=True)
        # A killed server leaves this behind, and waiting for it would find the old one.
        (self.data / "endpoints.json").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=(self.environment or os.environ) | ({"FOREWARM_ISOLATION": self.isolation} if self.isolation else {}))
        wait_for(lambda: (self.data / "endpoints.json").exists() or self.process.poll() is not None,
                 "the server is ready")
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()}")
        self.endpoints = json.loads((self.data / "endpoints.json").read_text())
        return self

    def command(self):
        command = [PROGRAM, "serve", "--data", str(self.data), *self.arguments]
        for flag in ("--listen", "--admin"):
            if flag not in self.arguments:
                command += [flag, "127.0.0.1:0"]
        return command + (["--config", str(self.config)] if self.config else [])

    def stop(self, how=signal.SIGTERM):
        """Its exit status."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def end(self):
        """However it is; in order if it can, since a killed server leaves instances behind that hang."""
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            finally:
                self.kill()

    def log_text(self):
        return self.log.read_text(errors="replace")[-20000:] if self.log.exists() else ""

    def http(self, method, path, body=None, headers=None, at="admin", timeout=PATIENCE_SECONDS):
        """(status, text)"""
        url = urlsplit(self.endpoints[at])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def get(self, path):
        """JSON of the admin address."""
        status, text = self.http("GET", path)
        if status != 200:
            raise Refused(status, text)
        return json.loads(text)

    def sqs(self, action, **parameters):
        status, text = self.http("POST", "/", json.dumps(parameters), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}, at="sqs")
        if status != 200:
            raise Refused(status, text)
        return json.loads(text or "{}")

    def queue(self, name, **attributes):
        """The URL of a queue, made if it is not there."""
        return self.sqs("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def url(self, name):
        return self.sqs("GetQueueUrl", QueueName=name)["QueueUrl"]

    def send(self, name, *bodies, **parameters):
        url = self.url(name)
        for body in bodies:
            self.sqs("SendMessage", QueueUrl=url, MessageBody=body, **parameters)

    def receive(self, name, **parameters):
        parameters = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"]} | parameters
        return self.sqs("ReceiveMessage", QueueUrl=self.url(name), **parameters).get("Messages") or []

    def counts(self, name):
        """(visible, in flight, delayed)"""
        attributes = self.sqs("GetQueueAttributes", QueueUrl=self.url(name), AttributeNames=["All"])["Attributes"]
        return tuple(int(attributes["ApproximateNumberOfMessages" + which]) for which in ("", "NotVisible", "Delayed"))

    def run(self, *arguments, timeout=PATIENCE_SECONDS, **options):
        """A command of the program about this server."""
        where = {"FOREWARM_ENDPOINT": self.endpoints["sqs"], "FOREWARM_ADMIN_ENDPOINT": self.endpoints["admin"]}
        return run(*arguments, timeout=timeout, environment=where, **options)


def run(*arguments, timeout=PATIENCE_SECONDS, environment=None, folder=None):
    """The program with these arguments, not on a terminal: a CompletedProcess with text."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FOREWARM_")}
    return subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env=kept | (environment or {}), cwd=folder)


def wait_for(condition, what, seconds=PATIENCE_SECONDS):
    """What `condition` answers once it is true of it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain until {what}")
        time.sleep(0.02)


def python_handler(script, *arguments, writes=()):
    """TOML of a [[function]] that runs a handler, with all that it may see and change."""
    paths = [str(script), *PYTHON_PATHS]
    toml = f"command = {json.dumps([PYTHON, str(script), *arguments])}\nread_paths = {json.dumps(paths)}\n"
    return toml + (f"write_paths = {json.dumps([str(path) for path in writes])}\n" if writes else "")


def process_of(noted):
    """The id of a process on this machine: it is that, or what a handler notes of itself, "INSTANCE:PID" with the id
    that it has in its namespace. None when it is not there."""
    if isinstance(noted, int):
        return noted
    instance, number = noted.split(":")
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if f"FOREWARM_INSTANCE={instance}".encode() not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            status = (folder / "status").read_text()
        except OSError:
            continue  # it has ended
        if re.search(r"^NSpid:.*\b(\d+)$", status, re.MULTILINE)[1] == number:
            return int(folder.name)
    return None


def process_state(noted):
    """Its letter in /proc/PID/stat; X when it is not there."""
    try:
        return pathlib.Path(f"/proc/{process_of(noted)}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "X"


def process_exists(noted):
    return process_state(noted) not in "ZX"


class ServerTest(unittest.TestCase):
    """A temporary folder, and servers that are gone after the test. Shows their logs if it failed."""

    def setUp(self):
        self.assertTrue(PROGRAM, "FOREWARM_PROGRAM must name the program")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forewarm-e2e-"))
        # Instances have users of their own.
        self.folder.chmod(0o755)
        self.notes = self.folder / "notes"  # where handlers may write
        self.notes.mkdir()
        self.notes.chmod(0o777)
        self.journal = self.notes / "journal"
        self.journal.touch()
        self.journal.chmod(0o666)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.end()
        outcome = self._outcome
        problems = outcome.result.failures + outcome.result.errors if hasattr(outcome, "result") else []
        if any(test is self for test, _ in problems):
            for server in self.servers:
                print(f"--- log of the server of {self.id()}\n{server.log_text()}", flush=True)

    def server(self, *arguments, config=None):
        """A server that is not started yet."""
        if isinstance(config, str):
            path = self.folder / "forewarm.toml"
            path.write_text(config)
            config = path
        server = Server(self.folder, *arguments, config=config)
        self.servers.append(server)
        return server
