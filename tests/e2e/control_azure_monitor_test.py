"""forewarm control that sees a Service Bus queue by Azure Monitor alone."""

import json
import time
import unittest

from cloud_tests import CloudTest, CloudTests
from fake_metrics import FakeAzureMonitor


class AzureMonitorTest(CloudTests, CloudTest):
    def setUp(self):
        super().setUp()
        self.fake = FakeAzureMonitor(self.minutes)
        self.cloud_recorder = self.recorder(self.fake)
        tokens = self.recorder(self.token)
        self.environment(IDENTITY_ENDPOINT=tokens.url + "/msi/token", IDENTITY_HEADER="header", AZURE_CLIENT_ID="", AZURE_TENANT_ID="",
                         AZURE_CLIENT_SECRET="", AZURE_FEDERATED_TOKEN_FILE="")
        self.metrics = (f'metrics.kind = "azure-monitor"\nmetrics.url = "{self.cloud_recorder.url}"\n'
                        f'metrics.resource = "{FakeAzureMonitor.RESOURCE}"\n')

    def token(self, request):
        self.assertIn("resource=https%3A%2F%2Fmanagement.azure.com", request["query"])
        return 200, json.dumps({"access_token": "token", "expires_on": str(int(time.time()) + 86400), "token_type": "Bearer"})

    def test_a_resource_that_is_none_is_said_with_its_form(self):
        self.metrics = self.metrics.replace("/namespaces/n", "/queues/n")
        self.write_config()
        done = self.command("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("metrics.resource: expected /subscriptions/S/", done.stderr)


if __name__ == "__main__":
    unittest.main()
