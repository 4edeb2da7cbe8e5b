"""`forewarm demo` through RabbitMQ and NATS JetStream in place of its own queue: the same report, and nothing is lost
when the broker is killed in the middle.

FOREWARM_WHOLE_DEMO=1 plays all of the shipped trace instead of an hour of a few of its queues."""

import csv
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from nats_source_test import Nats, not_acknowledged
from rabbitmq_source_test import RabbitMq
from server_process import PROGRAM
from source_tests import Client, free_port, wait_for

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "data" / "azure_functions_2019_8h"
WHOLE = bool(os.environ.get("FOREWARM_WHOLE_DEMO"))
QUEUES = ["azfn19w-186", "azfn19w-411", "azfn19w-087", "azfn19w-073"]
HOUR = range(28800, 28800 + 3600)
MINUTES = "2" if WHOLE else "0.3"
KILL_AT_PERCENT = 30  # of what is to be sent; the demo says every ten seconds how far it is


def demo_queues():
    """Those that the demo plays, as its source names them."""
    source = (SHIPPED.parents[1] / "src" / "app" / "demo_trace.cpp").read_text()
    return re.findall(r'"(azfn19w-\d+)"', source)


class DemoThroughABroker(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="forewarm-demo-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.queues = demo_queues() if WHOLE else QUEUES
        self.trace = self.folder / "trace"
        self.trace.mkdir()
        shutil.copy(SHIPPED / "functions.csv.gz", self.trace)
        with gzip.open(SHIPPED / "trace.csv.gz", "rt") as shipped, (self.trace / "trace.csv").open("w") as part:
            rows = [row for row in csv.DictReader(shipped) if row["queue"] in self.queues
                    and (WHOLE or float(row["timestamp_s"]) in HOUR)]
            part.write("timestamp_s,queue,count\n")
            part.writelines(f"{row['timestamp_s']},{row['queue']},{row['count']}\n" for row in rows)
        self.messages = sum(int(row["count"]) for row in rows)

    def play(self, broker, url):
        """The report. The broker is killed when a part of the trace has been sent."""
        process = subprocess.Popen(
            [PROGRAM, "demo", "--trace", self.trace, "--minutes", MINUTES, "--admin", "127.0.0.1:0", "--json", "--source", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"FOREWARM_FUNCTION_NICE": "0"})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        notes = []
        for line in iter(process.stderr.readline, b""):
            notes.append(line.decode())
            played = re.match(r"(\d+)% played", notes[-1])
            if played and int(played[1]) >= KILL_AT_PERCENT:
                break
        self.assertIsNone(process.poll(), "".join(notes))
        broker.signal(signal.SIGKILL)
        reader = threading.Thread(target=lambda: notes.extend(line.decode() for line in process.stderr), daemon=True)
        reader.start()
        command = pathlib.Path(f"/proc/{broker.pid}/cmdline")
        wait_for("the broker is gone", lambda: not command.exists() or not command.read_bytes())
        broker.start()
        report = process.stdout.read()
        self.assertEqual(process.wait(60), 0, "".join(notes))
        reader.join()
        return json.loads(report)

    def check(self, report):
        self.assertEqual((report["sent"], report["handled"]), (self.messages, self.messages), report)
        self.assertFalse(report["interrupted"])
        # The same report as of its own queue: the live run, and replays of the messages that it saw.
        self.assertEqual(sorted(report["replay"]), ["forewarm", "keep-alive:5s", "reactive"])
        self.assertGreater(report["live"]["messages"], 0.2 * self.messages)  # the others came after the trace's end
        self.assertGreater(report["live"]["busy_seconds"], 0)
        for policy, books in report["replay"].items():
            self.assertEqual(books["messages"], report["live"]["messages"], policy)

    def test_rabbitmq(self):
        broker = RabbitMq(str(self.folder))
        self.addCleanup(broker.stop)
        broker.start()
        client = Client("amqp_client.mjs", f"amqp://guest:guest@127.0.0.1:{broker.port}")
        for queue in self.queues:
            # Not a quorum queue: after a kill, that of a single node may stay without a leader.
            client.do("declare", queue=queue, arguments={})
        report = self.play(broker, broker.url("{queue}"))
        self.check(report)
        for queue in self.queues:
            self.assertEqual(client.do("count", queue=queue), 0)
        client.close()

    def test_nats(self):
        broker = Nats(str(self.folder), free_port())
        self.addCleanup(broker.stop)
        broker.start()
        client = Client("nats_client.mjs", f"nats://127.0.0.1:{broker.port}")
        for queue in self.queues:
            client.do("stream", name=queue, subjects=[queue], retention="workqueue")
        report = self.play(broker, broker.url("{queue}"))
        self.check(report)
        # All were handled. Acknowledgements that went down with the broker bring some back.
        self.assertLess(sum(not_acknowledged(client, queue) for queue in self.queues), self.messages / 4)
        client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
