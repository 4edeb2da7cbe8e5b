"""What tests of workers share: a server whose one function has workers, and forwarders with runtimes on loopback."""

import os
import pathlib
import subprocess
import sys

from fake_targets import FakeKubernetes
from remote_functions import RemoteTest
from server_process import PROGRAM, wait_for
from source_tests import free_port

CLUSTER_TOKEN = "a-token-of-the-cluster"
HANDLER = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")
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

    def serve(self, settings="", attempts=2, top="", mapping="", workers="", **remote):
        table = f'{top}[workers]\nlisten = "127.0.0.1:{self.port}"\nlost_after = "1s"\n{workers}'
        config = self.config("workers", {"token_file": str(self.token)} | remote, settings, attempts, mapping)
        return self.started(config.replace("[[queue]]", table + "[[queue]]", 1))

    def worker(self, name, *command, program=(FORWARDER,), url=None, arguments=(), token=None, folder=None, environment=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FOREWARM_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*program, "--server", url or f"http://127.0.0.1:{self.port}", "--token-file", str(token or self.token),
                 *arguments, "--", *(command or (sys.executable, HANDLER, name))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                env=kept | {"JOURNAL": str(self.journal), "FOREWARM_INSTANCE": name} | (environment or {}))
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


class PodsTest(WorkersTest):
    """Workers in pods, whose cost of deletion Kubernetes is told."""

    COST = "controller.kubernetes.io/pod-deletion-cost"
    space = "shop"

    def setUp(self):
        super().setUp()
        self.api, token = self.kubernetes()
        (self.folder / "cluster-token").write_text(token + "\n")

    def kubernetes(self):
        """What has a url and a ca, and a token for it."""
        api = FakeKubernetes(self.folder, CLUSTER_TOKEN)
        self.addCleanup(api.close)
        return api, CLUSTER_TOKEN

    def begin(self, *pods, **settings):
        server = self.serve(workers=f'pods.deletion_cost = true\npods.url = "{self.api.url}"\npods.namespace = "{self.space}"\n'
                                    f'pods.token_file = "{self.folder / "cluster-token"}"\npods.ca_file = "{self.api.ca}"\n',
                            mapping="batch_size = 1\nscaling.keep_idle_max = \"0s\"\nscaling.predict = false", **settings)
        for pod in pods:
            self.pod(pod)
        return server

    def pod(self, name, **environment):
        return self.worker(name, environment={"POD_NAME": name, "POD_NAMESPACE": self.space} | environment)

    def costs(self):
        """Of the pods whose cost is not 0."""
        return {name: int(each[self.COST]) for name, each in self.api.annotations.items() if self.COST in each}
