"""What control sends to Azure's App Service is what the official client sends for the same, and it reads the same of the tests' fakes."""

import copy
import json
import unittest
from urllib.parse import parse_qs, urlsplit

from control_tests import ControlTest
from server_process import wait_for
from source_tests import Client

APP = {"subscription": "s", "group": "shop", "app": "resize"}


class AzureContract(ControlTest):
    def official(self, api):
        client = Client("arm_client.mjs", api.url)
        self.addCleanup(client.close)
        api.allowed.add("official")
        return client

    @staticmethod
    def split(request):
        url = urlsplit(request[1])
        return request[0], url.path, parse_qs(url.query)

    def sent_at_its_end(self, api):
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] is not None, "it is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: control.queue()["set"] == 30, "it is set")
        control.stop()
        return {method: api.noted(method)[-1] for method in ("PATCH", "PUT") if api.noted(method)}

    def test_the_configuration_of_a_premium_app_is_read_and_patched_as_by_the_official_client(self):
        api = self.azure("target.always_ready_max = 20\n")
        mine = self.sent_at_its_end(api)["PATCH"]
        official = self.official(api)
        read = official.do("getConfiguration", **APP, version="2025-05-01")
        self.assertEqual((read["minimumElasticInstanceCount"], read["preWarmedInstanceCount"]), (20, 11))
        official.do("updateConfiguration", **APP, version="2025-05-01", config=json.loads(mine[3])["properties"])
        theirs = api.noted("PATCH")[-1]
        self.assertIn("azsdk-js-arm-appservice", theirs[2]["User-Agent"])
        self.assertEqual(self.split(mine), self.split(theirs))
        self.assertEqual(json.loads(mine[3]), json.loads(theirs[3]))
        self.assertTrue(theirs[2]["Content-Type"].startswith(mine[2]["Content-Type"]))

    def test_an_app_in_a_flex_plan_is_written_whole_as_by_the_official_client(self):
        api = self.azure_flex()
        before = copy.deepcopy(api.site)
        mine = self.sent_at_its_end(api)["PUT"]
        official = self.official(api)
        read = official.do("get", **APP, version="2023-12-01")
        self.assertIn({"name": "function:resize", "instanceCount": 30}, read["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"])
        api.site = before
        official.do("createOrUpdate", **APP, version="2023-12-01", name="function:resize", instanceCount=30)
        theirs = api.noted("PUT")[-1]
        self.assertIn("azsdk-js-arm-appservice", theirs[2]["User-Agent"])
        self.assertEqual(self.split(mine), self.split(theirs))
        ours, official_body = json.loads(mine[3]), json.loads(theirs[3])
        self.assertEqual(ours["properties"]["functionAppConfig"], official_body["properties"]["functionAppConfig"])
        # That client leaves out what only the service says of an app (its state, its name), and says no of its own accord.
        for name, value in official_body.items():
            if name != "properties":
                self.assertEqual(ours[name] if name != "identity" else {"type": ours[name]["type"]}, value, name)
        for name, value in official_body["properties"].items():
            self.assertEqual(ours["properties"].get(name, False), value, name)


if __name__ == "__main__":
    unittest.main()
