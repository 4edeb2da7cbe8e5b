"""What forewarm does in Kubernetes, and the manifests of deploy/, judged by a real API server with the rights that deploy/ gives.

The server is Debian's (1.20). It is dear to build, so where FOREWARM_KUBE_APISERVER names none the test says so and is skipped (77).
There are no controllers and no kubelet: the test makes pods as a StatefulSet would, and nobody starts them.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from control_tests import Control
from deploy_test import DEPLOY, kustomization, manifests, one, yaml_documents
from kube_api_server import ADMIN_TOKEN, Denied, KubeApiServer, OnKubernetes, path_of, why_not
from kubernetes_tests import ACCOUNT, ControlInCluster, InPod, InPods, ShippedCopies, kubectl
from server_process import PATIENCE_SECONDS, run, wait_for
from source_tests import Client
from worker_tests import PodsTest

LABEL = "forewarm/leads"
# What 1.20 does not have, and what it takes instead: a group that it has with the same fields, or nothing.
UNKNOWN = {"policy/v1": "policy/v1beta1", "monitoring.coreos.com/v1": None, "keda.sh/v1alpha1": None}


def missing(wanted, found, at=""):
    """What of a document the server did not keep."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [each for key, value in wanted.items() for each in missing(value, found.get(key), f"{at}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [each for i, value in enumerate(wanted) for each in missing(value, found[i], f"{at}[{i}]")]
    same = wanted == found or (wanted == {} and found is not None)
    return [] if same else [f"{at}: {wanted!r} became {found!r}"]


class Manifests(OnKubernetes, unittest.TestCase):
    def test_the_server_keeps_every_field_of_the_manifests(self):
        for name in ("control", "server", "worker"):
            for document in manifests(name):
                version = document["apiVersion"]
                with self.subTest(f"{name}: {document['kind']}"):
                    if version in UNKNOWN:
                        with self.assertRaises(Denied) as refused:  # or the table of what is unknown is wrong
                            self.cluster.make(document, self.space, "?dryRun=All")
                        self.assertEqual(refused.exception.status, 404)
                        print(f"NOT JUDGED: {version} {document['kind']}, which this server has not"
                              + (f"; its fields, as of {UNKNOWN[version]}" if UNKNOWN[version] else ""))
                        if UNKNOWN[version] is None:
                            continue
                    wanted = document | {"apiVersion": UNKNOWN.get(version, version)}
                    self.assertEqual(missing(wanted, self.cluster.make(wanted, self.space, "?dryRun=All")), [])

    def test_a_field_that_the_server_does_not_know_is_found(self):
        wrong = one(manifests("server"), "StatefulSet")
        wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {"periodSeconds": 1}
        self.assertEqual(missing(wrong, self.cluster.make(wrong, self.space, "?dryRun=All")),
                         [".spec.template.spec.containers[0].livenesProbe: {'periodSeconds': 1} became None"])

    def test_the_servers_patch_for_its_account_is_taken_too(self):
        workload = self.cluster.make(one(manifests("server"), "StatefulSet"), self.space)
        patch, = kustomization("server", everything=True)["patches"]
        after = self.cluster.ask("PATCH", f"{self.apps}/statefulsets/{workload['metadata']['name']}", yaml_documents(patch["patch"])[0],
                                 content_type="application/json-patch+json")["spec"]["template"]["spec"]
        self.assertEqual((after["serviceAccountName"], after["automountServiceAccountToken"]), ("forewarm", True))


    def test_the_documented_command_applies_them_and_changes_nothing_the_second_time(self):
        if not shutil.which("kubectl"):
            self.skipTest("SKIPPED: kubectl is not installed")

        def generations():
            return {each["metadata"]["name"]: each["metadata"]["generation"] for plural in ("statefulsets", "deployments")
                    for each in self.cluster.ask("GET", f"{self.apps}/{plural}")["items"]}

        with tempfile.TemporaryDirectory(prefix="forewarm-kubectl-") as cache:
            for name in ("control", "server", "worker"):
                before = None
                for _ in range(2):
                    done = kubectl(self.cluster, self.space, cache, "apply", "-k", str(DEPLOY / "kubernetes" / name))
                    unknown = re.findall(r'no matches for kind "(\w+)" in version "(.+)"', done.stderr)
                    self.assertEqual(unknown, [("PodDisruptionBudget", "policy/v1")] if name == "control" else [], done.stderr)
                    self.assertEqual(done.returncode, len(unknown), done.stderr)
                    self.assertIn(before, (None, generations()))
                    before = generations()
        self.assertEqual(before, {"forewarm-control": 1, "forewarm": 1, "orders-worker": 1})
        subject, = self.cluster.ask("GET", f"{self.roles}/rolebindings/{ACCOUNT}")["subjects"]
        self.assertEqual((subject["kind"], subject["name"]), ("ServiceAccount", ACCOUNT))


    def test_they_can_be_applied_by_the_server_too_as_gitops_does(self):
        for document in (each for name in ("control", "server", "worker") for each in manifests(name)):
            if document["apiVersion"] not in UNKNOWN:
                self.cluster.ask("PATCH", f"{path_of(document, self.space)}/{document['metadata']['name']}?fieldManager=gitops", document,
                                 content_type="application/apply-patch+yaml")

    def test_replicas_that_were_set_here_outlive_an_apply_as_the_documents_say(self):
        if not shutil.which("kubectl"):
            self.skipTest("SKIPPED: kubectl is not installed")
        manifest = one(manifests("worker"), "Deployment")
        worker = f"{self.apps}/deployments/{manifest['metadata']['name']}"
        del manifest["spec"]["replicas"]
        with tempfile.TemporaryDirectory(prefix="forewarm-kubectl-") as cache:
            without = pathlib.Path(cache) / "without.json"
            without.write_text(json.dumps(manifest))
            for words in (["apply", "-k", str(DEPLOY / "kubernetes/worker")], None, ["apply", "set-last-applied", "-f", str(without)],
                          ["apply", "-f", str(without)]):
                if words is None:
                    self.cluster.patch(worker + "/scale?fieldManager=forewarm", {"spec": {"replicas": 30}})
                    continue
                done = kubectl(self.cluster, self.space, cache, *words)
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.cluster.ask("GET", worker)["spec"]["replicas"], 30)


