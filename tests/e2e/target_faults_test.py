"""forewarm control --apply, all its targets at once, through the six failures: what is refused is said, wanted still and sent again
after a while; what was done though nobody said so is read back and not done twice; the rollback puts back what was found."""

import json
import ssl
import unittest

from control_tests import TOKEN, Control, ControlTest
from fake_targets import FakeAutoScaling, FakeAzure, FakeAzureFlex, FakeCloudRun, FakeKubernetes, FakeLambda, FakeWebhook
from faults import FaultyLink
from loopback_recorder import Recorder, bare_environment
from server_process import run, wait_for


class Anyone(set):
    """Whichever token is shown, it is one of these."""

    def __or__(self, _):
        return self

    def __contains__(self, _):
        return True


class Target:
    """A target behind a link: its lines of the configuration, its number, and which requests change it."""

    number_name = "number"
    words = {}
    secret = None  # where it reads its token; else one is issued

    def __init__(self, api):
        self.api = api
        if hasattr(api, "allowed"):
            api.allowed = Anyone()
        self.link = FaultyLink(api.url, self.words)

    @property
    def number(self):
        return getattr(self.api, self.number_name)

    @number.setter
    def number(self, number):
        setattr(self.api, self.number_name, number)

    def writes(self, request):
        return request["method"] != "GET"

    def lines(self):
        return [f'target.{key} = "{value}"' for key, value in ({"kind": self.kind, "url": self.link.url} | self.settings()).items()]

    def shown(self, request):
        """What lets it in."""
        return request["headers"].get("x-amz-security-token") or request["headers"].get("authorization", "").removeprefix("Bearer ")

    def close(self):
        self.link.close()
        self.api.close()


class Kubernetes(Target):
    kind, number_name = "kubernetes", "replicas"
    words = {"throttled": (429, json.dumps({"kind": "Status", "message": "slow down"}), {})}

    def __init__(self, folder):
        self.secret = folder / "cluster-token"
        self.secret.write_text(TOKEN)
        self.api = FakeKubernetes(folder, TOKEN)
        self.api.tokens = {"secret-fresh"}
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(self.api.ca, folder / "api.key")
        self.link = FaultyLink(self.api.url, self.words, served, ssl.create_default_context(cafile=self.api.ca))

    def settings(self):
        return {"namespace": "shop", "name": "worker", "token_file": self.secret, "ca_file": self.api.ca}


class Lambda(Target):
    kind, number_name = "provisioned-concurrency", "provisioned"
    words = {"expired": (403, json.dumps({"message": "the token has expired"}), {"x-amzn-ErrorType": "ExpiredTokenException"}),
             "throttled": (429, json.dumps({"message": "slow down"}), {"x-amzn-ErrorType": "TooManyRequestsException"})}

    def settings(self):
        return {"region": "eu-west-1", "function": "resize", "qualifier": "live"}


class AutoScaling(Target):
    kind, number_name = "application-auto-scaling", "least"
    words = {"expired": (400, json.dumps({"__type": "ExpiredTokenException", "message": "the token has expired"}), {}),
             "throttled": (400, json.dumps({"__type": "ThrottlingException", "message": "slow down"}), {})}

    def settings(self):
        resource = self.api.resource
        return {"region": "eu-west-1", "name": resource["ResourceId"], "dimension": resource["ScalableDimension"], "lead": "2s"}

    def writes(self, request):
        return request["headers"]["x-amz-target"].endswith(".RegisterScalableTarget")


class CloudRun(Target):
    kind = "cloud-run"

    def settings(self):
        return {"name": self.api.name}


class AzurePremium(Target):
    kind = "azure-premium"

    def settings(self):
        return {"name": self.api.name}

    @property
    def number(self):
        return self.api.number

    @number.setter
    def number(self, number):
        self.api.properties["minimumElasticInstanceCount"] = number


class AzureFlex(AzurePremium):
    kind = "azure-flex"

    def settings(self):
        return {"name": self.api.name, "group": "function:resize"}

    @AzurePremium.number.setter
    def number(self, number):
        scale = self.api.site["properties"]["functionAppConfig"]["scaleAndConcurrency"]
        scale["alwaysReady"] = [{"name": "http", "instanceCount": 2}, {"name": "function:resize", "instanceCount": number}]


