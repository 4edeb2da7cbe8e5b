"""Workers in pods of Kubernetes: which of them it is told to delete first."""

import json
import re
import socket
import unittest

from fake_targets import FakeKubernetes
from server_process import wait_for
from worker_tests import WorkersTest

COST = "controller.kubernetes.io/pod-deletion-cost"
POD = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
TOKEN = "a-token-of-the-cluster"


class Pods(WorkersTest):
    def setUp(self):
        super().setUp()
        self.api = FakeKubernetes(self.folder, TOKEN)
        self.addCleanup(self.api.close)
        (self.folder / "cluster-token").write_text(TOKEN + "\n")

    def begin(self, *pods, **settings):
        server = self.serve(workers=f'pods.deletion_cost = true\npods.url = "{self.api.url}"\npods.namespace = "shop"\n'
                                    f'pods.token_file = "{self.folder / "cluster-token"}"\npods.ca_file = "{self.api.ca}"\n',
                            mapping="batch_size = 1\nscaling.keep_idle_max = \"0s\"\nscaling.predict = false", **settings)
        for pod in pods:
            self.pod(pod)
        return server

    def pod(self, name, **environment):
        return self.worker(name, environment={"POD_NAME": name, "POD_NAMESPACE": "shop"} | environment)

    def costs(self):
        """Of the pods whose cost is not 0."""
        return {name: int(each[COST]) for name, each in self.api.annotations.items() if COST in each}

    def running(self, words):
        return wait_for(lambda: self.tries(words), f"{words!r} runs")[0]

    def test_pods_that_are_not_needed_go_first_and_busy_ones_last(self):
        host = socket.gethostname()
        alone = {"POD_NAME": "", "POD_NAMESPACE": "", "KUBERNETES_SERVICE_HOST": "127.0.0.1"} if POD.fullmatch(host) else {}
        server = self.begin("orders-a", "orders-b")
        self.pod(host, **alone)  # its machine's name is the pod's, and the namespace the server's
        self.wait_workers(server, 3)
        server.send("jobs", "sleep 50")
        busy = self.running("sleep 50")
        unused = {pod: -100 for pod in ("orders-a", "orders-b", host) if pod != busy}
        wait_for(lambda: self.costs() == unused | {busy: 100}, "Kubernetes would keep the one that has a run")
        server.send("jobs", "sleep 51")
        again = self.running("sleep 51")
        wait_for(lambda: self.costs().get(again, 0) >= 0, "one that is needed again is not left the first to go")
        spare, = unused.keys() - {again}
        self.assertEqual((self.costs()[busy], self.costs()[spare]), (100, -100))
        patched = self.api.noted("PATCH")
        self.assertLessEqual(len(patched), 8, "a patch for what has changed, and no more")
        for _, path, headers, body in patched:
            name = path.removeprefix("/api/v1/namespaces/shop/pods/").removesuffix("?fieldManager=forewarm")
            self.assertIn(name, ("orders-a", "orders-b", host))
            self.assertEqual(headers["Content-Type"], "application/merge-patch+json")
            self.assertEqual(headers["Authorization"], "Bearer " + TOKEN)
            self.assertIn(json.loads(body), [{"metadata": {"annotations": {COST: cost}}} for cost in ("-100", "100", None)])

    def test_what_is_refused_is_said_once_and_runs_go_on(self):
        self.api.forbidden = True
        server = self.begin("orders-a")
        self.pod("far", POD_NAMESPACE="elsewhere")
        self.pod("Nowhere")
        server.send("jobs", *(f"ok {i}" for i in range(8)))

        def said(*words):
            lines = [line for line in server.log_text().splitlines() if "the deletion costs of workers' pods cannot be set" in line]
            return [line for line in lines if all(each in line for each in words)]

        wait_for(lambda: said("status 403", "its Role needs verbs [patch] on resources [pods] in the namespace shop"), "shop refuses")
        wait_for(lambda: said("status 404", "there is no pod far in the namespace elsewhere", "POD_NAMESPACE"), "elsewhere has none")
        self.wait_empty(server)
        self.assertEqual((len(said()), server.counts("dead")), (2, (0, 0, 0)))
        self.assertIn("'shop/Nowhere' is no pod of Kubernetes", self.log("Nowhere"))


if __name__ == "__main__":
    unittest.main()
