"""Each of the six failures at each source of metrics that forewarm control has: what is not known is no zero and takes nothing
away, it is said, and readings come back by themselves.

The systems are watched side by side, each by a control of its own. Names as arguments choose some of them.
"""

import concurrent.futures
import json
import pathlib
import re
import sys
import tempfile
import time
import unittest

from control_tests import Control
from fake_metrics import FakeAzureMonitor, FakeCloudMonitoring, FakeCloudWatch, QueueMinutes
from fake_targets import FakePrometheus, FakeWebhook
from faults import FAULTS, FaultyLink
from loopback_recorder import Recorder, bare_environment
from server_process import wait_for

NEVER = "2090-01-01T00:00:00Z"


class Prometheus:
    """Its token is in a file, which somebody writes anew."""

    said = {"throttled": "answered with status 429: slow down", "server_error": "answered with status 500: boom", "timeout": "timed out after 1", "malformed": "expected",
            "half_open": "timed out after 1", "expired": "is the token or the key right, and not expired?"}
    words = {}
    asks = False  # a token that somebody else has written anew is not tried in its old form

    def __init__(self, folder):
        self.server = FakePrometheus()
        self.upstream = self.server.url
        self.environment = bare_environment()
        self.token_file = folder / "token"
        self.given = 1
        self.token_file.write_text("token-1\n")
        names = "".join(f'metrics.{name} = "{name}"\n' for name in ("waiting", "in_flight", "arrived_total", "done_total"))
        self.configuration = f'metrics.kind = "prometheus"\nmetrics.bearer_token_file = "{self.token_file}"\n{names}'

    def fetch(self):
        """Somebody has written it anew, and the next reading has it."""
        self.given += 1
        self.token_file.write_text(f"token-{self.given}\n")
        wait_for(lambda: self.server.noted("GET")[-1][2]["Authorization"] == f"Bearer token-{self.given}", "the file is read again")

    def tell(self, waiting):
        self.server.backlog(waiting - self.server.values["waiting"])

    def close(self):
        self.server.close()


class Cloud:
    """One that gives whoever asks for them keys or tokens, a new one each time."""

    MORE = ""
    asks = True

    def __init__(self, folder):
        # Each minute that is told comes before now.
        self.minutes = QueueMinutes(minutes_old=3 + 2 * len(FAULTS))
        self.minutes.fill_past(3)
        self.server = Recorder(self.FAKE(self.minutes))
        self.upstream = self.server.url
        self.given = 0
        self.keys = Recorder(self.give)
        self.environment = bare_environment(HOME=str(folder), CLOUDSDK_CONFIG=str(folder), **self.where(self.keys))
        self.configuration = f'metrics.kind = "{self.KIND}"\nmetrics.every = "100ms"\nmetrics.lag = "20m"\n{self.MORE}'

    def give(self, _):
        self.given += 1
        return 200, json.dumps(self.key())

    def fetch(self):
        """Nobody but the program itself."""

    def tell(self, waiting):
        self.minutes.tell(waiting=waiting, arrived=waiting, done=1)

    def close(self):
        self.server.close()
        self.keys.close()


class CloudWatch(Cloud):
    FAKE, KIND = FakeCloudWatch, "cloudwatch"
    said = {"throttled": "Rate exceeded", "server_error": "status 500", "timeout": "timed out after 1", "malformed": "GetMetricData: expected",
            "half_open": "timed out after 1", "expired": "ExpiredTokenException"}
    words = {"throttled": (*FakeCloudWatch.refusal("ThrottlingException", "Rate exceeded"), {}),
             "expired": (*FakeCloudWatch.refusal("ExpiredTokenException", "The security token included in the request is expired"), {})}

    @staticmethod
    def where(keys):
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": keys.url + "/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}

    def key(self):
        return {"AccessKeyId": f"AKID{self.given}", "SecretAccessKey": "s", "Token": "t", "Expiration": NEVER}


class AzureMonitor(Cloud):
    FAKE, KIND = FakeAzureMonitor, "azure-monitor"
    MORE = f'metrics.resource = "{FakeAzureMonitor.RESOURCE}"\n'
    said = {"throttled": "Too many requests", "server_error": "status 503", "timeout": "timed out after 1", "malformed": "Azure Monitor: expected",
            "half_open": "timed out after 1", "expired": "is the token or the key right, and not expired?"}
    words = {"throttled": (*FakeAzureMonitor.refusal(429, "TooManyRequests", "Too many requests"), {}), "server_error": (503, "oops", {}),
             "expired": (*FakeAzureMonitor.refusal(401, "ExpiredAuthenticationToken", "The access token expiry is over"), {})}

    @staticmethod
    def where(keys):
        return {"IDENTITY_ENDPOINT": keys.url + "/msi/token", "IDENTITY_HEADER": "header"}

    def key(self):
        return {"access_token": f"token-{self.given}", "expires_on": str(int(time.time()) + 86400), "token_type": "Bearer"}


