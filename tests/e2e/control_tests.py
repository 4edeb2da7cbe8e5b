"""What the tests of forewarm control share: the program with its log and admin port, and what it reads and tells."""

import json
import os

from fake_targets import FakeAutoScaling, FakeAzure, FakeAzureFlex, FakeCloudRun, FakeKubernetes, FakeLambda, FakePrometheus, FakeWebhook
from server_process import PROGRAM, Server, ServerTest, run

TOKEN = "a-token-of-the-cluster"


class Control(Server):
    """`forewarm control`, with its log and admin port."""

    def command(self):
        return [PROGRAM, "control", "--config", str(self.config), *self.arguments]

    def log_lines(self, message):
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("message") == message]

    def directives(self, outcome):
        return [line for line in self.log_lines("directive") if line["outcome"] == outcome]

    def queue(self):
        return self.get("/v1/plan")["queues"][0]

    def metric(self, name, *labels):
        """The value of the one series with these labels, as they are written."""
        _, text = self.http("GET", "/metrics")
        found = [line for line in text.splitlines() if line.startswith(name + "{") and all(label in line for label in labels)]
        return float(found[0].rsplit(" ", 1)[1]) if len(found) == 1 else None


class ControlTest(ServerTest):
    silent_after = "1s"

    def setUp(self):
        super().setUp()
        self.prometheus = FakePrometheus()
        self.addCleanup(self.prometheus.close)

    def kubernetes(self):
        api = FakeKubernetes(self.folder, TOKEN)
        self.addCleanup(api.close)
        (self.folder / "token").write_text(TOKEN + "\n")
        self.target = f'''
target.kind = "kubernetes"
target.url = "{api.url}"
target.namespace = "shop"
target.name = "worker"
target.token_file = "{self.folder / 'token'}"
target.ca_file = "{api.ca}"
target.timeout = "1s"
target.change_every = "100ms"
'''
        return api

    def aws_keys(self):
        (self.folder / "credentials").write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = secret\n"
                                                 "aws_session_token = session\n")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            if name in os.environ:
                self.addCleanup(os.environ.__setitem__, name, os.environ.pop(name))
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(self.folder / "credentials")
        self.addCleanup(os.environ.pop, "AWS_SHARED_CREDENTIALS_FILE")

    def aws_lambda(self):
        api = FakeLambda()
        self.addCleanup(api.close)
        self.aws_keys()
        self.target = (f'target.kind = "provisioned-concurrency"\ntarget.url = "{api.url}"\ntarget.region = "eu-west-1"\n'
                       'target.function = "resize"\ntarget.qualifier = "live"\ntarget.change_every = "100ms"\n')
        return api

    def auto_scaling(self, more=""):
        api = FakeAutoScaling()
        self.addCleanup(api.close)
        self.aws_keys()
        self.target = (f'target.kind = "application-auto-scaling"\ntarget.url = "{api.url}"\ntarget.region = "eu-west-1"\n'
                       f'target.name = "{api.resource["ResourceId"]}"\ntarget.dimension = "{api.resource["ScalableDimension"]}"\n'
                       f'target.lead = "2s"\ntarget.change_every = "100ms"\n{more}')
        return api

    def environment(self, **variables):
        """Until the test is over."""
        for name, value in variables.items():
            self.addCleanup(os.environ.__setitem__ if name in os.environ else os.environ.pop, name,
                            os.environ.get(name, ""))
            os.environ[name] = value

    def cloud_run(self):
        api = FakeCloudRun()
        self.addCleanup(api.close)
        self.environment(GCE_METADATA_HOST=api.url.removeprefix("http://"), GOOGLE_APPLICATION_CREDENTIALS="",
                         CLOUDSDK_CONFIG=str(self.folder / "none"), HOME=str(self.folder))
        self.target = (f'target.kind = "cloud-run"\ntarget.url = "{api.url}"\ntarget.name = "{api.name}"\n'
                       'target.change_every = "100ms"\n')
        return api

    def azure(self, more="", kind="azure-premium"):
        api = FakeAzure() if kind == "azure-premium" else FakeAzureFlex()
        self.addCleanup(api.close)
        self.environment(IDENTITY_ENDPOINT=api.url + "/msi/token", IDENTITY_HEADER="header", AZURE_CLIENT_ID="",
                         AZURE_TENANT_ID="", AZURE_CLIENT_SECRET="", AZURE_FEDERATED_TOKEN_FILE="")
        self.target = (f'target.kind = "{kind}"\ntarget.url = "{api.url}"\ntarget.name = "{api.name}"\n'
                       f'target.change_every = "100ms"\n{more}')
        return api

    def azure_flex(self):
        return self.azure('target.group = "function:resize"\n', "azure-flex")

    def webhook(self):
        hook = FakeWebhook()
        self.addCleanup(hook.close)
        self.target = f'target.kind = "webhook"\ntarget.url = "{hook.url}/set"\ntarget.read_url = "{hook.url}/get"\n'
        return hook

    def write_config(self, delay="1m", backfill="0s", more=""):
        path = self.folder / "control.toml"
        path.write_text(f'''
data = "{self.folder / 'data'}"
admin = "127.0.0.1:0"
every = "100ms"
forecast.step = "1s"
{more}
[[control]]
queue = "orders"
silent_after = "{self.silent_after}"
service_time = "500ms"
scale_down_delay = "{delay}"
metrics.url = "{self.prometheus.url}"
metrics.timeout = "1s"
metrics.waiting = "waiting"
metrics.in_flight = "in_flight"
metrics.arrived_total = "arrived_total"
metrics.done_total = "done_total"
metrics.backfill = "{backfill}"
scaling.instances_max = 30
scaling.objective = "1s"
''' + self.target)
        return path

    def control(self, *arguments, **config):
        control = Control(self.folder, *arguments, config=self.write_config(**config))
        self.servers.append(control)
        return control

    def copy(self, name, more, **config):
        """A copy of the program with a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        config_file = folder / "control.toml"
        text = self.write_config(more=more, **config).read_text()
        config_file.write_text(text.replace(str(self.folder / "data"), str(folder / "data")))
        control = Control(folder, "--apply", config=config_file)
        self.servers.append(control)
        return control

    def command(self, *arguments):
        return run("control", *arguments, "--config", self.folder / "control.toml")
