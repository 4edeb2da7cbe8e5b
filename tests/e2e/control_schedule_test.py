"""forewarm control and Application Auto Scaling: MinCapacity now, and what the forecast sees coming as scheduled actions."""

import json
import time
import unittest

from scaling_tests import FOREIGN, AutoScalingTest
from server_process import run, wait_for


class ScheduleTest(AutoScalingTest):
    def test_what_is_foreseen_is_put_ahead_of_time_and_taken_back_by_the_rollback(self):
        api = self.pulsing()
        api.suspended = True
        control = self.start("--apply")
        wait_for(lambda: "suspended" in control.queue()["schedule"]["problem"], "scheduled scaling is suspended")
        self.assertEqual(api.calls("PutScheduledAction"), [])
        api.suspended = False
        burst = self.prometheus.next_burst(time.time() + 15)
        # Whoever is away then: there are enough when the next burst begins.
        wait_for(lambda: max(api.least_at(burst - 1), api.least_at(burst + 1)) >= 10 and not self.only_rises(api),
                 "the next burst is staffed, and only for its time")
        ours = api.ours()
        self.assertLessEqual(len(ours), 20)
        for schedule, what in ours.values():
            self.assertEqual(list(what), ["MinCapacity"], "MaxCapacity stays")
            self.assertLessEqual(what["MinCapacity"], api.most)
        self.assertEqual({name: api.actions[name] for name in FOREIGN}, FOREIGN)
        put = api.calls("PutScheduledAction")[-1]
        self.assertEqual({name: put[name] for name in api.resource}, api.resource)
        self.prometheus.down = True
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed")
        wait_for(lambda: self.only_rises(api), "what takes away is withdrawn when nothing is known")
        control.stop()
        self.assertEqual(len(api.calls("PutScheduledAction", "DeleteScheduledAction", "RegisterScalableTarget")),
                         len(control.directives("sent")))
        self.assertIn("Scheduled ", run("explain", "orders", "--data", self.folder / "data").stdout)
        done = self.command("rollback")
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        self.assertEqual((api.actions, api.least, api.most), (FOREIGN, 2, 30))

    def test_fewer_than_are_wanted_are_told_where_the_target_takes_no_more_and_that_is_said(self):
        api = self.auto_scaling()
        api.most = 12
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.least == 12, "it has all that it takes")
        plan = wait_for(lambda: (lambda now: now if now["held_from"] else None)(control.queue()), "more are wanted")
        self.assertEqual((plan["most"], plan["held_from"]), (12, 30))
        held = [line for line in control.directives("refused") if "takes 12 at most" in line["answer"]]
        self.assertIn("target.raise_maximum = true", held[0]["answer"])
        self.assertLess(len(held), 5, "it is not said again and again")
        self.assertEqual((api.most, [call for call in api.calls("RegisterScalableTarget") if "MaxCapacity" in call]), (12, []))
        control.stop()
        self.assertIn("takes 12 at most", run("explain", "orders", "--data", self.folder / "data").stdout)

    def test_max_capacity_is_raised_where_that_is_allowed_and_put_back_by_the_rollback(self):
        api = self.auto_scaling("target.raise_maximum = true\n")
        api.most = 12
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: (api.least, api.most) == (30, 30), "both are raised")
        wait_for(lambda: control.queue()["set"] == 30, "which is read")
        self.assertEqual((control.queue()["most"], control.queue()["held_from"]), (None, None))
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 2, as found\n")
        self.assertEqual((api.least, api.most), (2, 12))

    def test_shadow_mode_says_what_it_would_schedule_and_sends_nothing(self):
        api = self.pulsing()
        control = self.start()
        schedule = wait_for(lambda: (lambda now: now if now["changes"] else None)(control.queue()["schedule"]), "it says what")
        self.assertIn("PutScheduledAction", schedule["changes"][0])
        self.assertIn('"Schedule":"at(2', schedule["changes"][0])
        wait_for(lambda: [line for line in control.directives("recommended") if "PutScheduledAction" in line["request"]],
                 "the decision log has it too")
        self.assertEqual(api.calls("PutScheduledAction", "DeleteScheduledAction", "RegisterScalableTarget"), [])
        self.assertEqual(api.actions, FOREIGN)

    def test_what_is_refused_is_said_and_sent_again(self):
        api = self.pulsing()
        api.fails = {"PutScheduledAction": ("ThrottlingException", "Rate exceeded")}
        control = self.start("--apply")
        wait_for(lambda: [line for line in control.directives("refused") if "ThrottlingException: Rate exceeded" in line["answer"]],
                 "it is refused")
        self.assertIn("Rate exceeded", control.queue()["schedule"]["problem"])
        api.fails = {}
        api.expired = 1
        wait_for(lambda: api.expired == 0, "credentials run out")
        wait_for(api.ours, "it is put")
        self.assertEqual(control.metric("forewarm_control_target_reading_failures_total"), 0, "they were had anew at once")
        wait_for(lambda: not control.queue()["schedule"]["problem"], "and that is known")
        self.assertLess(len(control.directives("refused")), 10, "it waits between")
        control.stop()
        self.assertEqual(self.command("rollback").returncode, 0)
        self.assertEqual(api.actions, FOREIGN, "what is to come is taken back")
        self.assertIn("Withdrew what was scheduled", run("explain", "orders", "--data", self.folder / "data").stdout)

    def test_min_capacity_follows_a_backlog_up_to_max_capacity(self):
        api = self.auto_scaling()
        api.most = 12
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 2, "it is read")
        self.assertEqual(control.queue()["most"], 12)
        self.prometheus.backlog(3000)
        wait_for(lambda: api.least == 12, "it has what it may have")
        self.assertEqual(api.calls("RegisterScalableTarget")[-1], api.resource | {"MinCapacity": 12})
        seen = control.metric("forewarm_control_readings_total", 'result="succeeded"')
        writes = len(api.calls("RegisterScalableTarget"))
        wait_for(lambda: control.metric("forewarm_control_readings_total", 'result="succeeded"') > seen + 5, "rounds go by")
        self.assertEqual(len(api.calls("RegisterScalableTarget")), writes, "what is equal is not sent")
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 2, as found\n")
        self.assertEqual((api.least, api.most), (2, 12))

    def test_what_is_not_registered_is_said_with_the_remedy(self):
        api = self.auto_scaling()
        api.registered = False
        done = run("control", "--once", "--json", "--config", self.write_config())
        self.assertEqual(done.returncode, 1)
        queue = json.loads(done.stdout)["queues"][0]
        self.assertIn("is no scalable target for lambda:function:ProvisionedConcurrency", queue["target_problem"])
        self.assertIn("register-scalable-target", queue["target_problem"])


if __name__ == "__main__":
    unittest.main()
