"""forewarm control --apply against a Kubernetes API over TLS with a token, and a webhook: what is sent, refused, put back."""

import json
import unittest

from control_tests import TOKEN, ControlTest
from server_process import run, wait_for


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

    def test_provisioned_concurrency_is_put_and_deleted_again_by_the_rollback(self):
        api = self.aws_lambda()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 0, "nothing is provisioned")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.provisioned == 30, "it is provisioned")
        self.assertEqual(api.noted("PUT")[-1][3], '{"ProvisionedConcurrentExecutions":30}')
        wait_for(lambda: control.metric("forewarm_control_instances", 'state="ready"') == 30, "what is available is read")
        control.stop()
        self.assertEqual(self.command("rollback").returncode, 0)
        self.assertEqual(api.provisioned, 0)
        self.assertEqual(len(api.noted("DELETE")), 1)

    def set_and_put_back(self, api, body):
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 1, "it is read")
        self.assertEqual(api.tokens, 2, "the first token was refused, and another one had")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.number == 30, "it is set")
        self.assertEqual(json.loads(api.noted("PATCH")[-1][3]), body)
        control.stop()
        self.assertEqual(self.command("rollback").returncode, 0)
        self.assertEqual(api.number, 1)

    def test_minimum_instances_of_cloud_run_are_set_and_put_back(self):
        self.set_and_put_back(self.cloud_run(), {"scaling": {"minInstanceCount": 30}})

    def test_always_ready_instances_of_an_azure_app_are_set_and_put_back(self):
        self.set_and_put_back(self.azure(), {"properties": {"minimumElasticInstanceCount": 30}})

    def test_a_webhook_gets_the_number(self):
        hook = self.webhook()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 1, "it is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: hook.instances == 30, "it is told")
        self.assertEqual(json.loads(hook.noted("POST")[-1][3]), {"schema": 1, "queue": "orders", "instances": 30})


if __name__ == "__main__":
    unittest.main()