class Scale(ControlInCluster):
    def test_a_number_is_set_read_back_and_put_back(self):
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.replicas() == 30, "the most that is allowed is set")
        wait_for(lambda: control.queue()["set"] == 30, "it is read back")
        self.assertEqual(control.metric("forewarm_control_directives_total", 'outcome="sent"'), len(self.scalings()))
        self.replicas(7)  # somebody else
        wait_for(lambda: self.replicas() == 30, "it is set again")
        self.assertEqual(control.stop(), 0)
        done = self.command("rollback")
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        self.assertEqual(self.replicas(), 2)
        for each in self.scalings():
            self.assertEqual((each["user"]["username"], each["responseStatus"]["code"], each["requestURI"].rpartition("?")[2]),
                             (f"system:serviceaccount:{self.space}:{ACCOUNT}", 200, "fieldManager=forewarm"))
        self.assertEqual(self.denied(), [])

    def test_a_stateful_set_goes_from_none_to_many_and_back_to_none(self):
        self.make_workload("StatefulSet", 0)
        self.scaled("statefulset")
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 0, "none is read, which the server leaves out")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.replicas() == 30, "they are set")
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 0, as found\n")
        self.assertEqual(self.replicas(), 0)

    def test_what_the_role_does_not_give_is_said_in_the_servers_words_and_done_once_it_does(self):
        self.role(lambda rules: rules[0].update(verbs=["get"]))
        wait_for(lambda: not self.may("patch", "deployments", group="apps", part="scale", name="worker"), "it may not")
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "reading is allowed")
        self.prometheus.backlog(3000)
        refused = wait_for(lambda: control.directives("refused"), "it is refused")[0]
        self.assertIn(f'deployments.apps "worker" is forbidden: User "system:serviceaccount:{self.space}:{ACCOUNT}" cannot patch '
                      f'resource "deployments/scale" in API group "apps" in the namespace "{self.space}"', refused["answer"])
        self.assertIn(f"its Role needs get and patch on deployments/scale in the namespace {self.space}", refused["answer"])
        self.assertEqual(self.replicas(), 2)
        self.role(lambda rules: rules[0].update(verbs=["get", "patch"]))
        wait_for(lambda: self.replicas() == 30, "it is taken")
        wait_for(lambda: control.metric("forewarm_control_directives_refused_in_row") == 0, "and that is known")

    def test_a_workload_that_is_not_there_is_said_and_taken_up_when_it_comes(self):
        self.cluster.ask("DELETE", self.workload)
        control = self.control("--apply").start()
        problem = wait_for(lambda: control.queue()["target_problem"], "it is missed")
        self.assertRegex(problem, r'^status 404: deployments(/scale)?\.apps "worker" not found')
        self.assertIn(f"is there one of deployments called worker in the namespace {self.space}?", problem)
        self.prometheus.backlog(3000)
        self.make_workload("Deployment", 3)
        wait_for(lambda: self.replicas() == 30, "it is scaled")
        wait_for(lambda: control.queue()["target_problem"] == "", "nothing is missed")

    def test_a_token_that_has_run_out_or_whose_pod_is_gone_is_said_and_the_files_next_one_is_used(self):
        self.allow(self.cluster.short_lived(self.space, ACCOUNT, seconds=5))
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "it is still good")
        wait_for(lambda: "401" in control.queue()["target_problem"], "it has run out")
        self.prometheus.backlog(3000)
        failed = control.metric("forewarm_control_target_reading_failures_total")
        wait_for(lambda: control.metric("forewarm_control_target_reading_failures_total") > failed + 3, "rounds go by")
        self.assertEqual(self.replicas(), 2)
        self.make_pod(0)
        self.allow(self.cluster.issued(self.space, ACCOUNT, pod="forewarm-control-0"))
        wait_for(lambda: self.replicas() == 30, "the next one is used without a restart")
        self.cluster.ask("DELETE", f"{self.core}/pods/forewarm-control-0?gracePeriodSeconds=0")
        wait_for(lambda: "401" in control.queue()["target_problem"], "it ended with its pod")
        self.allow(self.cluster.issued(self.space, ACCOUNT))
        self.replicas(3)
        wait_for(lambda: self.replicas() == 30, "so it goes on")


