"""forewarm control against a fake Prometheus API, a fake Kubernetes API over TLS with a token, webhooks, and once the real Prometheus.

The fakes answer at once and fail when told to; real Prometheus is Debian's, and its test says so loudly where it is missing.
"""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import unittest

from fake_targets import FakeKubernetes, FakePrometheus, FakeWebhook, Recorder
from server_process import PATIENCE_SECONDS, PROGRAM, Server, ServerTest, run, wait_for

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
silent_after = "1s"
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

    def command(self, *arguments):
        return run("control", *arguments, "--config", self.folder / "control.toml")


class ShadowTest(ControlTest):
    def test_without_apply_the_target_is_only_read_and_what_would_be_sent_is_said(self):
        api = self.kubernetes()
        control = self.control().start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(300)
        order = wait_for(lambda: control.queue()["order"], "there is something to send")
        self.assertGreater(order["instances"], 2)
        self.assertEqual(order["request"], f"PATCH {api.url}{api.path}?fieldManager=forewarm "
                                           f'{{"spec":{{"replicas":{order["instances"]}}}}}')
        self.assertEqual(wait_for(lambda: control.directives("recommended"), "it is logged")[0]["before"], "2")
        self.assertEqual(control.stop(), 0)
        self.assertEqual({request[0] for request in api.requests}, {"GET"})
        explained = run("explain", "orders", "--data", self.folder / "data")
        self.assertIn("Would set", explained.stdout, explained.stderr)

    def test_once_prints_the_plan_and_ends(self):
        hook = self.webhook()
        self.prometheus.backlog(300)
        self.write_config()
        done = self.command("--once", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        queue = json.loads(done.stdout)["queues"][0]
        self.assertEqual((queue["queue"], queue["set"], queue["apply"]), ("orders", 1, False))
        self.assertGreater(queue["order"]["instances"], 1)
        self.assertEqual(hook.noted("POST"), [])
        self.prometheus.down = True
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("503", done.stdout)

    def test_a_configuration_that_is_wrong_is_named_with_its_place(self):
        self.target = 'target.kind = "kubernets"\n'
        self.write_config()
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("control.toml:7:", done.stderr)
        self.assertIn("Did you mean kubernetes?", done.stderr)


class ApplyTest(ControlTest):
    def test_a_backlog_is_staffed_by_a_merge_patch_with_the_token_and_said_once(self):
        api = self.kubernetes()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.replicas == 30, "the target has the most that is allowed")
        wait_for(lambda: control.queue()["set"] == 30, "it is read back")
        patches = api.noted("PATCH")
        method, path, headers, body = patches[-1]
        self.assertEqual(path, api.path + "?fieldManager=forewarm")
        self.assertEqual(body, '{"spec":{"replicas":30}}')
        self.assertEqual(headers["Authorization"], "Bearer " + TOKEN)
        seen = control.metric("forewarm_control_readings_total", 'result="succeeded"')
        wait_for(lambda: control.metric("forewarm_control_readings_total", 'result="succeeded"') > seen + 5, "rounds go by")
        self.assertEqual(len(api.noted("PATCH")), len(patches), "what is equal is not sent")
        self.assertEqual(control.metric("forewarm_control_directives_total", 'outcome="sent"'), len(patches))
        self.assertEqual(len(control.directives("sent")), len(patches))
        self.assertEqual(control.stop(), 0)
        self.assertIn("PATCH", run("explain", "orders", "--data", self.folder / "data").stdout)

    def test_a_lost_metric_source_takes_nothing_away_and_one_that_is_back_is_believed(self):
        api = self.kubernetes()
        api.replicas = 20
        control = self.control("--apply", delay="2s").start()
        wait_for(lambda: control.queue()["set"] == 20, "the target is read")
        self.prometheus.down = True
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed")
        failed = control.metric("forewarm_control_readings_total", 'result="failed"')
        before = len(api.noted("PATCH"))
        least = api.replicas
        wait_for(lambda: control.metric("forewarm_control_readings_total", 'result="failed"') > failed + 20, "time goes by")
        self.assertEqual(api.replicas, least)
        self.assertEqual(len(api.noted("PATCH")), before)
        self.assertIn("503", control.queue()["reading_problem"])
        self.prometheus.down = False
        wait_for(lambda: api.replicas < least, "fewer are set again")
        self.assertEqual(len(control.log_lines("the queue's readings are back")), 1)

    def test_a_number_that_is_missing_is_no_zero(self):
        api = self.kubernetes()
        api.replicas = 20
        del self.prometheus.values["waiting"]
        control = self.control("--apply", delay="0s").start()
        wait_for(lambda: (control.metric("forewarm_control_readings_total", 'result="failed"') or 0) > 15, "rounds go by")
        self.assertEqual(api.replicas, 20)
        self.assertIn("metrics.waiting: the query gives no series", control.queue()["reading_problem"])

    def test_a_directive_that_is_refused_is_counted_said_and_sent_again(self):
        api = self.kubernetes()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        api.fails = 403, {"kind": "Status", "message": 'cannot patch resource "deployments/scale"', "code": 403}
        self.prometheus.backlog(3000)
        refused = wait_for(lambda: control.directives("refused"), "it is refused")[0]
        self.assertIn('cannot patch resource "deployments/scale"', refused["answer"])
        self.assertEqual(refused["level"], "warning")
        self.assertEqual(api.replicas, 2)
        api.fails = 500, "boom"
        wait_for(lambda: len(control.directives("refused")) >= 2, "it is tried again")
        self.assertIn("status 500: boom", control.queue()["refusal"])
        self.assertGreaterEqual(control.metric("forewarm_control_directives_refused_in_row"), 2)
        api.fails = None
        wait_for(lambda: api.replicas == 30, "it is taken")
        wait_for(lambda: control.metric("forewarm_control_directives_refused_in_row") == 0, "and that is known")
        self.assertLess(control.metric("forewarm_control_directives_total", 'outcome="refused"'), 10, "it waits between")

    def test_an_expired_token_and_an_api_that_hangs_change_nothing(self):
        api = self.kubernetes()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        api.token = "the-next-token"
        wait_for(lambda: "401" in control.queue()["target_problem"], "the refusal is said")
        self.prometheus.backlog(3000)
        failed = control.metric("forewarm_control_target_reading_failures_total")
        wait_for(lambda: control.metric("forewarm_control_target_reading_failures_total") > failed + 5, "rounds go by")
        self.assertEqual(api.noted("PATCH"), [])
        api.fails = None, 3
        (self.folder / "token").write_text(api.token)
        refused = wait_for(lambda: control.directives("refused"), "nobody answers")[0]
        self.assertRegex(refused["answer"], "cannot be reached|timed out")
        api.fails = None
        wait_for(lambda: api.replicas == 30, "the new token is used without a restart")

    def test_rollback_puts_back_what_was_found_before_the_first_directive(self):
        api = self.kubernetes()
        api.replicas = 3
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 3, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.replicas == 30, "it is changed")
        busy = self.command("rollback")
        self.assertEqual(busy.returncode, 1)
        self.assertIn("Stop control first", busy.stderr)
        control.stop()
        control = self.control("--apply").start()  # a restart forgets nothing of it
        wait_for(lambda: control.queue()["set"] == 30, "the target is read")
        control.stop()
        done = self.command("rollback")
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 3, as found\n"), done.stderr)
        self.assertEqual(api.replicas, 3)
        self.assertIn("Put back what was found", run("explain", "orders", "--data", self.folder / "data").stdout)
        self.assertIn("nothing was ever changed", self.command("rollback").stderr)

    def test_a_webhook_gets_the_number_and_its_refusal_is_said(self):
        hook = self.webhook()
        hook.status = 200
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 1, "it is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: hook.instances == 30, "it is told")
        self.assertEqual(json.loads(hook.noted("POST")[-1][3]), {"schema": 1, "queue": "orders", "instances": 30})


