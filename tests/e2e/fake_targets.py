"""What forewarm control reads and tells: a Prometheus API, a Kubernetes API over TLS, and a webhook, all on loopback.

Each notes what it is asked. Python's standard library and openssl.
"""

import calendar
import http.server
import json
import re
import ssl
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit


class Recorder:
    """An HTTP server whose requests are noted, and answered by answer(method, path, query, headers, body)."""

    def __init__(self, context=None):
        self.requests = []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                url = urlsplit(self.path)
                with outer.lock:
                    outer.requests.append((self.command, self.path, dict(self.headers), body))
                status, answer, *headers = outer.answer(self.command, url.path, parse_qs(url.query), self.headers, body)
                if status is None:  # nobody answers
                    time.sleep(answer)
                    self.close_connection = True
                    return
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            # The handshake is the connection's own thread's: a client that is stopped in it holds up nobody else.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def noted(self, method):
        with self.lock:
            return [request for request in self.requests if request[0] == method]


class FakePrometheus(Recorder):
    """Answers a query that is the name of a value; a range query as if the counter had grown by `past_rate` a second."""

    def __init__(self):
        super().__init__()
        self.values = {"waiting": 0, "in_flight": 0, "arrived_total": 1000, "done_total": 1000}
        self.down = False
        self.past_rate = None

    def answer(self, method, path, query, headers, body):
        if self.down:
            return 503, "no storage"
        name = query["query"][0]
        if path == "/api/v1/query_range":
            return 200, {"status": "success", "data": {"resultType": "matrix", "result": self.series(query)}}
        if name not in self.values:
            return 200, {"status": "success", "data": {"resultType": "vector", "result": []}}
        sample = {"metric": {}, "value": [time.time(), str(self.values[name])]}
        return 200, {"status": "success", "data": {"resultType": "vector", "result": [sample]}}

    def series(self, query):
        if self.past_rate is None:
            return []

        def seconds(text):
            return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))

        at, end, step = seconds(query["start"][0]), seconds(query["end"][0]), float(query["step"][0])
        first = time.time() - 600
        values = []
        while at <= end:
            if at >= first:
                values.append([at, str(round((at - first) * self.past_rate))])
            at += step
        return [{"metric": {}, "values": values}] if values else []

    def flow(self, messages):
        """So many come and are done."""
        self.values["arrived_total"] += messages
        self.values["done_total"] += messages

    def backlog(self, messages):
        self.values["arrived_total"] += messages
        self.values["waiting"] += messages

    def drain(self):
        self.values["done_total"] += self.values["waiting"]
        self.values["waiting"] = 0


class PulsingPrometheus(FakePrometheus):
    """Messages come `high` a second for `burst` seconds of each `period`, and one a second else, now and in the last quarter of
    an hour; they are done at once. The next burst is at hand: a forecast is trusted when it was right."""

    def __init__(self, period=20, burst=5, high=40):
        self.period, self.burst, self.high = period, burst, high
        super().__init__()
        self.begun = int(time.time()) + 3 - 30 * period

    def total(self, at):
        whole, rest = divmod(max(0.0, at - self.begun), self.period)
        a_period = self.high * self.burst + (self.period - self.burst)
        return round(whole * a_period + self.high * min(rest, self.burst) + max(0.0, rest - self.burst))

    def next_burst(self, after):
        return self.begun + ((after - self.begun) // self.period + 1) * self.period

    def answer(self, method, path, query, headers, body):
        if path == "/api/v1/query" and not self.down and query["query"][0] in ("arrived_total", "done_total"):
            now = time.time()
            sample = {"metric": {}, "value": [now, str(self.total(now))]}
            return 200, {"status": "success", "data": {"resultType": "vector", "result": [sample]}}
        return super().answer(method, path, query, headers, body)

    def series(self, query):
        def seconds(text):
            return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))

        at, end, step = seconds(query["start"][0]), seconds(query["end"][0]), float(query["step"][0])
        values = []
        while at <= end:
            if at >= self.begun:
                values.append([at, str(self.total(at))])
            at += step
        return [{"metric": {}, "values": values}] if values else []