class Leader(InPods):
    """Two copies, each with the token of its pod."""

    def copy(self, ordinal):
        name = f"forewarm-control-{ordinal}"
        folder = self.folder / name
        folder.mkdir()
        (folder / "token").write_text(self.cluster.issued(self.space, ACCOUNT, pod=name))
        text = self.write_config(more=f'''
[leader]
kind = "kubernetes-lease"
name = "forewarm-control"
namespace = "{self.space}"
identity = "{name}"
url = "{self.cluster.url}"
token_file = "{self.folder / 'token'}"
ca_file = "{self.cluster.ca}"
pod_label = "{LABEL}"
lease = "4s"
renew_deadline = "3s"
retry = "300ms"
''').read_text()
        config = folder / "control.toml"
        config.write_text(text.replace(str(self.folder / "data"), str(folder / "data")).replace(str(self.folder / "token"), str(folder / "token")))
        control = Control(folder, "--apply", config=config)
        self.servers.append(control)
        return control.start()

    def two(self):
        a = self.copy(0)
        wait_for(lambda: self.leads(a), "it leads")
        b = self.copy(1)
        wait_for(lambda: self.leader(b)["leader"] == "forewarm-control-0", "it knows whom it follows")
        wait_for(lambda: b.queue()["set"] == 2, "it reads the target too")
        return a, b

    def test_one_acts_then_the_other_when_it_is_killed_and_never_do_two(self):
        a, b = self.two()
        first = self.held()
        self.assertEqual(first["holderIdentity"], "forewarm-control-0")
        wait_for(lambda: self.selected() == ["forewarm-control-0"], "its Service sends to it")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.replicas() == 30, "it acts")
        wait_for(lambda: b.queue()["set"] == 30, "the other sees it")
        a.kill()
        self.replicas(2)
        wait_for(lambda: self.replicas() == 30, "the other acts")
        self.assertEqual((self.held()["holderIdentity"], self.held()["leaseTransitions"]), ("forewarm-control-1", first["leaseTransitions"] + 1))
        a.start()
        wait_for(lambda: self.leader(a)["leader"] == "forewarm-control-1", "who comes back follows")
        wait_for(lambda: self.selected() == ["forewarm-control-1"], "the Service sends to the other alone")
        self.replicas(3)
        wait_for(lambda: self.replicas() == 30, "who leads goes on acting")
        self.assertEqual(b.stop(), 0)
        wait_for(lambda: self.leads(a), "what is given up is taken at once")
        self.assertEqual(a.stop(), 0)
        self.assertEqual(self.held()["holderIdentity"], "", "it is given up")
        self.assertEqual(self.selected(), [])
        done = run("control", "rollback", "--config", a.config)
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        self.assertEqual(self.replicas(), 2)
        terms, acted = self.check_who_acted()
        self.assertEqual(terms, ["forewarm-control-0", "forewarm-control-1", "forewarm-control-0"])
        self.assertEqual(set(acted), {"forewarm-control-0", "forewarm-control-1"})
        self.check_rights()

    def test_one_that_was_paused_does_not_act_when_it_wakes(self):
        a, b = self.two()
        a.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: self.leads(b), "the other leads")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.replicas() == 30, "the other acts")
        wait_for(lambda: b.queue()["set"] == 30, "and sees it")
        self.replicas(3)
        a.process.send_signal(signal.SIGCONT)
        wait_for(lambda: self.leader(a)["leader"] == "forewarm-control-1", "the first knows")
        wait_for(lambda: self.replicas() == 30, "it is set anew")
        wait_for(lambda: self.selected() == ["forewarm-control-1"], "and its label is gone")
        self.assertEqual(set(self.check_who_acted()[1]), {"forewarm-control-1"})
        self.assertEqual(self.denied(), [])

    def test_without_the_api_server_nobody_leads_and_one_does_when_it_is_back(self):
        a, b = self.two()
        self.cluster.kill_api()
        try:
            wait_for(lambda: not self.leads(a), "it cannot renew")
            self.assertTrue(self.leader(a)["problem"])
            self.assertTrue(a.log_lines("this copy does not lead any more: it stops acting"))
            self.prometheus.backlog(3000)
            wait_for(lambda: b.queue()["instances"] == 30, "the plan goes on")
            self.assertFalse(self.leads(b))
        finally:
            self.cluster.start_api()
        wait_for(lambda: self.leads(a) != self.leads(b), "one leads")
        wait_for(lambda: self.replicas() == 30, "it acts")
        terms, acted = self.check_who_acted()
        self.assertEqual({*acted}, {terms[-1]})

    def test_the_official_client_and_kubectl_read_what_was_written(self):
        a = self.copy(0)
        wait_for(lambda: self.leads(a), "it leads")
        wait_for(lambda: self.selected() == ["forewarm-control-0"], "its pod says so")
        client = Client("kubernetes_client.mjs", self.cluster.url)
        self.addCleanup(client.close)
        client.do("connect", caFile=str(self.cluster.ca), token=ADMIN_TOKEN)
        read = client.do("readLease", namespace=self.space, name="forewarm-control")
        self.assertEqual((read["spec"]["holderIdentity"], read["spec"]["leaseDurationSeconds"]), ("forewarm-control-0", 4))
        if not shutil.which("kubectl"):
            print("NOT JUDGED: kubectl is not installed")
            return
        for arguments, said in ((["get", "lease", "forewarm-control"], "forewarm-control-0"),
                                (["get", "pods", "-l", LABEL + "=true", "-o", "name"], "pod/forewarm-control-0"),
                                (["auth", "can-i", "update", "leases/forewarm-control", "--as",
                                  f"system:serviceaccount:{self.space}:{ACCOUNT}"], "yes")):
            done = kubectl(self.cluster, self.space, self.folder / "kubectl", *arguments)
            self.assertIn(said, done.stdout, done.stderr)