class HistoryTest(ControlTest):
    def arrivals(self):
        """Intervals that history.db has."""
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'history.db'}?mode=ro", uri=True)
        try:
            table = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if "queue" in name][0]
            return database.execute(f"SELECT count(*) FROM {table} WHERE arrivals > 0").fetchone()[0]
        finally:
            database.close()

    def test_a_restart_forgets_no_interval(self):
        self.webhook()
        control = self.control().start()

        def five_steps():
            self.prometheus.flow(7)
            return control.metric("forewarm_control_readings_total", 'result="succeeded"') > 60

        wait_for(five_steps, "some steps are over")
        control.stop()
        kept = self.arrivals()
        self.assertGreaterEqual(kept, 3)
        control.start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        self.assertGreaterEqual(back[-1]["steps"], kept)

    def test_the_past_is_asked_of_prometheus_at_the_start(self):
        self.webhook()
        self.prometheus.past_rate = 3
        control = self.control(backfill="1h").start()
        back = wait_for(lambda: control.log_lines("history is back"), "the history is read")
        self.assertGreaterEqual(back[0]["steps"], 590)
        self.assertGreaterEqual(self.arrivals(), 580)
        wait_for(lambda: control.metric("forewarm_control_forecast_messages", 'level="0.5"'), "there is a forecast at once")
        self.assertEqual(control.http("GET", "/readyz")[0], 200)

    def test_a_prometheus_that_is_away_at_the_start_is_no_end(self):
        api = self.kubernetes()
        self.prometheus.down = True
        control = self.control("--apply").start()
        wait_for(lambda: control.http("GET", "/readyz")[0] == 200, "it goes on")
        wait_for(lambda: control.queue()["reading_problem"], "the failure is said")
        self.assertEqual(api.noted("PATCH"), [])


