"""A Kubernetes API server of a test's own, on loopback: Debian's etcd and kube-apiserver, as a cluster has them.

RBAC decides, service accounts have tokens, TLS has a CA, and an audit log says who asked for what. There is no kubelet: pods do not
run. There are controllers if they are started: else an object stays as it was written. FOREWARM_KUBE_APISERVER is the program, and
kube-controller-manager is beside it.
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time

from server_process import wait_for
from source_tests import free_port

PROGRAM = os.environ.get("FOREWARM_KUBE_APISERVER", "")
CONTROLLERS = str(pathlib.Path(PROGRAM).parent / "kube-controller-manager")
ISSUER = "https://kubernetes.default.svc"
ADMIN_TOKEN = "the-administrators-token"
AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    resources: [{group: coordination.k8s.io, resources: [leases]}, {group: apps, resources: [deployments/scale]}]
  - level: Metadata
"""
# Where objects of a kind are.
PLURALS = {"NetworkPolicy": "networkpolicies"}


def why_not(controllers=False):
    """Why there can be no such server here; empty: it can be."""
    if not PROGRAM:
        return ("FOREWARM_KUBE_APISERVER does not name a kube-apiserver (tests/e2e/install_kube_apiserver build/kube-apiserver "
                "builds one in some minutes)")
    if not os.access(PROGRAM, os.X_OK):
        return f"FOREWARM_KUBE_APISERVER={PROGRAM} is no program (tests/e2e/install_kube_apiserver builds it)"
    if controllers and not os.access(CONTROLLERS, os.X_OK):
        return f"{CONTROLLERS} is no program (tests/e2e/install_kube_apiserver builds it)"
    if not shutil.which("etcd"):
        return "etcd is not installed (apt-get install etcd-server)"
    return ""