class Shipped(ShippedCopies):
    """With nothing but what deploy/ has, the ports and folders of the configuration aside."""

    def test_the_shipped_configuration_leads_acts_and_is_taken_over_in_its_pods(self):
        if subprocess.run([*InPod.possible, "true"], capture_output=True).returncode != 0:
            self.skipTest("SKIPPED: this user may make no namespaces, in which a copy would have its pod's files")
        a = self.copy(0)
        wait_for(lambda: self.leads(a), "it leads")
        wait_for(lambda: self.selected() == ["forewarm-control-0"], "its Service sends to it")
        wait_for(lambda: self.replicas() > 2, "it scales the workload")
        b = self.copy(1)
        wait_for(lambda: self.leader(b)["leader"] == "forewarm-control-0", "the other follows")
        a.kill()
        wait_for(lambda: self.leads(b), "the other leads")
        self.replicas(1)
        wait_for(lambda: self.replicas() > 2, "and acts")
        self.assertEqual(b.stop(), 0)
        done = subprocess.run(a.inside(*a.program("rollback")), capture_output=True, text=True,
                              env=a.environment, timeout=PATIENCE_SECONDS)
        self.assertEqual((done.returncode, done.stdout, self.replicas()), (0, "orders: 2, as found\n", 2), done.stderr)
        self.assertEqual(set(self.check_who_acted()[1]), {"forewarm-control-0", "forewarm-control-1"})
        self.check_rights()