def fetched(control):
    """What KEDA would get."""
    status, text = control.http("GET", "/v1/keda/orders")
    return status, json.loads(text)


class KedaTest(ControlTest):
    def setUp(self):
        super().setUp()
        self.target = 'target.kind = "keda"\ntarget.name = "worker"\ntarget.namespace = "shop"\ntarget.change_every = "100ms"\n'

    def test_keda_fetches_the_number_and_gets_the_same_after_a_restart(self):
        control = self.control(delay="1s").start()
        wait_for(lambda: control.queue()["instances"] is not None, "it plans")
        self.assertEqual(control.http("GET", "/v1/keda/orders")[0], 503, "in shadow mode there is none")
        control.stop()
        control = self.control("--apply", delay="1s").start()
        self.prometheus.backlog(3000)
        wait_for(lambda: fetched(control) == (200, {"value": 30}), "the number is there")
        self.assertEqual(control.http("GET", "/v1/keda/other")[0], 404)
        control.stop()
        self.prometheus.down = True
        control.start()
        self.assertEqual(fetched(control), (200, {"value": 30}))

    def test_the_scaled_object_is_printed(self):
        self.write_config()
        done = self.command("keda", "orders")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("kind: ScaledObject", done.stdout)
        self.assertIn('namespace: "shop"', done.stdout)
        self.assertIn("maxReplicaCount: 30", done.stdout)
        self.assertIn("there is no [[control]] 'other'", self.command("keda", "other").stderr)


class RealPrometheusTest(ControlTest):
    def test_the_real_prometheus_is_read_and_its_past_is_taken_over(self):
        program = shutil.which("prometheus")
        self.assertIsNotNone(program, "the Debian package prometheus is missing: apt-get install prometheus")
        hook = self.webhook()

        class Exporter(Recorder):
            waiting, arrived = 0, 100_000

            def answer(self, *_):
                Exporter.arrived += 40
                return 200, (f"# TYPE jobs_waiting gauge\njobs_waiting {self.waiting}\n# TYPE jobs_arrived_total counter\n"
                             f"jobs_arrived_total {self.arrived}\n")

        exporter = Exporter()
        self.addCleanup(exporter.close)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.folder / "prometheus.yml").write_text(
            "scrape_configs:\n  - job_name: jobs\n    scrape_interval: 1s\n    static_configs:\n"
            f"      - targets: ['{exporter.url.removeprefix('http://')}']\n")
        process = subprocess.Popen([program, f"--config.file={self.folder / 'prometheus.yml'}",
                                    f"--storage.tsdb.path={self.folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, PATIENCE_SECONDS)
        self.addCleanup(process.terminate)
        path = self.write_config(backfill="1h")
        text = path.read_text().replace(self.prometheus.url, f"http://127.0.0.1:{port}")
        for query, real in (("waiting", "sum(jobs_waiting)"), ("arrived_total", "sum(jobs_arrived_total)"),
                            ("done_total", "sum(jobs_arrived_total) - sum(jobs_waiting)")):
            text = text.replace(f'metrics.{query} = "{query}"', f'metrics.{query} = "{real}"')
        path.write_text(text.replace('metrics.in_flight = "in_flight"\n', ""))
        wait_for(lambda: len(exporter.requests) > 3, "Prometheus scrapes")
        control = Control(self.folder, "--apply", config=path)
        self.servers.append(control)
        control.start()
        back = wait_for(lambda: control.log_lines("history is back"), "its past is taken over")
        self.assertGreaterEqual(back[0]["steps"], 2)
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 0, "it is read")
        Exporter.waiting = 2000
        wait_for(lambda: hook.instances == 30, "what waits is staffed")
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed")
        self.assertEqual(hook.instances, 30)
        checked = subprocess.run(["promtool", "check", "metrics"], input=control.http("GET", "/metrics")[1], text=True,
                                 capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr + checked.stdout)


if __name__ == "__main__":
    unittest.main()
