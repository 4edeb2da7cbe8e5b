"""What forewarm does in Kubernetes, with the controllers of a real cluster, which make pods of it and endpoints of Services.

Debian's kube-apiserver and kube-controller-manager (1.20), which are dear to build: where FOREWARM_KUBE_APISERVER names none the test
says so and is skipped (77). The test plays the scheduler and the kubelet: it says that pods run,
and runs forewarm where they would.
"""

import subprocess
import sys
import unittest

from kube_api_server import KubeApiServer, OnKubernetes, why_not
from kubernetes_tests import InPod, ShippedCopies
from server_process import wait_for

CONTROL = "app.kubernetes.io%2Fname%3Dforewarm-control"


class Controllers(ShippedCopies):
    def make_pod(self, ordinal):
        """The StatefulSet's controller does."""

    def setUp(self):
        super().setUp()
        if subprocess.run([*InPod.possible, "true"], capture_output=True).returncode != 0:
            self.skipTest("SKIPPED: this user may make no namespaces, in which a copy would have its pod's files")
        for document in self.shipped:
            if document["kind"] in ("ConfigMap", "Service", "StatefulSet"):
                self.cluster.make(document, self.space)
            if document["kind"] == "PodDisruptionBudget":
                self.cluster.make(document | {"apiVersion": "policy/v1beta1"}, self.space)
        wait_for(lambda: self.pods(CONTROL) == {"forewarm-control-0", "forewarm-control-1"}, "the StatefulSet has its pods")
        for ordinal in (0, 1):
            self.cluster.ask("POST", f"{self.core}/pods/forewarm-control-{ordinal}/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": f"forewarm-control-{ordinal}"},
                "target": {"apiVersion": "v1", "kind": "Node", "name": f"node-{ordinal}"}})
            self.cluster.patch(f"{self.core}/pods/forewarm-control-{ordinal}/status", {"status": {
                "phase": "Running", "podIP": f"10.1.0.{10 + ordinal}", "conditions": [{"type": "Ready", "status": "True"}]}})

    def pods(self, selector):
        return {each["metadata"]["name"] for each in self.cluster.ask("GET", f"{self.core}/pods?labelSelector={selector}")["items"]
                if "deletionTimestamp" not in each["metadata"]}

    def endpoints(self, service):
        """Where it sends to: addresses and ports."""
        subsets = self.cluster.ask("GET", f"{self.core}/endpoints/{service}").get("subsets", [])
        return ({address["ip"] for each in subsets for address in each.get("addresses", [])},
                {(port["name"], port["port"]) for each in subsets for port in each["ports"]})

    def test_the_leaders_service_sends_to_the_copy_that_leads_and_its_workload_has_as_many_pods(self):
        ports = {("admin", 9326), ("keda", 9328)}
        wait_for(lambda: self.endpoints("forewarm-control")[0] == {"10.1.0.10", "10.1.0.11"}, "one Service has both")
        self.assertEqual(self.endpoints("forewarm-control-leader")[0], set(), "and the other nobody yet")
        wait_for(lambda: len(self.pods("app%3Dworker")) == 2, "the workload has its pods")
        a = self.copy(0)
        wait_for(lambda: self.endpoints("forewarm-control-leader") == ({"10.1.0.10"}, ports), "who leads is sent to")
        wait_for(lambda: len(self.pods("app%3Dworker")) == self.replicas() > 2, "there are as many pods as were set")
        b = self.copy(1)
        wait_for(lambda: self.leader(b)["leader"] == "forewarm-control-0", "the other follows")
        self.assertEqual(a.stop(), 0)
        wait_for(lambda: self.endpoints("forewarm-control-leader") == ({"10.1.0.11"}, ports), "the other is sent to")
        self.assertEqual(b.stop(), 0)
        wait_for(lambda: self.endpoints("forewarm-control-leader")[0] == set(), "nobody is")
        done = subprocess.run(a.inside(*a.program("rollback")), capture_output=True, text=True, env=a.environment, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        wait_for(lambda: len(self.pods("app%3Dworker")) == 2, "the workload has as many pods as before")
        self.assertEqual(self.pods(CONTROL), {"forewarm-control-0", "forewarm-control-1"}, "a label makes no pod another's")
        self.check_who_acted()

    def test_a_pod_that_is_deleted_loses_the_lead_and_comes_back_without_the_label(self):
        a, b = self.copy(0), self.copy(1)
        wait_for(lambda: self.leads(a) or self.leads(b), "one leads")
        first, second = (0, 1) if self.leads(a) else (1, 0)
        wait_for(lambda: self.endpoints("forewarm-control-leader")[0] == {f"10.1.0.{10 + first}"}, "it is sent to")
        uid = self.pod_uid(first)
        # As a node that is lost: the process goes on, and its token has ended with the pod.
        self.cluster.ask("DELETE", f"{self.core}/pods/forewarm-control-{first}?gracePeriodSeconds=0")
        wait_for(lambda: self.leads((a, b)[second]), "the other leads")
        self.assertFalse(self.leads((a, b)[first]))
        wait_for(lambda: self.pod_uid(first) not in (None, uid), "the StatefulSet has another pod of this name")
        wait_for(lambda: self.selected() == [f"forewarm-control-{second}"], "whose label says nothing")
        wait_for(lambda: self.endpoints("forewarm-control-leader")[0] == {f"10.1.0.{10 + second}"}, "the other alone is sent to")
        self.check_who_acted()

    def pod_uid(self, ordinal):
        found = {each["metadata"]["name"]: each["metadata"]["uid"] for each in self.cluster.ask("GET", self.core + "/pods")["items"]}
        return found.get(f"forewarm-control-{ordinal}")


def setUpModule():
    OnKubernetes.cluster = KubeApiServer()
    unittest.addModuleCleanup(OnKubernetes.cluster.stop)
    OnKubernetes.cluster.start_controllers()


if __name__ == "__main__":
    if reason := why_not(controllers=True):
        print("SKIPPED: " + reason)
        sys.exit(77)
    unittest.main(verbosity=2)
