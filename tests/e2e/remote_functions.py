"""What tests of functions elsewhere share: a server whose one function is invoked somewhere on loopback."""

import json

from loopback_recorder import Recorder, with_keys
from server_process import ServerTest, wait_for


class RemoteTest(ServerTest):
    """`answer(request)` of each test is the function, or who stands before it."""

    def recorder(self, answer):
        made = Recorder(answer)
        self.addCleanup(made.close)
        return made

    def config(self, runtime, remote, settings="", attempts=2, mapping=""):
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": attempts})
        keys = "".join(f"remote.{key} = {json.dumps(value)}\n" for key, value in remote.items())
        return f"""shutdown_timeout = "1s"
[[queue]]
name = "dead"
[[queue]]
name = "jobs"
attributes = {{ RedrivePolicy = {json.dumps(policy)} }}
[[function]]
name = "worker"
runtime = "{runtime}"
{settings}
{keys}
[[mapping]]
queue = "jobs"
function = "worker"
{mapping}
retry.backoff_base = "50ms"
retry.backoff_max = "200ms"
"""

    def started(self, config, environment=None):
        server = self.server(config=config)
        server.environment = environment or with_keys()
        return server.start()

    def wait_empty(self, server, queue="jobs"):
        wait_for(lambda: sum(server.counts(queue)) == 0, f"{queue} is empty")

    def wait_dead(self, server, count=1):
        wait_for(lambda: server.counts("dead")[0] == count, "what failed is in the dead-letter queue")
        return sorted(message["Body"] for message in server.receive("dead"))


def records(request):
    return json.loads(request["body"])["Records"]


def bodies(request):
    return [record["body"] for record in records(request)]


def attempts(request):
    return [record["attributes"]["ApproximateReceiveCount"] for record in records(request)]