class Denied(Exception):
    """An answer that is not of 200 to 299."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status
        self.message = body.get("message", "") if isinstance(body, dict) else body


def path_of(document, namespace):
    """Where objects of its kind are."""
    version, kind = document["apiVersion"], document["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/" + PLURALS.get(kind, kind.lower() + "s")


class KubeApiServer:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="forewarm-kubernetes-"))
        self.etcd_port, self.port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = self.folder / "ca.crt"
        self.audit_log = self.folder / "audit.log"
        self.processes = {}
        self.make_keys()
        (self.folder / "audit.yaml").write_text(AUDIT_POLICY)
        (self.folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
        self.context = ssl.create_default_context(cafile=self.ca)
        self.start()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.folder)

    def make_keys(self):
        """A CA, the server's certificate by it, and what signs tokens."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        self.openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=kubernetes")
        self.openssl("req", *key[:-2], "-keyout", "api.key", "-out", "api.csr", "-subj", "/CN=kube-apiserver")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc\n")
        self.openssl("x509", "-req", "-in", "api.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", "names", "-out", "api.crt")
        self.openssl("genrsa", "-out", "sa.key", "2048")
        self.openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def spawn(self, name, *command):
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([str(each) for each in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    cwd=self.folder)

    def start(self):
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        self.spawn("etcd", "etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                   "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer)
        self.start_api()
        wait_for(lambda: self.there("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin"), "its own roles are there")

    def start_api(self):
        self.spawn("kube-apiserver", PROGRAM, f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", "--bind-address=127.0.0.1",
                   "--advertise-address=127.0.0.1", f"--secure-port={self.port}", f"--cert-dir={self.folder}",
                   "--tls-cert-file=api.crt", "--tls-private-key-file=api.key", "--service-account-key-file=sa.pub",
                   "--service-account-signing-key-file=sa.key", f"--service-account-issuer={ISSUER}",
                   "--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
                   # It would wait for secrets that a controller makes.
                   "--disable-admission-plugins=ServiceAccount",
                   "--audit-policy-file=audit.yaml", f"--audit-log-path={self.audit_log}", "--audit-log-mode=blocking")
        wait_for(self.ready, "the API server is ready")

    def start_controllers(self):
        """Those of Deployments, StatefulSets and Endpoints, and of what pods are deleted."""
        (self.folder / "controllers.conf").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it", "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}],
            "users": [{"name": "it", "user": {"token": ADMIN_TOKEN}}]}))
        self.spawn("kube-controller-manager", CONTROLLERS, "--kubeconfig=controllers.conf", "--leader-elect=false",
                   "--controllers=deployment,replicaset,statefulset,endpoint,disruption,namespace,garbagecollector", "--port=0",
                   "--bind-address=127.0.0.1", f"--secure-port={free_port()}", f"--cert-dir={self.folder / 'controllers'}")

    def ready(self):
        if ended := [name for name, process in self.processes.items() if process.poll() is not None]:
            raise AssertionError(f"{ended[0]} ended:\n" + (self.folder / f"{ended[0]}.log").read_text()[-3000:])
        return self.there("/readyz")

    def there(self, path):
        try:
            return self.ask("GET", path) is not None
        except (OSError, http.client.HTTPException, Denied):
            return False

    def kill_api(self):
        self.processes["kube-apiserver"].kill()
        self.processes["kube-apiserver"].wait()

    def stop(self):
        for name in ("kube-controller-manager", "kube-apiserver", "etcd"):
            process = self.processes.get(name)
            if process and process.poll() is None:
                process.send_signal(signal.SIGKILL)  # nothing of it is kept
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, path, body=None, token=ADMIN_TOKEN, content_type="application/json"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Authorization": "Bearer " + token, "Content-Type": content_type, "Accept": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        answer = json.loads(text) if text.startswith("{") else text
        if not 200 <= response.status <= 299:
            raise Denied(response.status, answer)
        return answer

    def make(self, document, namespace, query=""):
        return self.ask("POST", path_of(document, namespace) + query, document)

    def patch(self, path, body):
        return self.ask("PATCH", path, body, content_type="application/merge-patch+json")

    def audit(self, namespace):
        """What was asked in this namespace and answered, in order: by the server's own log."""
        lines = self.audit_log.read_text().splitlines() if self.audit_log.exists() else []
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return [each for each in events if each.get("objectRef", {}).get("namespace") == namespace]

    def issued(self, namespace, account, pod=None, seconds=3600):
        """A service account's token as a kubelet has it made, for as long as the pod is there if it is one's."""
        spec = {"audiences": [], "expirationSeconds": seconds}
        if pod:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        return self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", request)["status"]["token"]

    def short_lived(self, namespace, account, seconds):
        """A token as the server signs it, but for seconds: it issues none for less than ten minutes."""
        uid = self.ask("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}")["metadata"]["uid"]
        now = int(time.time())
        # It takes tokens for a minute longer than they say, and believes what it has seen for ten seconds.
        claims = {"aud": [ISSUER], "exp": now + seconds - 60, "iat": now - 600, "iss": ISSUER, "nbf": now - 600,
                  "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": uid}},
                  "sub": f"system:serviceaccount:{namespace}:{account}"}

        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        text = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.folder / "sa.key"], input=text, capture_output=True,
                                check=True).stdout
        return (text + b"." + encoded(signed)).decode()


class OnKubernetes:
    """For tests with one server, `cluster`, of which each has a namespace of its own, `space`, with what deploy/ has for it."""

    cluster = None

    def setUp(self):
        self.space = self._testMethodName.removeprefix("test_").replace("_", "-").lower()[:60].rstrip("-")
        self.cluster.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})
        self.core = f"/api/v1/namespaces/{self.space}"
        self.apps = f"/apis/apps/v1/namespaces/{self.space}"
        self.roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.space}"
        super().setUp()

    def give_rights(self, documents):
        for document in documents:
            if document["kind"] in ("ServiceAccount", "Role", "RoleBinding"):
                self.cluster.make(document, self.space)

    def asked(self):
        """What service accounts asked in this namespace."""
        return [each for each in self.cluster.audit(self.space) if each["user"].get("username", "").startswith("system:serviceaccount:")]

    def denied(self):
        """To whom it may be: of who has no good token nothing is known."""
        return [each for each in self.cluster.audit(self.space) if each["responseStatus"]["code"] in (401, 403)]