class FakeKubernetes(Recorder):
    """The scale subresource of one Deployment, Leases, labels and annotations of pods, for whoever has the token, or one of
    `tokens`. `fails` answers writes of the first in its place; requests for the others with a token of `cut_off` are not answered."""

    path = "/apis/apps/v1/namespaces/shop/deployments/worker/scale"
    pods_path = "/api/v1/namespaces/shop/pods/"
    leases_path = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"

    def __init__(self, folder, token):
        certificate, key = folder / "api.crt", folder / "api.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-keyout", key, "-out", certificate, "-subj", "/CN=api", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        self.ca = certificate
        self.token = token
        self.tokens = set()
        self.replicas = 2
        self.fails = None
        self.leases = {}
        self.labels = {}  # of each pod
        self.annotations = {}
        self.forbidden = False  # pods are
        self.missing = set()  # pods that are not there
        self.holders = []  # of each lease that was written, in order
        self.versions = 0
        self.cut_off = set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        super().__init__(context)

    def answer(self, method, path, query, headers, body):
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens | {self.token}:
            return 401, {"kind": "Status", "message": "Unauthorized", "code": 401}
        if path.startswith(self.pods_path) and method == "PATCH":
            if token in self.cut_off:
                return None, 1
            with self.lock:
                return self.pod(path.removeprefix(self.pods_path), headers, json.loads(body))
        if path.startswith(self.leases_path):
            if token in self.cut_off:
                return None, 1
            with self.lock:
                return self.lease(method, path.removeprefix(self.leases_path).lstrip("/"), body)
        if path != self.path:
            return 404, {"kind": "Status", "message": f"{path} not found", "code": 404}
        if method == "PATCH":
            if self.fails:
                return self.fails
            if headers.get("Content-Type") != "application/merge-patch+json":
                return 415, {"kind": "Status", "message": "the media type is not known", "code": 415}
            match = re.fullmatch(r'\{"spec":\{"replicas":(\d+)\}\}', body)
            if not match:
                return 400, {"kind": "Status", "message": f"cannot patch with {body}", "code": 400}
            self.replicas = int(match[1])
        return 200, {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": self.replicas} if self.replicas else {},
                     "status": {"replicas": self.replicas}}


    def pod(self, name, headers, patch):
        """A JSON merge patch of its metadata (RFC 7386)."""
        if self.forbidden:
            return 403, {"kind": "Status", "reason": "Forbidden", "code": 403, "message":
                         f'pods "{name}" is forbidden: User "forewarm" cannot patch resource "pods" in API group "" in the namespace "shop"'}
        if name in self.missing:
            return 404, {"kind": "Status", "message": f'pods "{name}" not found', "code": 404}
        if headers.get("Content-Type") != "application/merge-patch+json":
            return 415, {"kind": "Status", "message": "the media type is not known", "code": 415}
        for field, wanted in patch["metadata"].items():
            values = {"labels": self.labels, "annotations": self.annotations}[field].setdefault(name, {})
            for key, value in wanted.items():
                values.pop(key, None)
                values |= {} if value is None else {key: value}
        return 200, {"apiVersion": "v1", "kind": "Pod"}

    def lease(self, method, name, body):
        """As the API server does it: compare-and-swap by resourceVersion, and no update without one."""
        def status(code, message):
            return code, {"kind": "Status", "message": message, "code": code}

        there = self.leases.get(name)
        if method == "GET":
            return (200, there) if there else status(404, f'leases.coordination.k8s.io "{name}" not found')
        wanted = json.loads(body)
        if wanted["kind"] != "Lease" or wanted["spec"]["leaseDurationSeconds"] < 1:
            return status(422, "spec.leaseDurationSeconds: must be greater than 0")
        metadata, name = wanted["metadata"], name or wanted["metadata"]["name"]
        if method == "POST" and name in self.leases:
            return status(409, f'leases.coordination.k8s.io "{name}" already exists')
        if method == "PUT":
            if not metadata.get("resourceVersion"):
                return status(422, "metadata.resourceVersion: must be specified for an update")
            if not there or there["metadata"] != metadata:
                return status(409, "the object has been modified; please apply your changes to the latest version")
        self.versions += 1
        self.leases[name] = wanted | {"metadata": {"name": name, "uid": "u-1", "resourceVersion": str(self.versions)}}
        self.holders.append(wanted["spec"]["holderIdentity"])
        return 201 if method == "POST" else 200, self.leases[name]


class FakeLambda(Recorder):
    """Provisioned concurrency of one alias, as the Lambda API (2019-09-30) has it: allocated at once."""

    path = "/2019-09-30/functions/resize/provisioned-concurrency"

    def __init__(self):
        super().__init__()
        self.provisioned = 0
        self.allowed = {"session"}

    def answer(self, method, path, query, headers, body):
        signed = headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=AKID/")
        if not signed or headers.get("X-Amz-Security-Token") not in self.allowed:
            return 403, {"message": "The security token included in the request is expired"}
        if path != self.path or query != {"Qualifier": ["live"]}:
            return 404, {"Message": "Function not found"}, ("x-amzn-ErrorType", "ResourceNotFoundException")
        if method == "PUT":
            self.provisioned = json.loads(body)["ProvisionedConcurrentExecutions"]
        if method == "DELETE":
            self.provisioned = 0
            return 204, ""
        if self.provisioned == 0:
            return (404, {"Message": "No Provisioned Concurrency Config found for this function"},
                    ("x-amzn-ErrorType", "ProvisionedConcurrencyConfigNotFoundException"))
        n = self.provisioned
        return 202 if method == "PUT" else 200, {
            "RequestedProvisionedConcurrentExecutions": n, "AvailableProvisionedConcurrentExecutions": n,
            "AllocatedProvisionedConcurrentExecutions": n, "Status": "READY"}


