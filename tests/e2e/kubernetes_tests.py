"""What tests of forewarm against a real Kubernetes API share: control beside a workload with the rights of deploy/, and its pods."""

import json
import os
import re
import subprocess

from control_tests import Control, ControlTest
from deploy_test import manifests, one
from kube_api_server import ADMIN_TOKEN, OnKubernetes
from server_process import PATIENCE_SECONDS, PROGRAM, wait_for

ACCOUNT = "forewarm-control"
READ_TOKEN = "a-token-that-may-read-0123456789"


def kubectl(cluster, space, cache, *arguments):
    return subprocess.run(["kubectl", "--server", cluster.url, "--certificate-authority", str(cluster.ca), "--token", ADMIN_TOKEN,
                           "--namespace", space, "--kubeconfig", "/dev/null", "--cache-dir", str(cache), *arguments],
                          capture_output=True, text=True, timeout=PATIENCE_SECONDS)


class ControlInCluster(OnKubernetes, ControlTest):
    """A Deployment `worker` and control's account beside it, with the rights of deploy/."""

    silent_after = "10s"

    def setUp(self):
        super().setUp()
        self.shipped = manifests("control")
        self.give_rights(self.shipped)
        self.make_workload("Deployment", 2)
        self.scaled("deployment")
        self.allow(self.cluster.issued(self.space, ACCOUNT))
        wait_for(lambda: self.may("get", "deployments", group="apps", part="scale", name="worker"), "the rights are in force")

    def make_workload(self, kind, replicas):
        labels = {"app": "worker"}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "worker", "image": "worker"}]}}}
        self.cluster.make({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "worker"},
                           "spec": spec | ({"serviceName": "worker"} if kind == "StatefulSet" else {})}, self.space)

    def scaled(self, workload):
        self.workload = f"{self.apps}/{workload}s/worker"
        self.target = f'''
target.kind = "kubernetes"
target.url = "{self.cluster.url}"
target.namespace = "{self.space}"
target.workload = "{workload}"
target.name = "worker"
target.token_file = "{self.folder / 'token'}"
target.ca_file = "{self.cluster.ca}"
target.timeout = "5s"
target.change_every = "100ms"
'''

    def allow(self, token):
        (self.folder / "token").write_text(token + "\n")
        self.token = token

    def may(self, verb, resource, group="", part="", name=""):
        """Whether the account may, by the server's own judgement."""
        attributes = {"namespace": self.space, "verb": verb, "group": group, "resource": resource, "subresource": part, "name": name}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                  "spec": {"resourceAttributes": attributes}}
        return self.cluster.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, self.token)["status"]["allowed"]

    def replicas(self, wanted=None):
        """Of the workload; set by somebody else if one is given."""
        if wanted is not None:
            self.cluster.patch(self.workload, {"spec": {"replicas": wanted}})
        return self.cluster.ask("GET", self.workload)["spec"]["replicas"]

    def role(self, change):
        path = f"{self.roles}/roles/{ACCOUNT}"
        role = self.cluster.ask("GET", path)
        change(role["rules"])
        self.cluster.ask("PUT", path, role)

    def scalings(self):
        """The log's entry of each number that was set."""
        return [each for each in self.asked() if each["objectRef"].get("subresource") == "scale" and each["verb"] == "patch"]

    def make_pod(self, ordinal):
        """As the StatefulSet's controller makes it: validated like any pod."""
        workload = one(self.shipped, "StatefulSet")
        name = f"{workload['metadata']['name']}-{ordinal}"
        template = json.loads(json.dumps(workload["spec"]["template"]))
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": name}, "spec": template["spec"]}
        pod["metadata"]["labels"] |= {"statefulset.kubernetes.io/pod-name": name}
        for claim in workload["spec"]["volumeClaimTemplates"]:
            volume = claim["metadata"]["name"]
            pod["spec"]["volumes"].append({"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{name}"}})
        self.cluster.make(pod, self.space)


