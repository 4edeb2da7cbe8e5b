"""What forewarm sends to Kubernetes is what the official JavaScript client sends for the same, and that reads the same of the tests' fake."""

import json
import re
import unittest
from urllib.parse import parse_qs, urlsplit

from control_tests import TOKEN, ControlTest
from server_process import wait_for
from source_tests import Client
from worker_tests import PodsTest

OFFICIAL = "the-official-client"


class Official:
    """The official client beside forewarm, told apart by its token."""

    def __init__(self, test, api):
        self.test, self.api = test, api
        api.tokens.add(OFFICIAL)
        self.client = Client("kubernetes_client.mjs", api.url)
        test.addCleanup(self.client.close)
        self.client.do("connect", caFile=str(api.ca), token=OFFICIAL)

    @staticmethod
    def body(text):
        """Its clock knows no microseconds."""
        return json.loads(re.sub(r"(T[0-9:]+\.\d{3})\d{3}Z", r"\g<1>000Z", text)) if text else None

    def split(self, request):
        url = urlsplit(request[1])
        return request[0], url.path, parse_qs(url.query), self.body(request[3])

    def compare(self, mine, op, **call):
        """Makes the call, which is to be the same request; gives what it was answered."""
        answer = self.client.do(op, **call)
        with self.api.lock:
            theirs = [each for each in self.api.requests if each[2].get("Authorization") == "Bearer " + OFFICIAL][-1]
        same = self.test.assertEqual
        same(self.split(mine), self.split(theirs), op)
        same(mine[2].get("Content-Type"), theirs[2].get("Content-Type"), op)
        same(mine[2]["Host"], theirs[2]["Host"], op)
        for headers in (mine[2], theirs[2]):
            self.test.assertIn("application/json", headers["Accept"])
        return answer


class ControlContract(ControlTest):
    def setUp(self):
        super().setUp()
        self.api = self.kubernetes()

    def ours(self, method, part):
        found = [each for each in self.api.noted(method) if part in each[1] and each[2].get("Authorization") == "Bearer " + TOKEN]
        return found[-1]

    def test_a_scale_is_read_and_patched_as_by_the_official_client(self):
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "it is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "it is patched")
        wait_for(lambda: control.queue()["set"] == 30, "and read again")
        control.stop()
        official = Official(self, self.api)
        worker = {"namespace": "shop", "name": "worker"}
        read = official.compare(self.ours("GET", "/scale"), "readScale", **worker)
        self.assertEqual(read["spec"]["replicas"], 30)
        self.api.replicas = 2
        official.compare(self.ours("PATCH", "/scale"), "patchScale", **worker, fieldManager="forewarm", body={"spec": {"replicas": 30}})
        self.assertEqual(self.api.replicas, 30, "it means the same")

    def test_a_lease_is_made_kept_and_given_up_and_a_label_set_as_by_the_official_client(self):
        control = self.control("--apply", more=f'''
[leader]
kind = "kubernetes-lease"
name = "control"
namespace = "shop"
identity = "a"
url = "{self.api.url}"
token_file = "{self.folder / 'token'}"
ca_file = "{self.api.ca}"
lease = "3s"
renew_deadline = "2s"
retry = "200ms"
pod_label = "forewarm/leads"
''').start()
        wait_for(lambda: control.get("/v1/plan")["leader"]["leads"], "it leads")
        wait_for(lambda: self.api.labels.get("a") == {"forewarm/leads": "true"}, "its pod says so")
        wait_for(lambda: len(self.api.noted("PUT")) > 2, "it is renewed")
        labels = self.ours("PATCH", "/pods/")
        control.stop()
        made, = self.api.noted("POST")
        kept = self.api.noted("PUT")[0]
        given_up = self.api.noted("PUT")[-1]
        read = self.ours("GET", "/leases")
        self.assertEqual(json.loads(given_up[3])["spec"]["holderIdentity"], "")

        official = Official(self, self.api)
        lease = {"namespace": "shop", "name": "control"}
        found = official.compare(read, "readLease", **lease)
        self.assertEqual(found["spec"], json.loads(given_up[3])["spec"], "it is read alike")
        self.api.leases.clear()
        wanted = json.loads(made[3])
        official.compare(made, "createLease", namespace="shop", body=wanted)
        for mine in (kept, given_up):
            # It is of what was there then.
            wanted = json.loads(mine[3])
            self.api.leases["control"] = {"metadata": wanted["metadata"]}
            official.compare(mine, "replaceLease", **lease, body=wanted)
            self.assertEqual(self.api.leases["control"]["spec"]["holderIdentity"], wanted["spec"]["holderIdentity"])
        self.api.labels.clear()
        official.compare(labels, "patchPod", namespace="shop", name="a", fieldManager="forewarm",
                         body={"metadata": {"labels": {"forewarm/leads": "true"}}})
        self.assertEqual(self.api.labels, {"a": {"forewarm/leads": "true"}})


class CostContract(PodsTest):
    def test_the_cost_of_a_pods_deletion_is_patched_as_by_the_official_client(self):
        server = self.begin("orders-a", "orders-b")
        self.wait_workers(server, 2)
        server.send("jobs", "sleep 50")
        busy = wait_for(lambda: self.tries("sleep 50"), "it runs")[0]
        costs = {"orders-a": -100, "orders-b": -100} | {busy: 100}
        wait_for(lambda: self.costs() == costs, "the pod that is not needed goes first")
        patched = self.api.noted("PATCH")[:]
        official = Official(self, self.api)
        self.api.annotations.clear()
        for mine in patched:
            cost = json.loads(mine[3])["metadata"]["annotations"][self.COST]
            official.compare(mine, "patchPod", namespace="shop", name=urlsplit(mine[1]).path.rpartition("/")[2], fieldManager="forewarm",
                             body={"metadata": {"annotations": {self.COST: cost}}})
        self.assertEqual(self.costs(), costs)
        self.assertGreaterEqual(len(patched), 2)


if __name__ == "__main__":
    unittest.main()