class Rights(ControlInCluster):
    def test_they_are_few(self):
        for verb, resource, group, part, name in (
                ("get", "deployments", "apps", "", "worker"), ("patch", "deployments", "apps", "", "worker"),
                ("delete", "deployments", "apps", "", "worker"), ("list", "deployments", "apps", "", ""),
                ("get", "leases", "coordination.k8s.io", "", "another"), ("update", "leases", "coordination.k8s.io", "", "another"),
                ("delete", "leases", "coordination.k8s.io", "", "forewarm-control"), ("get", "pods", "", "", "forewarm-control-0"),
                ("patch", "pods", "", "", "worker-0"), ("create", "pods", "", "", ""), ("get", "secrets", "", "", "forewarm-control"),
                ("create", "serviceaccounts", "", "token", ACCOUNT)):
            with self.subTest(f"{verb} {resource}/{part} {name}"):
                self.assertFalse(self.may(verb, resource, group, part, name))
        for verb, resource, group, part, name in (
                ("patch", "statefulsets", "apps", "scale", "anything"), ("create", "leases", "coordination.k8s.io", "", ""),
                ("update", "leases", "coordination.k8s.io", "", "forewarm-control"), ("patch", "pods", "", "", "forewarm-control-1")):
            self.assertTrue(self.may(verb, resource, group, part, name), f"{verb} {resource}/{part} {name}")


class WorkerPods(OnKubernetes, PodsTest):
    """Pods of the worker's Deployment, and the server's account with the rights of worker-pods.yaml."""

    def kubernetes(self):
        self.give_rights(manifests("server", ["worker-pods.yaml"]))
        template = one(manifests("worker"), "Deployment")["spec"]["template"]
        for name in ("orders-a", "orders-b", "orders-c"):
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": name, "annotations": {"kept": "yes"}},
                   "spec": template["spec"]}
            self.cluster.make(pod, self.space)
        return self.cluster, self.cluster.issued(self.space, "forewarm")

    def annotations(self):
        return {pod["metadata"]["name"]: pod["metadata"].get("annotations", {}) for pod in self.cluster.ask("GET", self.core + "/pods")["items"]}

    def costs(self):
        return {name: int(each[self.COST]) for name, each in self.annotations().items() if self.COST in each}

    def test_the_costs_of_real_pods_are_set_changed_and_taken_away(self):
        server = self.begin("orders-a", "orders-b", "orders-c")
        self.wait_workers(server, 3)
        server.send("jobs", "sleep 50")
        busy = wait_for(lambda: self.tries("sleep 50"), "it runs")[0]
        unused = {pod: -100 for pod in ("orders-a", "orders-b", "orders-c") if pod != busy}
        wait_for(lambda: self.costs() == unused | {busy: 100}, "Kubernetes would keep the one that has a run")
        server.send("jobs", "sleep 51")
        again = wait_for(lambda: self.tries("sleep 51"), "it runs")[0]
        wait_for(lambda: self.costs().get(again, 0) >= 0, "one that is needed again is not left the first to go")
        self.assertEqual([each["kept"] for each in self.annotations().values()], ["yes"] * 3, "what is of others stays")
        self.assertEqual({(each["verb"], each["objectRef"]["resource"], each["responseStatus"]["code"]) for each in self.asked()},
                         {("patch", "pods", 200)})

    def test_a_pod_that_is_gone_and_a_right_that_is_taken_away_are_said_and_runs_go_on(self):
        self.cluster.ask("DELETE", f"{self.core}/pods/orders-b?gracePeriodSeconds=0")
        server = self.begin("orders-b")
        self.pod("far", POD_NAMESPACE="default")

        def said(*words):
            lines = [line for line in server.log_text().splitlines() if "the deletion costs of workers' pods cannot be set" in line]
            return [line for line in lines if all(each in line for each in words)]

        wait_for(lambda: said("status 404", "orders-b", f"there is no pod orders-b in the namespace {self.space}"), "it is gone")
        wait_for(lambda: said("status 403", "cannot patch resource", "in the namespace default"), "it has no right there")
        server.send("jobs", *(f"ok {i}" for i in range(4)))
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))


def setUpModule():
    OnKubernetes.cluster = KubeApiServer()
    unittest.addModuleCleanup(OnKubernetes.cluster.stop)


if __name__ == "__main__":
    if reason := why_not():
        print("SKIPPED: " + reason)
        sys.exit(77)
    unittest.main(verbosity=2)
