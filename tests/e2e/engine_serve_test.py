"""A server in front of queues that live in RabbitMQ and in NATS JetStream: everything runs, whoever is killed."""

import pathlib
import signal
import tempfile
import unittest

from nats_source_test import Nats, not_acknowledged
from rabbitmq_source_test import RabbitMq
from server_process import PATIENCE_SECONDS, ServerTest, python_handler, wait_for
from source_tests import Client, free_port

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")


def configuration(url, journal, notes):
    return f"""
[[source]]
queue = "orders"
url = "{url}"
attempts_max = 3

[[function]]
name = "worker"
{python_handler(SCRIPTED, "worker", writes=[notes])}environment = {{ JOURNAL = "{journal}" }}
start_time_guess = "200ms"
concurrency_max = 3

[[mapping]]
queue = "orders"
function = "worker"
batch_size = 5

[mapping.retry]
backoff_base = "100ms"
backoff_max = "500ms"
"""


class EngineServe(ServerTest):
    def ran(self):
        """Bodies of all runs."""
        lines = self.journal.read_text().splitlines()
        return [text for text in (line.split(" ", 2)[2] for line in lines) if text.startswith("ok")]

    def everything_runs_whoever_is_killed(self, broker, url, publish, left):
        server = self.server(config=configuration(url, self.journal, self.notes)).start()
        first = [f"ok first {n}" for n in range(150)]
        publish(first)
        wait_for(lambda: len(self.ran()) >= 40, "a part has run")
        broker.signal(signal.SIGKILL)
        broker.stop()
        broker.start()
        second = [f"ok second {n}" for n in range(150)]
        publish(second)
        wait_for(lambda: any("second" in body for body in self.ran()), "it is connected again")
        server.kill()
        server.start()
        wait_for(lambda: set(self.ran()) == {*first, *second}, "all have run")
        # What was lent to the killed server comes again when its lease is over, and again if that is missed.
        wait_for(lambda: left() == 0, "the engine has none left", 5 * PATIENCE_SECONDS)
        wait_for(lambda: sum(server.counts("orders")) == 0, "none is held")
        # At least once: what was under way when something was killed may have run twice, and no more than that.
        self.assertLess(len(self.ran()), 300 + 2 * 60)
        self.assertEqual(sum(server.counts("orders-dead-letters")), 0)
        return server

    def a_message_that_always_fails_is_dead_lettered_here(self, server, publish, left):
        publish(["fail poison"])
        wait_for(lambda: server.counts("orders-dead-letters")[0] == 1, "it is dead-lettered")
        runs = [line for line in self.journal.read_text().splitlines() if line.endswith("fail poison")]
        self.assertLessEqual(len(runs), 3)
        wait_for(lambda: left() == 0, "the engine has it no more")
        message, = server.receive("orders-dead-letters")
        self.assertEqual(message["Body"], "fail poison")

    def what_only_the_engine_can_do_is_refused_with_its_address(self, server, port):
        refused = server.run("queue", "send", "orders", "hello")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"127.0.0.1:{port}", refused.stderr)
        self.assertNotIn("guest:guest", refused.stderr)

    def test_nats(self):
        with tempfile.TemporaryDirectory(prefix="forewarm-nats-") as folder:
            broker = Nats(folder, free_port())
            self.addCleanup(broker.stop)
            broker.start()
            with Client("nats_client.mjs", f"nats://127.0.0.1:{broker.port}") as client:
                client.do("stream", name="ORDERS", subjects=["orders"], retention="workqueue")

                def publish(texts):
                    client.do("publish", subject="orders", messages=[{"body": text} for text in texts])

                def left():
                    return not_acknowledged(client, "ORDERS")

                server = self.everything_runs_whoever_is_killed(broker, broker.url("ORDERS"), publish, left)
                self.a_message_that_always_fails_is_dead_lettered_here(server, publish, left)
                self.what_only_the_engine_can_do_is_refused_with_its_address(server, broker.port)
                server.end()
                broker.stop()

    def test_rabbitmq(self):
        with tempfile.TemporaryDirectory(prefix="forewarm-rabbitmq-") as folder:
            broker = RabbitMq(folder)
            self.addCleanup(broker.stop)
            broker.start()
            with Client("amqp_client.mjs", f"amqp://guest:guest@127.0.0.1:{broker.port}") as client:
                # Not a quorum queue: after a kill, that of a single node may stay without a leader.
                client.do("declare", queue="orders", arguments={})

                def publish(texts):
                    client.do("publish", queue="orders", messages=[{"body": text} for text in texts])

                def left():
                    return client.do("count", queue="orders")

                server = self.everything_runs_whoever_is_killed(broker, broker.url("orders"), publish, left)
                self.a_message_that_always_fails_is_dead_lettered_here(server, publish, left)
                self.what_only_the_engine_can_do_is_refused_with_its_address(server, broker.port)
                server.end()
                broker.stop()


if __name__ == "__main__":
    unittest.main()