class Webhook(Target):
    kind, number_name = "webhook", "instances"

    def __init__(self, folder):
        super().__init__(FakeWebhook())
        self.secret = folder / "webhook-token"
        self.secret.write_text("secret-of-the-hook")

    def settings(self):
        return {"url": self.link.url + "/set", "read_url": self.link.url + "/get", "token_file": self.secret}


class OtherFunction(FakeAutoScaling):
    resource = FakeAutoScaling.resource | {"ResourceId": "function:thumbnail:live"}


class TargetFaults(ControlTest):
    def issuers(self):
        """Each token is another one."""
        self.issued = []

        def issue(_):
            self.issued.append(f"secret-{len(self.issued)}")
            return 200, json.dumps({"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": self.issued[-1], "access_token":
                                    self.issued[-1], "token_type": "Bearer", "expires_in": "3599", "Expiration": "2090-01-01T00:00:00Z"})

        issuer = Recorder(issue)
        self.addCleanup(issuer.close)
        return bare_environment(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=issuer.url + "/role", GCE_METADATA_HOST=issuer.address, IDENTITY_HEADER="header",
            IDENTITY_ENDPOINT=issuer.url + "/msi/token")

    def setUp(self):
        super().setUp()
        self.targets = {target.kind: target for target in (
            Kubernetes(self.folder), Lambda(FakeLambda()), AutoScaling(OtherFunction()), CloudRun(FakeCloudRun()),
            AzurePremium(FakeAzure()), AzureFlex(FakeAzureFlex()), Webhook(self.folder))}
        for target in self.targets.values():
            self.addCleanup(target.close)
        text = f'data = "{self.folder / "data"}"\nadmin = "127.0.0.1:0"\nevery = "100ms"\nforecast.step = "1s"\n'
        for kind, target in self.targets.items():
            text += "\n".join([
                f'[[control]]\nqueue = "{kind}"\nservice_time = "500ms"\nscale_down_delay = "10m"\nmetrics.url = "{self.prometheus.url}"',
                'metrics.waiting = "waiting"\nmetrics.arrived_total = "arrived_total"\nmetrics.done_total = "done_total"',
                'metrics.backfill = "0s"\nscaling.instances_max = 30\nscaling.objective = "1s"\ntarget.timeout = "1s"',
                'target.change_every = "100ms"\n' + "\n".join(target.lines()) + "\n"])
        path = self.folder / "control.toml"
        path.write_text(text)
        self.environment = self.issuers()
        self.server = Control(self.folder, "--apply", config=path)
        self.server.environment = self.environment
        self.servers.append(self.server)

    def plan(self, kind):
        return next(queue for queue in self.server.get("/v1/plan")["queues"] if queue["queue"] == kind)

    def refusals(self, kind):
        return [line["answer"] for line in self.server.directives("refused") if line["queue"] == kind]

    def each(self, check, what):
        """Once it holds of each target."""
        for kind, target in self.targets.items():
            wait_for(lambda: check(kind, target), f"{kind}: {what}")

    def disturb(self, number, fault, writes_alone=True):
        """Somebody else sets another number, and there is a fault in the way of setting it right."""
        for target in self.targets.values():
            target.link.meets = target.writes if writes_alone else lambda _: True
            target.link.fail(fault)
        for target in self.targets.values():
            target.number = number

    def heal(self):
        for target in self.targets.values():
            target.link.fail(None)
        self.each(lambda kind, target: target.number == 30 and self.plan(kind)["set"] == 30, "it is set and read")

    def assert_waits_between(self, target):
        """A second and two, a quarter less at most by chance."""
        self.assertGreater(target.link.met[2]["at"] - target.link.met[0]["at"], 2.2)

    def refused(self, fault, number, said):
        self.disturb(number, fault)
        before = {kind: len(self.refusals(kind)) for kind in self.targets}
        for kind, target in self.targets.items():
            with self.subTest(target=kind, fault=fault):
                target.link.wait_met(3)
                wait_for(lambda: len(self.refusals(kind)) >= before[kind] + 2, "each is counted")
                self.assertRegex(self.refusals(kind)[-1], said)
                self.assertRegex(self.plan(kind)["refusal"], said)
                self.assertEqual((target.number, self.plan(kind)["set"]), (number, number), "what is there is unchanged")
                self.assert_waits_between(target)
        self.heal()

    def test_each_target_through_each_failure_and_back(self):
        self.server.start()
        found = {kind: target.number for kind, target in self.targets.items()}
        self.each(lambda kind, _: self.plan(kind)["set"] == found[kind], "it is read")
        self.prometheus.backlog(3000)
        self.each(lambda _, target: target.number == 30, "it is set")
        self.assertEqual(len(self.issued), 5, "a token is kept")
        self.refused("throttled", 4, "slow down")
        self.refused("server_error", 5, "status 500.*boom")
        self.refused("half_open", 6, "tim(ed|e) ?out")
        self.through_time_out()
        self.through_half_answers()
        self.through_tokens_that_ran_out()
        self.assertEqual(self.server.stop(), 0)
        self.roll_back(found)
        for text in (self.server.log.read_text(), *(path.read_text() for path in (self.folder / "data").rglob("*.json*"))):
            self.assertNotRegex(text, f"secret-|{TOKEN}")

    def assert_done_once(self, kind, target):
        target.link.wait_met()
        asked = len(target.api.requests)
        wait_for(lambda: len(target.api.requests) > asked + 10 and self.plan(kind)["set"] == 30, f"{kind}: what was done is read back")
        self.assertEqual((target.number, len(target.link.met)), (30, 1), "it is not done twice")

    def through_time_out(self):
        self.disturb(7, "timeout")
        for kind, target in self.targets.items():
            with self.subTest(target=kind, fault="timeout"):
                self.assert_done_once(kind, target)
                self.assertRegex(self.refusals(kind)[-1], "tim(ed|e) ?out")
        self.heal()

    def through_half_answers(self):
        self.disturb(8, "malformed")
        for kind, target in self.targets.items():
            with self.subTest(target=kind, fault="malformed"):
                self.assert_done_once(kind, target)
        self.disturb(9, "malformed", writes_alone=False)
        for kind, target in self.targets.items():
            with self.subTest(target=kind, fault="malformed readings"):
                problem = wait_for(lambda: self.plan(kind)["target_problem"], "half an answer is none")
                self.assertRegex(problem, "expected|names no request")
                target.link.wait_met(10)
                self.assertFalse([request for request in target.link.met[3:] if target.writes(request)], "nothing is told on it")
                self.assertEqual(self.plan(kind)["set"], 30, "what was known last is known")
        self.heal()

    def through_tokens_that_ran_out(self):
        for kind, target in self.targets.items():
            stale = {target.secret.read_text()} if target.secret else set(self.issued)
            target.link.meets = lambda request, target=target, stale=stale: target.shown(request) in stale
            target.link.fail("expired")
            target.number = 10
        for kind, target in self.targets.items():
            with self.subTest(target=kind, fault="expired"):
                target.link.wait_met()
                if target.secret:
                    wait_for(lambda: "token has expired" in self.plan(kind)["target_problem"], "it is said")
                    self.assertEqual(target.number, 10)
                    target.secret.write_text("secret-fresh")
                wait_for(lambda: target.number == 30 and self.plan(kind)["set"] == 30, "it is set with another token")
                if not target.secret:
                    self.assertLess(len(target.link.met), 4, "it is had anew at once")
        self.assertEqual(len(self.issued), 10, "one more each")
        self.heal()

    def roll_back(self, found):
        config = self.folder / "control.toml"

        def rollback():
            kept = {name: value for name, value in self.environment.items() if not name.startswith("FOREWARM_")}
            return run("control", "rollback", "--config", config, environment=kept)

        for target in self.targets.values():
            target.link.meets = target.writes
            target.link.fail("server_error")
        done = rollback()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for kind, target in self.targets.items():
            self.assertRegex(done.stdout + done.stderr, f"{kind}.*status 500")
            self.assertEqual(target.number, 30)
            target.link.fail(None)
        done = rollback()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual({kind: target.number for kind, target in self.targets.items()}, found)


if __name__ == "__main__":
    unittest.main()
