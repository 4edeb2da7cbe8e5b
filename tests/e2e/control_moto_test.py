"""forewarm control and AWS as moto has it, which others wrote: Lambda's concurrency and mappings, Application Auto Scaling, CloudWatch.

A second opinion where moto is installed; where it is not, the test says so and is skipped (77). Set up and read by boto3. moto has no
provisioned concurrency, looks at no signatures, and runs no scheduled actions.
"""

import io
import shutil
import sys
import tempfile
import time
import unittest
import zipfile

from cloud_tests import CloudTest
from control_tests import ControlTest
from fake_metrics import MINUTE
from fake_targets import PulsingPrometheus
from server_process import wait_for
from source_tests import Broker, free_port, listens
from source_tests import wait_for as broker_wait

try:
    import boto3
    from botocore.config import Config
except ImportError:
    boto3 = None

REGION = "eu-west-1"
TARGET = {"ServiceNamespace": "lambda", "ResourceId": "function:resize:live", "ScalableDimension": "lambda:function:ProvisionedConcurrency"}


class Moto:
    """One server for all; each test makes what it needs anew."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="forewarm-moto-")
        cls.addClassCleanup(folder.cleanup)
        broker = Broker(folder.name)
        cls.addClassCleanup(broker.stop)
        port = free_port()
        broker.spawn(["moto_server", "-H", "127.0.0.1", "-p", str(port)])
        broker_wait("moto", lambda: listens(port))
        cls.url = f"http://127.0.0.1:{port}"

    def setUp(self):
        super().setUp()
        self.aws_keys()

    def client(self, service):
        client = boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="AKID",
                              aws_secret_access_key="secret", config=Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def function(self, name):
        """A function that is never run."""
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("main.py", "def handler(event, context): pass\n")
        functions = self.client("lambda")
        functions.create_function(FunctionName=name, Role=role, Runtime="python3.12", Handler="main.handler",
                                  Code={"ZipFile": code.getvalue()})
        return functions

    def aim(self, kind, more):
        self.target = f'target.kind = "{kind}"\ntarget.url = "{self.url}"\ntarget.region = "{REGION}"\ntarget.change_every = "100ms"\n{more}'

    def raise_and_put_back(self, read, found, said, **config):
        """From what was found to 30 and back again."""
        control = self.control("--apply", **config).start()
        wait_for(lambda: control.queue()["target_problem"] == "" and control.queue()["set"] == found, "the target is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: read() == 30, "the most that is allowed is set")
        wait_for(lambda: control.queue()["set"] == 30, "it is read back")
        control.stop()
        self.assertEqual(self.command("rollback").stdout, f"orders: {said}, as found\n")
        self.assertEqual(read(), found)


class LambdaTest(Moto, ControlTest):
    def test_reserved_concurrency_is_set_and_put_back_or_taken_away(self):
        functions = self.function("reserved")

        def read():
            return functions.get_function_concurrency(FunctionName="reserved").get("ReservedConcurrentExecutions")

        self.aim("reserved-concurrency", 'target.function = "reserved"\n')
        functions.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=5)
        self.raise_and_put_back(read, 5, "5")
        functions.delete_function_concurrency(FunctionName="reserved")
        # Any number may be fewer than there are now, so it waits as that does.
        self.raise_and_put_back(read, None, "nothing set", delay="1s")

    def mapping(self, name, **more):
        """Of a queue to a function: its id, and a function that reads it."""
        functions, queues = self.function(name), self.client("sqs")
        url = queues.create_queue(QueueName=name)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        uuid = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=7, **more)["UUID"]

        def read():
            found = functions.get_event_source_mapping(UUID=uuid)
            self.assertEqual((found["BatchSize"], found["EventSourceArn"]), (7, arn), "what is of others stays")
            return found

        return uuid, read

    def test_the_concurrency_of_a_mapping_is_set_and_put_back_or_taken_away(self):
        for name, found, said in (("mapped", 4, "4"), ("unmapped", None, "nothing set")):
            uuid, read = self.mapping(name, **({"ScalingConfig": {"MaximumConcurrency": found}} if found else {}))
            self.aim("event-source-mapping", f'target.uuid = "{uuid}"\n')
            self.raise_and_put_back(lambda: (read().get("ScalingConfig") or {}).get("MaximumConcurrency"), found, said, delay="1s")

    def test_the_pollers_of_a_mapping_are_set_and_put_back(self):
        uuid, read = self.mapping("polled", ProvisionedPollerConfig={"MinimumPollers": 2, "MaximumPollers": 50})
        self.aim("provisioned-pollers", f'target.uuid = "{uuid}"\n')

        def instances():
            pollers = read()["ProvisionedPollerConfig"]
            self.assertEqual(pollers["MaximumPollers"], 50, "the most stays")
            return 10 * pollers["MinimumPollers"]

        self.raise_and_put_back(instances, 20, "20")

    def test_a_function_that_is_not_there_is_said_and_nothing_is_set(self):
        self.aim("reserved-concurrency", 'target.function = "nobody"\n')
        control = self.control("--apply").start()
        problem = wait_for(lambda: control.queue()["target_problem"], "it is missed")
        self.assertIn("status 404", problem)
        self.assertIn("nobody", problem)
        self.assertEqual(control.directives("sent"), [])


class ScalableTest(Moto, ControlTest):
    def setUp(self):
        super().setUp()
        self.scaling = self.client("application-autoscaling")
        self.scaling.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=30)
        self.addCleanup(self.scaling.deregister_scalable_target, **TARGET)

    def aimed(self, more=""):
        self.aim("application-auto-scaling", f'target.name = "{TARGET["ResourceId"]}"\ntarget.dimension = "{TARGET["ScalableDimension"]}"\n'
                                             f'target.lead = "2s"\n{more}')

    def capacity(self):
        found, = self.scaling.describe_scalable_targets(ServiceNamespace="lambda", ResourceIds=[TARGET["ResourceId"]])["ScalableTargets"]
        return found["MinCapacity"], found["MaxCapacity"]

    def actions(self):
        return {each["ScheduledActionName"]: each for each in
                self.scaling.describe_scheduled_actions(ServiceNamespace="lambda")["ScheduledActions"]}

    def test_min_capacity_is_raised_and_put_back(self):
        self.aimed()
        self.raise_and_put_back(lambda: self.capacity()[0], 2, "2")
        self.assertEqual(self.capacity(), (2, 30))

    def test_what_is_foreseen_is_scheduled_and_taken_back_and_others_actions_stay(self):
        self.prometheus = PulsingPrometheus()
        self.addCleanup(self.prometheus.close)
        self.scaling.put_scheduled_action(**TARGET, ScheduledActionName="nightly", Schedule="cron(0 22 * * ? *)",
                                          ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 4})
        self.aimed()
        control = self.control("--apply", backfill="15m", delay="3s").start()
        ours = wait_for(lambda: {name: each for name, each in self.actions().items() if name.startswith("forewarm-orders-")},
                        "the next bursts are scheduled")
        for each in ours.values():
            self.assertRegex(each["Schedule"], r"^at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)$")
            self.assertEqual(list(each["ScalableTargetAction"]), ["MinCapacity"])
        control.stop()
        self.assertEqual(self.command("rollback").stdout, "orders: 2, as found\n")
        self.assertEqual(list(self.actions()), ["nightly"])
        self.assertEqual(self.capacity(), (2, 30))


class MetricsTest(Moto, CloudTest):
    """moto has no metrics of its queues; the test puts them, as CloudWatch would have them."""

    def test_a_queue_is_seen_by_its_metrics(self):
        self.metrics = f'metrics.kind = "cloudwatch"\nmetrics.url = "{self.url}"\nmetrics.region = "{REGION}"\n'
        metrics = self.client("cloudwatch")
        first = int(time.time()) // MINUTE * MINUTE - 15 * MINUTE
        for minute in range(15):
            for name, value in (("ApproximateNumberOfMessagesVisible", 300 if minute > 11 else 0), ("ApproximateNumberOfMessagesNotVisible", 0),
                                ("ApproximateAgeOfOldestMessage", 1), ("NumberOfMessagesSent", 20), ("NumberOfMessagesDeleted", 20)):
                metrics.put_metric_data(Namespace="AWS/SQS", MetricData=[
                    {"MetricName": name, "Dimensions": [{"Name": "QueueName", "Value": "orders"}], "Timestamp": first + minute * MINUTE,
                     "Value": value}])
        control = self.control("--apply").start()
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 300, "what waits is read")
        wait_for(lambda: self.hook.instances == 30, "and staffed")
        self.assertEqual(control.queue()["reading_problem"], "")


if __name__ == "__main__":
    if boto3 is None or shutil.which("moto_server") is None:
        print("SKIPPED: moto is not here (pip install 'moto[server]'), or boto3 (apt-get install python3-boto3)")
        sys.exit(77)
    unittest.main(verbosity=2)
