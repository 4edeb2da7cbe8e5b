"""forewarm control --apply and Azure Functions: pre-warmed instances of a Premium plan, always-ready ones of Flex Consumption."""

import copy
import json
import unittest

from control_tests import ControlTest
from server_process import wait_for


class AzureFunctionsTest(ControlTest):
    def test_beyond_the_limit_of_always_ready_instances_they_are_pre_warmed_and_both_numbers_are_put_back(self):
        api = self.azure("target.always_ready_max = 20\n")
        before = dict(api.properties)
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 3, "one is always ready, and two are warm beside the plan's own")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.properties == {"minimumElasticInstanceCount": 20, "preWarmedInstanceCount": 11, "http20Enabled": True},
                 "thirty are warm")
        wait_for(lambda: control.queue()["set"] == 30, "which is read")
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 3, as found\n")
        self.assertEqual(api.properties, before)

    def test_shadow_mode_shows_the_change_of_a_flex_app_alone_and_writes_nothing(self):
        api = self.azure_flex()
        self.prometheus.backlog(3000)
        control = self.control().start()
        self.prometheus.backlog(3000)
        order = wait_for(lambda: control.queue()["order"], "it says what it would send")
        method, url, body = order["request"].split(" ", 2)
        self.assertEqual((method, url), ("PUT", api.url + api.name + "?api-version=2023-12-01"))
        self.assertEqual(json.loads(body), {"properties": {"functionAppConfig": {"scaleAndConcurrency": {"alwaysReady": [
            {"name": "function:resize", "instanceCount": order["instances"]}]}}}})
        self.assertEqual(api.noted("PUT"), [])

    def test_a_group_of_a_flex_app_is_set_among_others_and_put_back(self):
        api = self.azure_flex()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 0, "it is read")
        self.assertEqual(control.queue()["most"], 98, "less what the other group has")
        # Somebody else changes the app meanwhile.
        api.site["properties"]["functionAppConfig"]["runtime"]["version"] = "3.13"
        before = copy.deepcopy(api.site)
        self.prometheus.backlog(3000)
        wait_for(lambda: api.number == 30, "it is set")
        wait_for(lambda: control.queue()["set"] == 30, "which is read")
        puts = len(api.noted("PUT"))
        seen = control.metric("forewarm_control_readings_total", 'result="succeeded"')
        wait_for(lambda: control.metric("forewarm_control_readings_total", 'result="succeeded"') > seen + 5, "rounds go by")
        self.assertEqual(len(api.noted("PUT")), puts, "what is equal is not sent")
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 0, as found\n")
        self.assertEqual(api.site, before, "nothing else was touched")

    def test_what_azure_refuses_is_said_and_it_is_asked_again_when_it_says(self):
        api = self.azure_flex()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 0, "it is read")
        api.fails = 429, {"error": {"code": "TooManyRequests", "message": "Too many requests"}}, ("Retry-After", "2")
        self.prometheus.backlog(3000)
        refused = wait_for(lambda: control.directives("refused"), "it is throttled")[0]
        self.assertIn("status 429: Too many requests", refused["answer"])
        wait_for(lambda: "Too many requests" in control.queue()["target_problem"], "for so long it is not read either")
        api.fails = 500, "<html>Internal Server Error"
        wait_for(lambda: "status 500" in control.queue()["refusal"], "it stumbles")
        api.fails = None
        api.garbled = '{"properties":{"functionAppConfig":{"scaleAndConcurrency":{"alwaysReady":[{"name":"http"'
        wait_for(lambda: "expected a JSON object" in control.queue()["target_problem"], "half an answer is none")
        self.assertEqual(api.number, 0)
        api.garbled = None
        api.tokens += 1  # what lets in has run out
        wait_for(lambda: api.number == 30, "it is taken")
        self.assertEqual(api.site["properties"]["functionAppConfig"]["scaleAndConcurrency"]["instanceMemoryMB"], 2048)


if __name__ == "__main__":
    unittest.main()
