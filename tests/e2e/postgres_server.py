"""A PostgreSQL server of a test's own, on loopback: Debian's, as another user than root."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from control_tests import ControlTest
from server_process import wait_for


def programs():
    """The newest version's folder, or none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgresServer:
    """One database, `postgres`, whose user `forewarm` has the password `password`."""

    password = "a-password-of-the-test"

    def __init__(self):
        self.programs = programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forewarm-postgres-"))
        self.user = []
        if os.geteuid() == 0:  # it does not run as root
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self.data = self.folder / "data"
        subprocess.run([*self.user, self.programs / "initdb", "-D", self.data, "-U", "forewarm", "--auth=scram-sha-256",
                        f"--pwfile={secret}", "--no-sync", "--no-instructions"], check=True, capture_output=True, cwd="/")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None
        self.start()

    @property
    def url(self):
        return f"postgresql://forewarm@127.0.0.1:{self.port}/postgres"

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*self.user, self.programs / "postgres", "-D", self.data, "-p", str(self.port),
                                             "-k", self.folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                                            stdout=log, stderr=log, cwd="/")
        wait_for(self.answers, "the database answers")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("the database ended:\n" + (self.folder / "log").read_text()[-4000:])
        return subprocess.run([self.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)],
                              capture_output=True).returncode == 0

    def query(self, statement):
        """What psql prints."""
        done = subprocess.run([self.programs / "psql", "-At", "-c", statement, self.url], capture_output=True, text=True,
                              check=True, env=os.environ | {"PGPASSWORD": self.password})
        return done.stdout.strip()

    def crash(self):
        """All of its sessions end without a word."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


@unittest.skipUnless(programs(), "PostgreSQL is not installed")
class DatabaseTest(ControlTest):
    """Control beside a database and a Kubernetes API."""

    @classmethod
    def setUpClass(cls):
        cls.database = PostgresServer()
        cls.addClassCleanup(cls.database.close)

    def setUp(self):
        super().setUp()
        self.api = self.kubernetes()