class CloudMonitoring(Cloud):
    FAKE, KIND = FakeCloudMonitoring, "cloud-monitoring"
    MORE = 'metrics.project = "p"\nmetrics.topic = "shop"\n'
    said = {"throttled": "Quota exceeded", "server_error": "status 503", "timeout": "timed out after 1", "malformed": "Cloud Monitoring: expected",
            "half_open": "timed out after 1", "expired": "is the token or the key right, and not expired?"}
    words = {"throttled": (*FakeCloudMonitoring.refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), {}), "server_error": (503, "oops", {}),
             "expired": (*FakeCloudMonitoring.refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials"), {})}

    @staticmethod
    def where(keys):
        return {"GCE_METADATA_HOST": keys.address}

    def key(self):
        return {"access_token": f"token-{self.given}", "expires_in": 86400, "token_type": "Bearer"}


SYSTEMS = {"prometheus": Prometheus, "cloudwatch": CloudWatch, "azure_monitor": AzureMonitor, "cloud_monitoring": CloudMonitoring}


class Watch:
    """A control that sees one queue by one system, through a link, and scales a webhook: by all that waits, down at once."""

    def __init__(self, folder, system):
        self.system = system
        self.link = FaultyLink(system.upstream, system.words)
        self.hook = FakeWebhook()
        config = folder / "control.toml"
        config.write_text(f'''
data = "{folder / 'data'}"
admin = "127.0.0.1:0"
every = "100ms"
forecast.step = "1m"
[[control]]
queue = "orders"
silent_after = "1m"
service_time = "500ms"
scale_down_delay = "100ms"
scaling.instances_max = 30
scaling.objective = "1s"
metrics.url = "{self.link.url}"
metrics.timeout = "1s"
{system.configuration}
target.kind = "webhook"
target.url = "{self.hook.url}/set"
target.read_url = "{self.hook.url}/get"
''')
        self.control = Control(folder, "--apply", config=config)
        self.control.environment = system.environment
        self.waiting = 300

    def start(self):
        self.system.tell(self.waiting)
        self.control.start()
        wait_for(self.is_read, "it is read")
        wait_for(lambda: self.hook.instances == 30, "what waits is staffed")

    def is_read(self):
        return self.control.metric("forewarm_control_messages", 'state="waiting"') == self.waiting

    def failed(self):
        return self.control.metric("forewarm_control_readings_total", 'result="failed"') or 0

    def survive(self, fault):
        if fault == "expired":
            self.renew()
        failed, told, met, begun = self.failed(), len(self.hook.noted("POST")), len(self.link.met), time.monotonic()
        self.link.fault = fault
        said = self.wait_said(self.system.said[fault])
        wait_for(lambda: self.failed() > failed, "it is counted")
        self.check_rate(len(self.link.met) - met, time.monotonic() - begun)
        # What is not known is neither none nor less.
        assert (self.is_read(), self.hook.instances, len(self.hook.noted("POST"))) == (True, 30, told), (said, self.hook.requests)
        assert "token-" not in said and "AKID" not in said, said
        self.link.fault = None
        self.go_on()
        return said

    def wait_said(self, words):
        said = []
        try:
            wait_for(lambda: said.append(self.control.queue()["reading_problem"]) or words in said[-1], words)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the problem is '{said[-1]}'") from None
        return said[-1]

    @staticmethod
    def check_rate(asked, seconds):
        # At most one reading in 100 ms, of four questions at Prometheus.
        assert asked <= 10 + 50 * seconds, (asked, seconds)

    def renew(self):
        """What is held is refused and another one would not be: it is fetched, and nobody need be told."""
        old, failed, met = re.compile(f"(token-|AKID){self.system.given}(?![0-9])"), self.failed(), len(self.link.met)
        self.system.fetch()
        self.link.meets = lambda request: old.search(request["headers"].get("authorization", ""))
        self.link.fault = "expired"
        self.go_on()
        self.link.fault = None
        self.link.meets = lambda _: True
        assert (self.failed(), len(self.link.met) > met) == (failed, self.system.asks), self.link.met

    def go_on(self):
        self.waiting += 100
        self.system.tell(self.waiting)
        wait_for(self.is_read, "it is read again")
        wait_for(lambda: self.control.queue()["reading_problem"] == "", "there is no problem any more")

    def close(self):
        self.control.end()
        self.link.close()
        self.hook.close()
        self.system.close()


def chosen():
    asked = [name for name in sys.argv[1:] if not name.startswith("-")]
    return [name for name in SYSTEMS if not asked or any(part in name for part in asked)]


class ControlFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="forewarm-control-faults-")
        cls.addClassCleanup(folder.cleanup)
        pool = concurrent.futures.ThreadPoolExecutor(len(SYSTEMS))
        cls.addClassCleanup(pool.shutdown)
        cls.watched = {name: pool.submit(cls.watch, pathlib.Path(folder.name) / name, SYSTEMS[name]) for name in chosen()}

    @staticmethod
    def watch(folder, system):
        """What came of each fault, one after another: an error, or what was said."""
        folder.mkdir()
        watch = Watch(folder, system(folder))
        came = {}
        try:
            watch.start()
            for fault in FAULTS:
                try:
                    came[fault] = watch.survive(fault)
                except AssertionError as failure:
                    came[fault] = failure
                    break
        finally:
            watch.close()
        return came


def test_of(name, fault):
    def test(self):
        came = self.watched[name].result()
        if fault not in came:
            self.skipTest("a fault before it was not survived")
        if isinstance(came[fault], Exception):
            raise came[fault]
    return test


for each in chosen():
    for one in FAULTS:
        setattr(ControlFaults, f"test_{each}_{one}", test_of(each, one))

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *(one for one in sys.argv[1:] if one.startswith("-"))])
