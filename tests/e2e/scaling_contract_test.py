"""What control sends to Application Auto Scaling is what boto3 sends for the same, and boto3 reads the same of the tests' fake."""

import json
import sys
import time
import unittest

from scaling_tests import FOREIGN, AutoScalingTest
from server_process import wait_for

try:
    import boto3
except ImportError:
    print("boto3 is not installed; nothing is tested")
    sys.exit(77)

CALLS = {"DescribeScalableTargets": "describe_scalable_targets", "RegisterScalableTarget": "register_scalable_target",
         "DescribeScheduledActions": "describe_scheduled_actions", "PutScheduledAction": "put_scheduled_action",
         "DeleteScheduledAction": "delete_scheduled_action"}


class ScalingContract(AutoScalingTest):
    @staticmethod
    def operation(request):
        service, _, operation = request[2]["X-Amz-Target"].partition(".")
        assert service == "AnyScaleFrontendService", service
        return operation

    def test_every_call_is_that_of_the_official_client_and_its_answer_is_read_alike(self):
        api = self.pulsing()
        control = self.start("--apply")
        wait_for(lambda: not self.only_rises(api), "actions are put")
        wait_for(lambda: api.calls("RegisterScalableTarget"), "and MinCapacity is set")
        wait_for(lambda: control.queue()["set"] == api.least, "which is read")
        seen = control.queue()
        control.stop()
        official = boto3.client("application-autoscaling", endpoint_url=api.url, region_name="eu-west-1",
                                aws_access_key_id="AKID", aws_secret_access_key="secret", aws_session_token="session")
        target, = official.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace="lambda", ResourceIds=[api.resource["ResourceId"]],
            ScalableDimension=api.resource["ScalableDimension"]).build_full_result()["ScalableTargets"]
        self.assertEqual((target["MinCapacity"], target["MaxCapacity"]), (seen["set"], seen["most"]))
        read = official.get_paginator("describe_scheduled_actions").paginate(**api.resource).build_full_result()["ScheduledActions"]
        self.assertEqual({action["ScheduledActionName"]: (action["Schedule"], action["ScalableTargetAction"]) for action in read},
                         api.actions)
        self.assertGreater(len(read), 4, "these are pages")
        self.assertEqual(self.command("rollback").returncode, 0)
        self.assertEqual(api.actions, FOREIGN, "all pages were read")
        ours = {self.operation(request): request for request in api.noted("POST")
                if "Boto3" not in request[2].get("User-Agent", "")}
        self.assertEqual(set(ours), set(CALLS))
        for name, (method, path, headers, body) in ours.items():
            asked = json.loads(body)
            if name == "PutScheduledAction":  # it has to be to come
                asked["Schedule"] = time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(time.time() + 600))
            try:
                getattr(official, CALLS[name])(**asked)
            except official.exceptions.ObjectNotFoundException:
                self.assertEqual(name, "DeleteScheduledAction")
            theirs = api.noted("POST")[-1]
            self.assertIn("Boto3", theirs[2]["User-Agent"])
            self.assertEqual((method, path), theirs[:2])
            self.assertEqual(asked, json.loads(theirs[3]), name)
            for header in ("X-Amz-Target", "Content-Type", "Host", "X-Amz-Security-Token"):
                self.assertEqual(headers[header], theirs[2][header], name)
            scopes = [each["Authorization"].split(",")[0].split("/")[2:] for each in (headers, theirs[2])]
            self.assertEqual(scopes, [["eu-west-1", "application-autoscaling", "aws4_request"]] * 2)

if __name__ == "__main__":
    unittest.main()