class InPods(ControlInCluster):
    """Two pods of the StatefulSet, and who leads."""

    def setUp(self):
        super().setUp()
        self.lease = f"/apis/coordination.k8s.io/v1/namespaces/{self.space}/leases/forewarm-control"
        for ordinal in (0, 1):
            self.make_pod(ordinal)
        service, = (each for each in self.shipped if each["metadata"]["name"] == "forewarm-control-leader" and each["kind"] == "Service")
        self.selector = "%2C".join(f"{key}%3D{value}" for key, value in service["spec"]["selector"].items())

    def leader(self, control):
        return control.get("/v1/plan")["leader"]

    def leads(self, control):
        return self.leader(control)["leads"]

    def selected(self):
        """The pods that the leader's Service would send to."""
        found = self.cluster.ask("GET", f"{self.core}/pods?labelSelector={self.selector}")["items"]
        return [each["metadata"]["name"] for each in found]

    def held(self):
        return self.cluster.ask("GET", self.lease)["spec"]

    @staticmethod
    def pod_of(event):
        return event["user"]["extra"]["authentication.kubernetes.io/pod-name"][0]

    def check_who_acted(self):
        """By the server's log: each number was set by the copy whose the Lease was; no copy wrote a Lease for another one. Who led, in
        order."""
        holder, terms, acted = "", [], []
        events = sorted(self.asked(), key=lambda each: each["requestReceivedTimestamp"])
        for each in events:
            if each["responseStatus"]["code"] > 299:
                continue
            pod = self.pod_of(each)
            if each["objectRef"]["resource"] == "leases" and each["verb"] in ("create", "update"):
                holder = each["responseObject"]["spec"]["holderIdentity"]
                self.assertIn(holder, (pod, ""))
                terms += [holder] if holder and terms[-1:] != [holder] else []
            elif each in self.scalings():
                self.assertEqual(pod, holder, "it acts, and does not lead")
                acted.append(pod)
        return terms, acted

    def check_rights(self):
        """All that was asked was allowed, and all that is allowed was asked, but of StatefulSets."""
        self.assertEqual(self.denied(), [])
        used = {(each["objectRef"].get("apiGroup", ""), "/".join(filter(None, (each["objectRef"]["resource"], each["objectRef"].get("subresource")))),
                 each["verb"]) for each in self.asked()}
        granted = {(group, resource, verb) for rule in one(self.shipped, "Role")["rules"] for group in rule["apiGroups"]
                   for resource in rule["resources"] for verb in rule["verbs"]}
        self.assertEqual(granted - used, {("apps", "statefulsets/scale", verb) for verb in ("get", "patch")})
        self.assertEqual(used - granted, set())


class InPod(Control):
    """A copy as a container of the StatefulSet has it: the machine is called what its pod is, the account's files are where Kubernetes
    mounts them, and two variables say where the API server is."""

    mounts = 'mount -t tmpfs none /run && mkdir -p "$2" && cp "$1"/* "$2" && hostname "$3" && shift 3 && exec "$@"'
    possible = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "--uts"]

    def __init__(self, folder, config, account, cluster):
        super().__init__(folder, "--apply", config=config)
        self.account = account
        self.environment = os.environ | {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.port)}

    def program(self, *words):
        return [PROGRAM, "control", *words, "--config", str(self.config)]

    def inside(self, *command):
        return [*self.possible, "sh", "-c", self.mounts, "sh", str(self.account), "/run/secrets/kubernetes.io/serviceaccount",
                self.account.parent.name, *command]

    def command(self):
        return self.inside(*super().command())

    def http(self, method, path, body=None, headers=None, **more):
        return super().http(method, path, body, {"Authorization": "Bearer " + READ_TOKEN} | (headers or {}), **more)


class ShippedCopies(InPods):
    """With nothing but what deploy/ has, the ports and folders of the configuration aside."""

    def copy(self, ordinal):
        name = f"forewarm-control-{ordinal}"
        folder = self.folder / name
        for each in (folder / "secrets", folder / "account"):
            each.mkdir(parents=True)
        (folder / "secrets" / "read-token").write_text(READ_TOKEN + "\n")
        for file, text in (("token", self.cluster.issued(self.space, ACCOUNT, pod=name)), ("namespace", self.space),
                           ("ca.crt", self.cluster.ca.read_text())):
            (folder / "account" / file).write_text(text)
        (_, text), = one(self.shipped, "ConfigMap")["data"].items()
        for query in re.findall(r'^metrics\.(?!url)\w+ = "(.+)"$', text, re.MULTILINE):
            self.prometheus.values.setdefault(query, 3000 if "messages_ready" in query else 2)
        for shipped, here in (("/var/lib/forewarm", str(folder / "data")), ("/etc/forewarm-secrets", str(folder / "secrets")),
                              ("0.0.0.0:9326", "127.0.0.1:0"), ("0.0.0.0:9328", "127.0.0.1:0"),
                              ("http://prometheus-operated.monitoring:9090", self.prometheus.url)):
            self.assertIn(shipped, text)
            text = text.replace(shipped, here)
        config = folder / "control.toml"
        config.write_text(text)
        control = InPod(folder, config, folder / "account", self.cluster)
        self.servers.append(control)
        return control.start()
