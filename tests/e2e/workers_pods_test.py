"""Workers in pods of Kubernetes: which of them it is told to delete first."""

import json
import re
import socket
import ssl
import unittest

from faults import FAULTS, FaultyLink
from server_process import wait_for
from worker_tests import CLUSTER_TOKEN, PodsTest

POD = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class FaultOfEachNamespace(FaultyLink):
    """A namespace that is called as a failure has it, until `over`. All of them are shop behind it."""

    over = False

    def take(self, request):
        return None if self.over else self.fault_of(request["path"])

    @staticmethod
    def fault_of(path):
        return path.split("/")[4].replace("-", "_")

    def forward(self, method, path, headers, body):
        return super().forward(method, "/".join(path.split("/")[:4] + ["shop"] + path.split("/")[5:]), headers, body)


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

    def test_each_failure_of_the_api_is_said_once_and_costs_no_run(self):
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(self.api.ca, self.folder / "api.key")
        link = FaultOfEachNamespace(self.api.url, None, served, ssl.create_default_context(cafile=self.api.ca))
        self.addCleanup(link.close)
        self.api.url = link.url
        server = self.begin()
        for fault in FAULTS:
            self.pod("pod-of-" + fault.replace("_", "-"), POD_NAMESPACE=fault.replace("_", "-"))
        self.wait_workers(server, len(FAULTS))

        def met():
            return {fault: sum(link.fault_of(request["path"]) == fault for request in link.met) for fault in FAULTS}

        wait_for(lambda: all(met().values()), "each is asked")
        server.send("jobs", *(f"ok {i}" for i in range(12)))
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))

        lasted = link.met[-1]["at"] - link.met[0]["at"]
        for fault, asked in met().items():
            self.assertLess(asked, 4 + lasted, f"{fault}: it is not hammered")
        link.over = True
        wait_for(lambda: self.costs() == {"pod-of-" + fault.replace("_", "-"): -100 for fault in FAULTS}, "all are told at last")
        for fault in FAULTS:
            said = [line for line in server.log.read_text().splitlines() if "the deletion costs of workers' pods cannot be set" in line
                    and json.loads(line)["namespace"] == fault.replace("_", "-")]
            # A patch that is answered with 2xx is done, whatever else is in the answer.
            self.assertEqual(len(said), fault != "malformed", fault)


if __name__ == "__main__":
    unittest.main()