class FakeAutoScaling(Recorder):
    """One scalable target of Application Auto Scaling and its scheduled actions, two to a page. `fails`: of each operation what
    is answered in its place; `expired`: so many requests meet credentials that have run out."""

    resource = {"ServiceNamespace": "lambda", "ResourceId": "function:resize:live",
                "ScalableDimension": "lambda:function:ProvisionedConcurrency"}

    def __init__(self):
        self.least, self.most = 2, 30
        self.registered, self.suspended = True, False
        self.actions = {}  # by name: (schedule, what to do)
        self.fails = {}
        self.expired = 0
        super().__init__()

    def answer(self, method, path, query, headers, body):
        scope = headers.get("Authorization", "").partition("Credential=AKID/")[2].split(",")[0].split("/")[1:]
        if self.expired > 0:
            self.expired -= 1
            return self.refusal("ExpiredTokenException", "The security token included in the request is expired")
        if (method, path) != ("POST", "/") or scope != ["eu-west-1", "application-autoscaling", "aws4_request"]:
            return self.refusal("InvalidSignatureException", f"{method} {path} of {scope}")
        if headers.get("Content-Type") != "application/x-amz-json-1.1":
            return self.refusal("SerializationException", headers.get("Content-Type"))
        service, _, operation = headers["X-Amz-Target"].partition(".")
        asked = json.loads(body)
        if operation in self.fails:
            return self.refusal(*self.fails[operation])
        for name, value in self.resource.items():
            if asked.get(name, (asked.get("ResourceIds") or [None])[0]) != value:
                return self.refusal("ValidationException", f"{name} {asked.get(name)}")
        with self.lock:
            return getattr(self, operation)(asked)

    @staticmethod
    def refusal(name, words):
        return 400, {"__type": name, "message": words}

    def page(self, asked, name, everything):
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 2)} if at + 2 < len(everything) else {}
        return 200, {name: everything[at:at + 2]} | more

    def DescribeScalableTargets(self, asked):
        mine = self.resource | {"MinCapacity": self.least, "MaxCapacity": self.most, "RoleARN": "arn:aws:iam::1:role/r",
                                "CreationTime": 1.7e9, "SuspendedState": {"ScheduledScalingSuspended": self.suspended,
                                "DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False}}
        return self.page(asked, "ScalableTargets", [mine] if self.registered else [])

    def RegisterScalableTarget(self, asked):
        least, most = asked.get("MinCapacity", self.least), asked.get("MaxCapacity", self.most)
        if least > most:
            return self.refusal("ValidationException", f"Minimum capacity {least} is above the maximum capacity {most}")
        self.least, self.most = least, most
        return 200, {"ScalableTargetARN": "arn:aws:application-autoscaling:eu-west-1:1:scalable-target/a"}

    def DescribeScheduledActions(self, asked):
        return self.page(asked, "ScheduledActions", [
            self.resource | {"ScheduledActionName": name, "Schedule": schedule, "ScalableTargetAction": what,
                             "ScheduledActionARN": "arn:aws:autoscaling:eu-west-1:1:scheduledAction:" + name, "CreationTime": 1.7e9}
            for name, (schedule, what) in sorted(self.actions.items())])

    def PutScheduledAction(self, asked):
        if self.at(asked["Schedule"]) <= time.time():
            return self.refusal("ValidationException", "the time of a scheduled action has to be in the future")
        self.actions[asked["ScheduledActionName"]] = asked["Schedule"], asked["ScalableTargetAction"]
        return 200, {}

    def DeleteScheduledAction(self, asked):
        if self.actions.pop(asked["ScheduledActionName"], None) is None:
            return self.refusal("ObjectNotFoundException", "No scheduled action found")
        return 200, {}

    @staticmethod
    def at(schedule):
        return calendar.timegm(time.strptime(schedule, "at(%Y-%m-%dT%H:%M:%S)"))

    def ours(self):
        with self.lock:
            return {name: what for name, what in self.actions.items() if re.fullmatch(r"forewarm-orders-\d{3}", name)}

    def least_at(self, moment):
        """What the actions alone have made of MinCapacity until then; 0: none was due."""
        least = 0
        for schedule, what in sorted(self.ours().values(), key=lambda action: self.at(action[0])):
            least = what["MinCapacity"] if self.at(schedule) <= moment else least
        return least

    def calls(self, *operations):
        return [json.loads(body) for _, _, headers, body in self.noted("POST")
                if headers["X-Amz-Target"].removeprefix("AnyScaleFrontendService.") in operations]


class FakeService(Recorder):
    """A resource, whose requests resource() answers, and the place that gives tokens for it. Only the newest token lets in; the first is
    one that has just run out."""

    def __init__(self, path, token_path):
        self.path, self.token_path = path, token_path
        self.tokens = 0
        self.allowed = set()  # tokens of others
        super().__init__()

    def answer(self, method, path, query, headers, body):
        if path == self.token_path:
            self.tokens += 1
            return 200, {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": "3599"}
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.allowed | {f"token-{max(self.tokens, 2)}"}:
            return 401, {"error": {"code": 401, "message": "the token has run out"}}
        if path != self.path:
            return 404, {"error": {"code": 404, "message": path + " was not found"}}
        return self.resource(method, body)


class FakeCloudRun(FakeService):
    """`fails`, if set, is the error of an operation that was begun and came to nothing."""

    name = "projects/shop/locations/europe-west1/services/resize"

    def __init__(self):
        self.number = 1
        self.fails = None
        super().__init__("/v2/" + self.name, "/computeMetadata/v1/instance/service-accounts/default/token")

    def resource(self, method, body):
        if method == "PATCH" and not self.fails:
            self.number = json.loads(body)["scaling"]["minInstanceCount"]
        service = {"name": self.name, "scaling": {"minInstanceCount": self.number} if self.number else {}}
        if method == "GET":
            return 200, service
        operation = self.name.rpartition("/services/")[0] + "/operations/o-1"
        outcome = {"error": self.fails} if self.fails else {"response": {"@type": "type.googleapis.com/google.cloud.run.v2.Service"} | service}
        return 200, {"name": operation, "done": True} | outcome


class FakeAzure(FakeService):
    """The configuration of an app in a Premium plan; what a PATCH does not name stays."""

    name = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Web/sites/resize"

    def __init__(self):
        self.properties = {"minimumElasticInstanceCount": 1, "preWarmedInstanceCount": 3, "http20Enabled": True}
        super().__init__(self.name + "/config/web", "/msi/token")

    @property
    def number(self):
        return self.properties["minimumElasticInstanceCount"]

    def resource(self, method, body):
        if method == "PATCH":
            self.properties |= json.loads(body)["properties"]
        return 200, {"id": self.path, "properties": self.properties}


class FakeAzureFlex(FakeService):
    """An app in a Flex Consumption plan: read and written whole. `fails`: what is answered in place of writes; `garbled`: what
    is answered to a reading."""

    name = FakeAzure.name

    def __init__(self):
        self.site = {"id": self.name, "name": "resize", "location": "North Europe", "kind": "functionapp,linux", "tags": {"team": "shop"},
                     "identity": {"type": "SystemAssigned", "principalId": "p"},
                     "properties": {"state": "Running", "serverFarmId": "/plans/flex", "httpsOnly": True, "functionAppConfig": {
                         "deployment": {"storage": {"type": "blobContainer", "value": "https://b/c",
                                                    "authentication": {"type": "SystemAssignedIdentity"}}},
                         "runtime": {"name": "python", "version": "3.12"},
                         "scaleAndConcurrency": {"alwaysReady": [{"name": "http", "instanceCount": 2}], "maximumInstanceCount": 100,
                                                 "instanceMemoryMB": 2048, "triggers": {"http": {"perInstanceConcurrency": 16}}}}}}
        self.fails = None
        self.garbled = None
        super().__init__(self.name, "/msi/token")

    @property
    def number(self):
        scale = self.site["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        return {each["name"]: each["instanceCount"] for each in scale["alwaysReady"]}.get("function:resize", 0)

    def resource(self, method, body):
        if method == "PUT" and self.fails:
            return self.fails
        if method == "PUT":
            self.site = json.loads(body)
            return 202, self.site
        return (200, self.garbled) if self.garbled else (200, self.site)


class FakeWebhook(Recorder):
    def __init__(self):
        super().__init__()
        self.instances = 1

    def answer(self, method, path, query, headers, body):
        if method == "POST":
            self.instances = json.loads(body)["instances"]
        return 200, {"instances": self.instances}
