"""Workers in pods of Kubernetes: which of them it is told to delete first."""

import json
import re
import socket
import unittest

from server_process import wait_for
from worker_tests import CLUSTER_TOKEN, PodsTest

POD = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class Pods(PodsTest):
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
            self.assertEqual(headers["Authorization"], "Bearer " + CLUSTER_TOKEN)
            self.assertIn(json.loads(body), [{"metadata": {"annotations": {self.COST: cost}}} for cost in ("-100", "100", None)])

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
